"""Turns a batch of the log's records into stretches, each of one canvas. Pure.

This module must accept and refuse the same records as the live canvas, or the history would show another canvas. For
example, a record with one pixel outside the canvas changes nothing. Records that change nothing are kept as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from placed.canvas.events import Canvas, Correction, Edits, decode, decode_one
from placed.history.stretch import NO_ACT, ROW, Other, Stretch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from placed.canvas.batch import Batch
    from placed.canvas.definition import Definition
    from placed.canvas.events import Run


def gather(batch: Batch, start: int, definition: Definition, *, begun: bool) -> Iterator[tuple[Stretch, Definition]]:
    """The batch's records from the offset `start` on, in order.

    Args:
        batch: consecutive records.
        start: the first stretch's first offset.
        definition: the canvas's size and palette at `start`.
        begun: whether the log has any record but canvases before `start`; until then the first canvas counts, as
            `Kept.begun` says.

    Returns:
        Stretches that follow one another up to the batch's `next_offset`, each with the canvas's size and palette at
        its rows. When the canvas grows, a new stretch begins.
    """
    skipped = int(np.searchsorted(batch.offsets, np.int64(start)))
    gathered = _Gathered(start)
    for run in decode(batch.offsets[skipped:], batch.times_ms[skipped:], batch.values[skipped:]):
        event = run.event
        begun = begun or not isinstance(event, Canvas)
        if begun and isinstance(event, Canvas) and _grows(definition, event.definition):
            if not gathered.is_empty:
                yield gathered.stretch(int(run.offsets[0])), definition
                gathered = _Gathered(int(run.offsets[0]))
            definition = event.definition
        gathered.add(run, definition)
    if not gathered.is_empty or gathered.start < batch.next_offset:
        yield gathered.stretch(max(start, batch.next_offset)), definition


def _grows(definition: Definition, other: Definition) -> bool:
    return other != definition and definition.can_become(other)


def begins(batch: Batch) -> bool:
    """Whether the batch has anything but canvases."""
    return any(not isinstance(decode_one(value), Canvas) for value in batch.values)  # mostly the first one is enough


class _Gathered:
    """The parts of a stretch."""

    def __init__(self, start: int) -> None:
        self.start = start
        self._rows: list[NDArray[np.void]] = []
        self._others: list[Other] = []
        self._count = 0

    @property
    def is_empty(self) -> bool:
        return not self._count and not self._others

    def add(self, run: Run, definition: Definition) -> None:
        event = run.event
        if isinstance(event, Edits):
            self._add_edits(run, event, definition)
        elif isinstance(event, Correction):
            if _inside(event.pixels, definition).all():
                self._add_rows(_rows(run, event.pixels, act=event.act))
            else:
                self._keep(run, 0)
        else:
            self._keep(run, 0)

    def _add_edits(self, run: Run, event: Edits, definition: Definition) -> None:
        inside = _inside(event.edits, definition)
        if inside.all():
            self._add_rows(_rows(run, event.edits, act=NO_ACT))
            return
        ends = np.cumsum(run.counts)
        rows, begin, done = _rows(run, event.edits, act=NO_ACT), 0, 0
        record = np.repeat(np.arange(len(run)), run.counts)
        for refused in np.unique(record[~inside]).tolist():
            done = int(ends[refused] - run.counts[refused])
            self._add_rows(rows[begin:done])
            self._keep(run, refused)
            begin = int(ends[refused])
        self._add_rows(rows[begin:])

    def _add_rows(self, rows: NDArray[np.void]) -> None:
        self._rows.append(rows)
        self._count += len(rows)

    def _keep(self, run: Run, index: int) -> None:
        offset, ms = int(run.offsets[index]), int(run.times_ms[index])
        self._others.append(Other(self._count, offset, ms, run.values[index]))

    def stretch(self, end: int) -> Stretch:
        # Mostly there is only one run, which needs no copy.
        rows = self._rows[0] if len(self._rows) == 1 else np.concatenate([np.empty(0, ROW), *self._rows])
        return Stretch(self.start, end, rows, tuple(self._others))


def _inside(pixels: NDArray[np.void], definition: Definition) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (
        (pixels["x"] < definition.width) & (pixels["y"] < definition.height) & (pixels["color"] < definition.colors)
    )
    return inside


def _rows(run: Run, pixels: NDArray[np.void], *, act: int) -> NDArray[np.void]:
    rows = np.empty(len(pixels), ROW)
    for name in ("x", "y", "color"):
        rows[name] = pixels[name]
    rows["author"] = pixels["author"] if act == NO_ACT else 0
    rows["offset"], rows["ms"], rows["act"] = (
        np.repeat(run.offsets, run.counts),
        np.repeat(run.times_ms, run.counts),
        act,
    )
    return rows
