"""Counts activity: where and when there were edits, and which pixels nobody has ever set.

Segments that lie inside the time asked for say how many edits each cell of a grid has, so that no edit is looked at.
Those at the edges of the time, and of its slices, are read.

Thread: any; blocks, for 0.1 ms a segment and 3 ms for each that is read.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.history.ground import CELLS, cells_of
from placed.history.past import reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from placed.canvas.definition import Definition
    from placed.history.past import Past
    from placed.history.stretch import Stretch

SLICES: Final = 64


@attrs.frozen(eq=False)
class Activity:
    """Where and when there were edits.

    Attributes:
        start: the first version of the time asked for.
        end: the version after it.
        cells: edits in each cell of a grid, int64, shape (cells, cells).
        slices: edits in each slice of the time, int64, shape (SLICES,).
        untouched: how many pixels of each cell nobody had ever set by the end of the time; like `cells`.
    """

    start: int
    end: int
    cells: NDArray[np.int64]
    slices: NDArray[np.int64]
    untouched: NDArray[np.int64]


@attrs.frozen(eq=False)
class _Part:
    """Edits of one segment, or of the tail: their cells, and their slices."""

    cells: NDArray[np.int64]
    slices: NDArray[np.int64]


def activity_of(past: Past, from_ms: int, to_ms: int, *, cells: int = CELLS) -> Activity:
    """Where and when there were edits with `from_ms <= time < to_ms`.

    Args:
        past: to look in.
        from_ms: below `to_ms`.
        to_ms: ms since the epoch.
        cells: along each side of the grid: a power of two, at most `CELLS`.

    Raises:
        NotIndexed: a part of it has to be read again.
    """
    start, end = past.version_at(from_ms - 1), past.version_at(to_ms - 1)
    definition = past.canvas(end)[0]
    edges = from_ms + (to_ms - from_ms) * np.arange(1, SLICES, dtype=np.int64) // SLICES
    grid, slices = np.zeros((CELLS, CELLS), np.int64), np.zeros(SLICES, np.int64)
    for part in _parts(past, start, end, definition, edges):
        grid += part.cells
        slices += part.slices
    factor = CELLS // cells
    untouched = _count(~past.touched(end), definition)
    return Activity(start, end, _coarser(grid, factor), slices, _coarser(untouched, factor))


def _parts(past: Past, start: int, end: int, definition: Definition, edges: NDArray[np.int64]) -> Iterator[_Part]:
    for at in range(max(0, past.at(start)), len(past.kept)):
        kept, header = past.kept[at], past.header(at)
        if kept.start >= end:
            return
        if kept.end <= start:
            continue
        floor_ms = past.highest_before(at) or header.first_ms
        lowest, highest = np.searchsorted(edges, np.array([floor_ms, header.highest_ms]), "right").tolist()
        is_inside = start <= kept.start and kept.end <= end and lowest == highest
        with reading(kept) as segment:
            if is_inside and header.definition == definition:
                slices = np.zeros(SLICES, np.int64)
                slices[lowest] = header.edits
                yield _Part(segment.cells().astype(np.int64), slices)
            else:
                yield _part(segment.stretch(), floor_ms, start, end, definition, edges)
    tail = past.tail
    if tail is not None and tail.stretch.end > start and tail.stretch.start < end:
        yield _part(tail.stretch, tail.ground.highest_ms, start, end, definition, edges)


def _part(
    stretch: Stretch, floor_ms: int, start: int, end: int, definition: Definition, edges: NDArray[np.int64]
) -> _Part:
    offsets = stretch.rows["offset"]
    inside = slice(*np.searchsorted(offsets, np.array([start, end])).tolist())
    times = stretch.highest_times(floor_ms)[inside]
    slices = np.bincount(np.searchsorted(edges, times, "right"), minlength=SLICES)
    return _Part(cells_of(stretch.rows[inside], definition), slices)


def _count(flags: NDArray[np.bool_], definition: Definition) -> NDArray[np.int64]:
    """How many of the pixels, bool, shape (height * width,), are set in each cell."""
    rows = flags.reshape(definition.height, definition.width).view(np.uint8)
    down, across = (-(-np.arange(CELLS + 1) * side // CELLS) for side in (definition.height, definition.width))
    counted = np.zeros((CELLS, CELLS), np.int64)
    for cell, (begin, end) in enumerate(pairwise(down.tolist())):
        sums = np.concatenate([[0], np.cumsum(rows[begin:end].sum(axis=0, dtype=np.int64))])
        counted[cell] = np.diff(sums[across])
    return counted


def _coarser(cells: NDArray[np.int64], factor: int) -> NDArray[np.int64]:
    """The same with `factor` x `factor` cells as one."""
    side = CELLS // factor
    summed: NDArray[np.int64] = cells.reshape(side, factor, side, factor).sum(axis=(1, 3))
    return summed
