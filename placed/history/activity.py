"""Counts activity: where and when there were edits, and which pixels nobody has ever set.

    cells    from the overviews that lie inside the wanted time; for other segments inside it, from the segments
    slices   all edits of a segment at once, unless a border between two slices lies in the segment's time

So in a time of any length, only the two segments at its ends, and at most 63 others for the slices, are read edit by
edit.

Thread: any; blocks, for 0.1 ms an overview, or a segment without one, and 1 to 3 ms for each that is read edit by edit.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.history.ground import CELLS, cells_of, count_cells
from placed.history.overview import OverviewDamaged
from placed.history.past import reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from placed.canvas.definition import Definition
    from placed.history.overview_files import OverviewFile
    from placed.history.past import Past
    from placed.history.stretch import Stretch

SLICES: Final = 64


@attrs.frozen(eq=False)
class Activity:
    """Where and when there were edits.

    Attributes:
        start: the first version of the wanted time.
        end: the version after the wanted time.
        cells: edits in each cell of a grid, int64, shape (cells, cells).
        slices: edits in each slice of the time, int64, shape (SLICES,).
        untouched: how many pixels of each cell nobody had set by the end of the time; shaped like `cells`.
    """

    start: int
    end: int
    cells: NDArray[np.int64]
    slices: NDArray[np.int64]
    untouched: NDArray[np.int64]


def activity_of(past: Past, from_ms: int, to_ms: int, *, cells: int = CELLS) -> Activity:
    """Where and when there were edits with `from_ms <= time < to_ms`.

    Args:
        past: the past to look in.
        from_ms: the first moment, in ms since the epoch, below `to_ms`.
        to_ms: the moment after the last, in ms since the epoch.
        cells: how many cells each side of the grid has: a power of two, at most `CELLS`.

    Raises:
        NotIndexed: the indexer has to read a part of this time again.
    """
    start, end = past.version_at(from_ms - 1), past.version_at(to_ms - 1)
    definition = past.canvas(end)[0]
    edges = from_ms + (to_ms - from_ms) * np.arange(1, SLICES, dtype=np.int64) // SLICES
    grid, slices = np.zeros((CELLS, CELLS), np.int64), np.zeros(SLICES, np.int64)
    for stretch, floor_ms in _at_the_ends(past, start, end):
        grid += cells_of(stretch.rows, definition)
        slices += _slices_of(stretch.highest_times(floor_ms), edges)
    inside = range(*_inside(past, start, end))
    for cells_there in _cells(past, inside, definition):
        grid += cells_there
    slices += _slices(past, inside, edges)
    factor = CELLS // cells
    untouched = _count(~past.touched(end), definition)
    return Activity(start, end, _coarser(grid, factor), slices, _coarser(untouched, factor))


def _inside(past: Past, start: int, end: int) -> tuple[int, int]:
    """The numbers of the segments that lie wholly between two versions, half-open."""
    begin = bisect_left(past.kept, start, key=lambda each: each.start)
    return begin, max(begin, bisect_right(past.kept, end, key=lambda each: each.end))


def _at_the_ends(past: Past, start: int, end: int) -> Iterator[tuple[Stretch, int]]:
    """The wanted part of segments that lie there only in part, and of the tail; with the highest time before it."""
    begin, after = _inside(past, start, end)
    for at in sorted({begin - 1, after} - {-1, len(past.kept)}):
        kept = past.kept[at]
        if kept.start < end and kept.end > start:
            with reading(kept) as segment:
                stretch, floor_ms = segment.stretch(), past.highest_before(at) or segment.header.first_ms
            yield from _between(stretch, floor_ms, start, end)
    tail = past.tail
    if tail is not None and tail.stretch.end > start and tail.stretch.start < end:
        yield from _between(tail.stretch, tail.ground.highest_ms, start, end)


def _between(stretch: Stretch, floor_ms: int, start: int, end: int) -> Iterator[tuple[Stretch, int]]:
    times = stretch.until(start).moments()[1]
    yield stretch.since(start).until(end), max(floor_ms, int(times.max(initial=0)))


def _cells(past: Past, inside: range, definition: Definition) -> Iterator[NDArray[np.int64]]:
    """The cells of whole segments; one overview has those of many segments at once."""
    size = definition.width, definition.height
    at = inside.start
    while at < inside.stop:
        found = past.overview_of(at)
        if found is not None and found[0] == at and at + len(found[1].header.parts) <= inside.stop:
            cells = _cells_of_overview(found[1], size)
            if cells is not None:
                yield cells
                at += len(found[1].header.parts)
                continue
        with reading(past.kept[at]) as segment:
            of = segment.header.definition
            if (of.width, of.height) == size:
                yield segment.cells().astype(np.int64)
            else:  # the canvas has grown since then, and its cells with it
                y, x = np.divmod(segment.pixels(), np.uint32(of.width))
                yield count_cells(x, y, definition)
        at += 1


def _cells_of_overview(file: OverviewFile, size: tuple[int, int]) -> NDArray[np.int64] | None:
    try:
        with file.open() as overview:
            return overview.cells(size)
    except OverviewDamaged:
        return None


def _slices(past: Past, inside: range, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """The slices of whole segments."""
    headers = [past.header(at) for at in inside]
    if not headers:
        return np.zeros(SLICES, np.int64)
    highest = np.array([past.highest_before(inside.start) or headers[0].first_ms, *(h.highest_ms for h in headers)])
    slice_at = np.searchsorted(edges, highest, "right")
    is_whole = slice_at[:-1] == slice_at[1:]
    edits = np.array([header.edits for header in headers])
    slices = np.bincount(slice_at[:-1][is_whole], edits[is_whole], minlength=SLICES).astype(np.int64)
    for index in np.flatnonzero(~is_whole).tolist():
        with reading(past.kept[inside.start + index]) as segment:
            slices += _slices_of(segment.highest_times(int(highest[index])), edges)
    return slices


def _slices_of(times: NDArray[np.int64], edges: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.bincount(np.searchsorted(edges, times, "right"), minlength=SLICES)


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
    """The same counts with `factor` x `factor` cells added up to one."""
    side = CELLS // factor
    summed: NDArray[np.int64] = cells.reshape(side, factor, side, factor).sum(axis=(1, 3))
    return summed
