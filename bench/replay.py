"""`replay`: how fast a server reads a log back, checks, decodes and applies it, as at a start without a snapshot.

The bench makes the log through the backend, closes it, opens it again, and reads it through
`placed.tasks.reader.replay`. Separate runs measure where the time goes, with one more layer in each: reading alone;
reading and decoding; all of it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click
import trio

from bench.equipment.measure import Spent, as_json, median_spent, reading, since
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.logs.edit_logs import CANVAS, fill, open_past_log
from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.events import decode
from placed.canvas.projection import Projection
from placed.tasks.reader import replay as replay_log
from placed.tasks.recovery import FEED_RECORDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from placed.backends import Log

    Layer = Callable[[Log, int], Awaitable[int]]

_RULE: Final = Rule(charges=10, charge_ms=1_000)
_TARGETS: Final = {1_000: ("edits", Target(5_000_000, at_least=True)), 1: ("records", Target(300_000, at_least=True))}


@attrs.frozen
class _Outcome:
    """Replays of one log.

    Attributes:
        record_edits: edits in each record.
        edits: edits in the log.
        log_bytes: its size on disk.
        layers: the runs of each layer, by its name.
    """

    record_edits: int
    edits: int
    log_bytes: int
    layers: dict[str, list[Spent]]

    @property
    def records(self) -> int:
        return -(-self.edits // self.record_edits)


@click.command()
@click.option(
    "--edits", default=10_000_000, show_default=True, type=click.IntRange(1), help="Edits in records of 1,000."
)
@click.option("--records", default=500_000, show_default=True, type=click.IntRange(1), help="Records of one edit each.")
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1, 100))
@json_option
def replay(edits: int, records: int, runs: int, json_path: Path | None) -> None:
    """Read back a log of records with 1,000 edits, and one of single edits."""
    outcomes = [trio.run(_measure, edits, 1_000, runs), trio.run(_measure, records, 1, runs)]
    Report(
        bench="replay",
        figures=[figure for outcome in outcomes for figure in _figures(outcome)],
        options={"edits": edits, "records": records, "runs": runs},
        details={str(outcome.record_edits): _details(outcome) for outcome in outcomes},
        notes=["'Without waiting': the wall time less what the process waited for a core; see --help of the group."],
    ).publish(json_path)


async def _measure(edits: int, record_edits: int, runs: int) -> _Outcome:
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder, progress_bar("edits") as bar:
        path = Path(folder)
        task = bar.add_task(f"making a log, {record_edits} in a record", total=edits)
        async with open_past_log(path) as log:
            await fill(log, edits=edits, record_edits=record_edits, advance=lambda count: bar.advance(task, count))
        layers: dict[str, list[Spent]] = {name: [] for name in _LAYERS}
        task = bar.add_task("replaying", total=edits * runs * len(layers))
        # Open the log again, so that every record comes from the file and none from the tail in memory.
        async with open_past_log(path) as log:
            for _ in range(runs):
                for name, layer in _LAYERS.items():
                    layers[name].append(await _timed(layer, log, edits))
                    bar.advance(task, edits)
        return _Outcome(record_edits, edits, (path / "data.mdb").stat().st_size, layers)


async def _timed(layer: Layer, log: Log, edits: int) -> Spent:
    _, end = await log.bounds()
    begin = reading()
    found = await layer(log, end)
    spent = since(begin)
    if found not in (edits, -1):
        raise RuntimeError(f"{found} edits came out of a log of {edits}")
    return spent


async def _read(log: Log, end: int) -> int:
    async with log.read(0) as batches:
        async for batch in batches:
            if batch.next_offset >= end:
                break
    return -1


async def _read_and_decode(log: Log, end: int) -> int:
    edits = 0
    async with log.read(0) as batches:
        async for batch in batches:
            edits += sum(run.event.pixel_count for run in decode(batch.offsets, batch.times_ms, batch.values))
            if batch.next_offset >= end:
                break
    return edits


async def _replay(log: Log, end: int) -> int:
    projection = Projection(CANVAS, 0, Cooldowns(_RULE))
    await replay_log(log, projection, end=end, feed_records=FEED_RECORDS, progress=lambda offset: None)
    return projection.edits


_LAYERS: Final[dict[str, Layer]] = {"reading": _read, "reading and decoding": _read_and_decode, "replay": _replay}


def _figures(outcome: _Outcome) -> list[Figure]:
    spent = {name: median_spent(runs) for name, runs in outcome.layers.items()}
    whole = spent["replay"]
    what, target = _TARGETS[outcome.record_edits]
    count = {"edits": outcome.edits, "records": outcome.records}[what]
    size = "1 edit" if outcome.record_edits == 1 else f"{outcome.record_edits:,} edits"
    share = _shares({name: each.cpu for name, each in spent.items()})
    return [
        Figure(f"records of {size}: {what}", count / whole.wall, "per second", target),
        Figure(f"records of {size}: {what}, without waiting", count / whole.unwaited, "per second", target),
        Figure(f"records of {size}: {what}, by CPU time", count / whole.cpu, "per CPU second"),
        *(Figure(f"records of {size}: {name}", value, "% of CPU time") for name, value in share.items()),
        Figure(f"records of {size}: log on disk", outcome.log_bytes / outcome.edits, "bytes per edit"),
    ]


def _shares(cpu: dict[str, float]) -> dict[str, float]:
    read, decoded, whole = cpu["reading"], cpu["reading and decoding"], cpu["replay"]
    return {
        "reading and checking": 100 * read / whole,
        "decoding": 100 * (decoded - read) / whole,
        "applying": 100 * (whole - decoded) / whole,
    }


def _details(outcome: _Outcome) -> dict[str, Any]:
    layers = {name: as_json(runs) for name, runs in outcome.layers.items()}
    return {"edits": outcome.edits, "records": outcome.records, "log_bytes": outcome.log_bytes, "runs": layers}
