"""Logs made for a bench: through the LMDB backend itself, quickly, and in the past.

Their records are an hour old, as most of a log is when a server starts, so that no cooldown counts them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np
import trio

from bench.logs.trace import AUTHORS, generate
from placed.backends.lmdb.log import LmdbLog, open_lmdb_log
from placed.canvas.definition import Definition
from placed.canvas.events import EDIT, Canvas, Edits
from placed.canvas.palette import SEED

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from placed.backends import Log

CANVAS: Final = Definition(1000, 1000, SEED.rgb)
_AT_ONCE: Final = 2_000  # records that are appended together
_HOUR_MS: Final = 3_600_000
_PICTURE_EDITS: Final = 50_000


def open_past_log(folder: Path) -> AbstractAsyncContextManager[LmdbLog]:
    """Open the LMDB log in `folder` with a clock that is an hour slow."""
    return open_lmdb_log(folder, clock_ms=lambda: time.time_ns() // 1_000_000 - _HOUR_MS)


def random_edits(rng: np.random.Generator, count: int) -> NDArray[np.void]:
    """Edits anywhere on `CANVAS`, by anybody; dtype `EDIT`, shape (count,)."""
    edits = np.empty(count, EDIT)
    edits["x"] = rng.integers(0, CANVAS.width, count)
    edits["y"] = rng.integers(0, CANVAS.height, count)
    edits["color"] = rng.integers(0, CANVAS.colors, count)
    edits["author"] = rng.integers(1, AUTHORS + 1, count, np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return edits


async def fill(log: Log, *, edits: int, record_edits: int, advance: Callable[[int], None]) -> None:
    """Append the canvas, if the log is empty, and then `edits` edits in records of `record_edits`.

    Args:
        advance: called with the number of edits appended since the last call.
    """
    _, end = await log.bounds()
    if end == 0:
        await log.append(Canvas(CANVAS).encode())
    rng = np.random.default_rng(2017)
    left = edits
    while left:
        block = random_edits(rng, min(left, record_edits * _AT_ONCE))
        ranges = range(0, len(block), record_edits)
        await append_together(log, [Edits(block[begin : begin + record_edits]).encode() for begin in ranges])
        left -= len(block)
        advance(len(block))


async def append_together(log: Log, values: list[bytes]) -> None:
    """Append many records as quickly as the log can: in one transaction, or all at the same time."""
    if isinstance(log, LmdbLog):
        await log.append_all(values)
        return
    async with trio.open_nursery() as nursery:
        for value in values:
            nursery.start_soon(log.append, value)


async def values_of(log: Log) -> list[bytes]:
    """All records of an open log that begins at 0."""
    _, end = await log.bounds()
    values: list[bytes] = []
    if end:
        async with log.read(0) as batches:
            async for batch in batches:
                values += batch.values
                if batch.next_offset >= end:
                    break
    return values


async def lay_picture(data: Path) -> None:
    """Make the log of a server's data folder, with a made-up canvas on which every pixel has been placed once."""
    *_, last = generate(states=40, edits=1, width=CANVAS.width, height=CANVAS.height).states()
    edits = np.zeros(last.canvas.size, EDIT)
    edits["y"], edits["x"] = (axis.ravel() for axis in np.indices(last.canvas.shape))
    edits["color"], edits["author"] = last.canvas.ravel(), 1
    async with open_past_log(data / "log") as log:
        await log.append(Canvas(CANVAS).encode())
        for begin in range(0, len(edits), _PICTURE_EDITS):
            await log.append(Edits(edits[begin : begin + _PICTURE_EDITS]).encode())
