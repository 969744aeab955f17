"""`snapshot`: how long it takes to save a snapshot, in its worker thread with fsync, and to load it at a start."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
import trio

from bench.measure import Spent, as_json, median_spent, reading, since
from bench.report import Figure, Report, Target, json_option, progress_bar
from placed.cooldown import SAVED
from placed.palette import SEED
from placed.record import Definition
from placed.snapshot import Snapshot, encode
from placed.snapshot_store import open_snapshot_store

if TYPE_CHECKING:
    from collections.abc import Callable


@click.command()
@click.option("--side", default=1_000, show_default=True, type=click.IntRange(1, 4_096), help="Of the canvas, pixels.")
@click.option("--authors", default=200_000, show_default=True, type=click.IntRange(0, 200_000), help="Who owe charges.")
@click.option("--runs", default=20, show_default=True, type=click.IntRange(1, 1_000))
@json_option
def snapshot(side: int, authors: int, runs: int, json_path: Path | None) -> None:
    """Save and load a snapshot."""
    rng = np.random.default_rng(2017)
    cooldowns = np.zeros(authors, SAVED)
    cooldowns.view(np.uint8)[...] = rng.integers(0, 256, cooldowns.nbytes, np.uint8)
    canvas = rng.integers(0, len(SEED.rgb) // 3, (side, side), np.uint8)
    taken = Snapshot("0" * 32, 1, Definition(side, side, SEED.rgb), canvas, cooldowns)
    with progress_bar("") as bar:
        task = bar.add_task("saving and loading", total=runs)
        saves, loads, longest = trio.run(_measure, taken, runs, lambda: bar.advance(task))
    saved, loaded = median_spent(saves), median_spent(loads)
    Report(
        bench="snapshot",
        figures=[
            Figure("a snapshot", float(len(encode(taken))), "bytes"),
            Figure("save", 1000 * saved.wall, "ms"),
            Figure("save: CPU", 1000 * saved.cpu, "ms"),
            Figure("save: longest that the event loop waited", 1000 * longest, "ms", Target(50.0)),
            Figure("load", 1000 * loaded.wall, "ms"),
            Figure("load: CPU", 1000 * loaded.cpu, "ms"),
        ],
        options={"side": side, "authors": authors, "runs": runs},
        details={"save": as_json(saves), "load": as_json(loads)},
    ).publish(json_path)


async def _measure(taken: Snapshot, runs: int, advance: Callable[[], None]) -> tuple[list[Spent], list[Spent], float]:
    saves, loads, longest = [], [], 0.0
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder:
        async with open_snapshot_store(Path(folder) / "snapshot") as store:
            for _ in range(runs):
                begin = reading()
                longest = max(longest, await _longest_pause(store.save, taken))
                saves.append(since(begin))
                begin = reading()
                if await store.load() is None:
                    raise RuntimeError("no snapshot is stored")
                loads.append(since(begin))
                advance()
    return saves, loads, longest


async def _longest_pause(save: Callable[[Snapshot], object], taken: Snapshot) -> float:
    """Save, and say how long other tasks had to wait for a turn at most, in s."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = trio.current_time()
            await trio.sleep(0.001)
            longest = max(longest, trio.current_time() - before - 0.001)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await save(taken)  # type: ignore[misc]  # an async function
        nursery.cancel_scope.cancel()
    return longest
