"""`python -m bench.logs.traffic`: a whole server in one process, with a day of traffic written directly to its log.

`bench.memory` starts this process. The server is `placed.service.wiring.serve`, with all its parts: HTTP, streams,
image, reader, projection, feed, cooldowns, snapshotter. Only the way in is shorter: the process appends records to the
server's own log, since 28.8 million POSTs would take hours. Half of the records hold one edit, as on a quiet server,
the others hold a burst's.

    standard output    the server's address, then again and again a line with the number of edits read back so far
    standard input     a line starts the traffic; the server runs until it gets a signal
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
import trio

from bench.logs.edit_logs import append_together, random_edits
from placed.backends.lmdb.log import open_lmdb_log
from placed.canvas.events import Edits
from placed.commands.settings.values import Settings
from placed.process.allocator import give_back_large_blocks
from placed.service.wiring import serve
from placed.telemetry.structured_logs import configure

if TYPE_CHECKING:
    from placed.backends import Log
    from placed.service.wiring import Running

_BLOCK_EDITS = 4_000  # appended together, in 250 records of 16: as many POSTs wait on a busy server
_BEHIND_SECONDS = 60.0  # time for the server to read a block back


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("edits", type=click.IntRange(0))
@click.argument("record_edits", type=click.IntRange(1, 1000))
@click.argument("charge_seconds", type=click.FloatRange(0))
def traffic(folder: Path, edits: int, record_edits: int, charge_seconds: float) -> None:
    """Serve FOLDER, and put EDITS edits into its log, in records of RECORD_EDITS on average."""
    configure("warning", "json", sys.stderr)
    trio.run(_main, Settings(data=folder, port=0, charge_seconds=charge_seconds), edits, record_edits)


async def _main(settings: Settings, edits: int, record_edits: int) -> None:
    async with open_lmdb_log(settings.data / "log") as log, trio.open_nursery() as nursery:
        running: Running = await nursery.start(partial(serve, settings, stop=trio.Event(), log=log))
        give_back_large_blocks()  # as the command does
        print(running.urls[0], flush=True)
        await trio.to_thread.run_sync(sys.stdin.readline)
        await _traffic(log, running, edits, record_edits)
        await trio.sleep_forever()


async def _traffic(log: Log, running: Running, edits: int, record_edits: int) -> None:
    rng = np.random.default_rng(2017)
    left = edits
    while left:
        block = random_edits(rng, min(left, _BLOCK_EDITS))
        ranges = _records(rng, len(block), record_edits)
        await append_together(log, [Edits(block[begin:end]).encode() for begin, end in ranges])
        await _read_back(log, running)
        left -= len(block)
        print(edits - left, flush=True)


def _records(rng: np.random.Generator, edits: int, record_edits: int) -> list[tuple[int, int]]:
    """Half-open ranges that cut `edits` edits into records: half of them of one edit, `record_edits` on average."""
    burst = rng.geometric(1 / max(1, 2 * record_edits - 1), edits)
    sizes = np.where(rng.random(edits) < 0.5, 1, burst)
    ends = np.minimum(np.cumsum(sizes), edits)
    ends = ends[: int(np.searchsorted(ends, edits)) + 1].tolist()
    return list(zip([0, *ends[:-1]], ends, strict=True))


async def _read_back(log: Log, running: Running) -> None:
    """Wait until the server has applied all records in the log, so that the traffic never runs ahead of it."""
    _, end = await log.bounds()
    with trio.fail_after(_BEHIND_SECONDS):
        while running.projection.version < end:  # noqa: ASYNC110 - a server has no event for this, and needs none
            await trio.sleep(0.001)


if __name__ == "__main__":
    traffic()
