"""Keeps the newest part of the history in memory until it fills a segment.

One thread at a time appends. A `View` never changes, also when more is appended, so other threads may read it. The tail
is never larger than a segment. Pure.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.history.ground import pixels_of
from placed.history.stretch import ROW, Other, Stretch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.canvas.definition import Definition
    from placed.history.ground import Ground

# With half as many, r/place 2017 takes 16.8 bytes an edit, 3.8 of them keyframes, instead of 14.8; with twice as many,
# applying them would take longer than encoding the image. One record may have more, and is alone in its segment then.
MOST_EDITS: Final = 131_072
MOST_OTHERS: Final = 16_384
MOST_OTHER_BYTES: Final = 4 << 20


@attrs.frozen(eq=False)
class View:
    """The contents of a tail at one moment.

    Attributes:
        stretch: the tail's records.
        definition: the canvas's size and palette at the stretch's rows.
        ground: the canvas at the stretch's start. Don't change it.
        pixels: y * width + x of each row, in an array of its own: searching the rows for a pixel takes 1 ms, searching
            this array 0.03 ms. uint32, shape (n,), n is at least the number of rows.
    """

    stretch: Stretch
    definition: Definition
    ground: Ground
    pixels: NDArray[np.uint32]

    def rows_of(self, x: int, y: int, before: int) -> NDArray[np.void]:
        """The edits of a pixel with an offset below `before`, in order; dtype `ROW`."""
        rows = self.stretch.until(before).rows
        if x >= self.definition.width or y >= self.definition.height:
            return rows[:0]  # the canvas has grown since then
        number = np.uint32(y * self.definition.width + x)
        return rows[np.flatnonzero(self.pixels[: len(rows)] == number)]


class Tail:
    """The records from `ground.version` on that aren't in a segment yet.

    Attributes:
        ground: the canvas at the tail's start; it never changes.
        definition: the canvas's size and palette at the tail's rows.
        end: the offset after the tail's last record, or after a gap that follows it.
    """

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.definition = ground.definition
        self.end = ground.version
        self._rows = np.empty(MOST_EDITS, ROW)  # 5 MB; the system gives memory only for pages that are written
        self._pixels = np.empty(MOST_EDITS, np.uint32)
        self._count = 0
        self._others: list[Other] = []
        self._other_bytes = 0

    def fitting(self, stretch: Stretch) -> Stretch | None:
        """The first whole records of the stretch, as many as fit in; None if not one fits.

        In an empty tail one record always fits.
        """
        rows, others = stretch.rows, stretch.others
        sizes = list(accumulate((len(other.value) for other in others), initial=self._other_bytes))
        room = min(MOST_OTHERS - len(self._others), bisect_right(sizes, MOST_OTHER_BYTES) - 1)
        beyond = [int(rows["offset"][MOST_EDITS - self._count])] if len(rows) > MOST_EDITS - self._count else []
        beyond += [others[room].offset] if room < len(others) else []
        if not beyond:
            return stretch
        part = stretch.until(min(beyond))
        if self.is_empty and part.is_empty:
            part = stretch.until(stretch.first_offset + 1)
        return None if part.is_empty else attrs.evolve(part, end=part.last_offset + 1)

    @property
    def is_empty(self) -> bool:
        """Whether it has no records."""
        return not self._count and not self._others

    def append(self, stretch: Stretch) -> None:
        """Add a stretch that begins at `end`, of the same canvas."""
        count = self._count + len(stretch.rows)
        if count > len(self._rows):
            rows = np.empty(max(count, 2 * len(self._rows)), ROW)
            _copy(self._rows[: self._count], rows)
            self._rows = rows  # views keep the old array
            self._pixels = np.resize(self._pixels, len(rows))
        _copy(stretch.rows, self._rows[self._count :])
        self._pixels[self._count : count] = pixels_of(stretch.rows, self.definition)
        self._others.extend(attrs.evolve(other, row=other.row + self._count) for other in stretch.others)
        self._other_bytes += sum(len(other.value) for other in stretch.others)
        self._count, self.end = count, stretch.end

    def full(self) -> View:
        """The tail's records for a segment: up to the last record, without a gap that follows it."""
        view = self.view()
        return attrs.evolve(view, stretch=view.stretch.until(view.stretch.last_offset + 1))

    def grow(self, definition: Definition) -> None:
        """Make the canvas larger; only while the tail is empty."""
        self.definition = definition

    def view(self) -> View:
        """The contents of the tail now."""
        stretch = Stretch(self.ground.version, self.end, self._rows[: self._count], tuple(self._others))
        return View(stretch, self.definition, self.ground, self._pixels[: self._count])

    def end_ground(self) -> Ground:
        """The ground at the tail's end."""
        ground = self.ground.copy()
        ground.apply(self.view().stretch, self.definition)
        return ground


def _copy(rows: NDArray[np.void], to: NDArray[np.void]) -> None:
    """Copy rows to the beginning of `to`, each row in one piece: numpy's own copy, field by field, takes 3 times as
    long.
    """
    plain = np.dtype((np.void, ROW.itemsize))
    to.view(plain)[: len(rows)] = rows.view(plain)
