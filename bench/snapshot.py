"""`snapshot`: how long it takes to save a snapshot as the snapshotter does, and how long other tasks wait for a turn
meanwhile; and how long it takes to load the snapshot at a start."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import numpy as np
import trio

from bench.equipment.measure import Spent, as_json, median_spent, reading, since
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from placed.canvas.cooldown import SAVED, Cooldowns, Rule
from placed.canvas.definition import Definition
from placed.canvas.palette import SEED
from placed.canvas.projection import Projection
from placed.storage.snapshot_store import open_snapshot_store
from placed.tasks.snapshotter import Snapshotter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_RULE: Final = Rule(charges=10, charge_ms=60_000)  # nobody's charges are back before the bench ends


@click.command()
@click.option(
    "--side", default=1_000, show_default=True, type=click.IntRange(1, 4_096), help="Side of the canvas, in pixels."
)
@click.option(
    "--authors", default=200_000, show_default=True, type=click.IntRange(0, 200_000), help="Authors with spent charges."
)
@click.option("--runs", default=20, show_default=True, type=click.IntRange(1, 1_000))
@json_option
def snapshot(side: int, authors: int, runs: int, json_path: Path | None) -> None:
    """Save and load a snapshot."""
    rng = np.random.default_rng(2017)
    now_ms = time.time_ns() // 1_000_000
    owed = np.zeros(authors, SAVED)
    owed["author"] = rng.integers(0, 2**64, authors, np.uint64)
    owed["full_ms"] = now_ms + rng.integers(_RULE.window_ms // 2, _RULE.window_ms, authors)
    cooldowns = Cooldowns(_RULE)
    cooldowns.load(owed, now_ms)
    canvas = rng.integers(0, len(SEED.rgb) // 3, (side, side), np.uint8)
    projection = Projection(Definition(side, side, SEED.rgb), 1, cooldowns, canvas=canvas)
    with progress_bar("") as bar:
        task = bar.add_task("saving and loading", total=runs)
        saves, loads, pauses = trio.run(_measure, projection, runs, lambda: bar.advance(task))
    saved, loaded = median_spent(saves), median_spent(loads)
    Report(
        bench="snapshot",
        figures=[
            Figure("save", 1000 * saved.wall, "ms"),
            Figure("save: CPU", 1000 * saved.cpu, "ms"),
            Figure("save: longest that the event loop waited, median", 1000 * statistics.median(pauses), "ms"),
            Figure("save: longest that the event loop waited", 1000 * max(pauses), "ms", Target(50.0)),
            Figure("load", 1000 * loaded.wall, "ms"),
            Figure("load: CPU", 1000 * loaded.cpu, "ms"),
        ],
        options={"side": side, "authors": authors, "runs": runs},
        details={"save": as_json(saves), "load": as_json(loads)},
    ).publish(json_path)


async def _measure(
    projection: Projection, runs: int, advance: Callable[[], None]
) -> tuple[list[Spent], list[Spent], list[float]]:
    saves, loads, pauses = [], [], []
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder:
        async with open_snapshot_store(Path(folder) / "snapshot") as store:
            snapshotter = Snapshotter(store, projection, "0" * 32)
            for _ in range(runs):
                projection.version += 1
                begin = reading()
                pauses.append(await _longest_pause(snapshotter.save))
                saves.append(since(begin))
                begin = reading()
                if await store.load() is None:
                    raise RuntimeError("no snapshot is stored")
                loads.append(since(begin))
                advance()
    return saves, loads, pauses


async def _longest_pause(save: Callable[[], Awaitable[None]]) -> float:
    """Save a snapshot; return the longest time that other tasks waited for a turn, in s."""
    longest = 0.0

    async def watch(task_status: trio.TaskStatus[None]) -> None:
        nonlocal longest
        task_status.started()
        while True:
            before = trio.current_time()
            await trio.sleep(0.001)
            longest = max(longest, trio.current_time() - before - 0.001)

    async with trio.open_nursery() as nursery:
        await nursery.start(watch)
        await save()
        await trio.sleep(0.002)  # so that the ticker has measured a pause at the start of the save
        nursery.cancel_scope.cancel()
    return longest
