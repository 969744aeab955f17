"""A stretch: consecutive records of a log, complete, as columns.

An edit is a row: its record's offset and time, the pixel, the colour, the author. A record with several edits has
several rows with the same offset. The rows of a correction name its act. All other records, also unknown ones, stay as
they are, with their place between the rows. So the records' bytes can be made again exactly. Pure.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_ACT: Final = -1

ROW: Final = np.dtype(
    [("offset", "<i8"), ("ms", "<i8"), ("x", "<u2"), ("y", "<u2"), ("color", "u1"), ("author", "<u8"), ("act", "<i8")]
)


@attrs.frozen
class Other:
    """A record that stays as it is: a canvas, an act, or an unknown or broken record.

    Attributes:
        row: the row of its stretch that follows it.
        offset: its offset in the log.
        ms: its time, in ms since the epoch.
        value: its bytes.
    """

    row: int
    offset: int
    ms: int
    value: bytes


@attrs.frozen(eq=False)
class Stretch:
    """Records with `start <= offset < end`.

    Attributes:
        start: the first offset.
        end: the offset after the last one.
        rows: dtype `ROW`, shape (n,), in the log's order.
        others: the records that aren't rows, in order.
    """

    start: int
    end: int
    rows: NDArray[np.void]
    others: tuple[Other, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it has no records."""
        return not len(self.rows) and not self.others

    @property
    def first_offset(self) -> int:
        """The first record's offset; the stretch must have a record."""
        return min(_offsets(self, 0))

    @property
    def last_offset(self) -> int:
        """The last record's offset; the stretch must have a record."""
        return max(_offsets(self, -1))

    def until(self, version: int) -> Stretch:
        """The part with `offset < version`."""
        end = _row_of(self.rows, version)
        others = tuple(other for other in self.others if other.offset < version)
        return Stretch(self.start, min(self.end, max(version, self.start)), self.rows[:end], others)

    def since(self, version: int) -> Stretch:
        """The part with `version <= offset`."""
        begin = _row_of(self.rows, version)
        others = tuple(attrs.evolve(other, row=other.row - begin) for other in self.others if other.offset >= version)
        return Stretch(max(self.start, min(version, self.end)), self.end, self.rows[begin:], others)

    def moments(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Offset and time of each row and each other record, in order: int64, both of shape (n,)."""
        at = np.array([other.row for other in self.others], np.intp)
        return (
            np.insert(self.rows["offset"], at, [other.offset for other in self.others]),
            np.insert(self.rows["ms"], at, [other.ms for other in self.others]),
        )

    def highest_times(self, floor_ms: int) -> NDArray[np.int64]:
        """For each row, the highest time of any record up to its own, and at least `floor_ms`: int64, shape (n,)."""
        return highest_times(self.rows["ms"], self.others, floor_ms)


def highest_times(times: NDArray[np.int64], others: tuple[Other, ...], floor_ms: int) -> NDArray[np.int64]:
    """For each row, the highest time of any record up to its own, and at least `floor_ms`; `times` are the rows'."""
    if not len(times):
        return np.empty(0, np.int64)
    every = np.insert(times, [other.row for other in others], [other.ms for other in others]) if others else times
    highest = np.maximum(np.maximum.accumulate(every), floor_ms)
    return np.delete(highest, [other.row + index for index, other in enumerate(others)]) if others else highest


def _row_of(rows: NDArray[np.void], version: int) -> int:
    """How many rows have an offset below `version`."""
    # numpy's searchsorted copies a column out of its rows first: for 100,000 rows that took 0.5 ms.
    return bisect_left(rows["offset"], version)


def _offsets(stretch: Stretch, at: int) -> list[int]:
    rows = [int(stretch.rows["offset"][at])] if len(stretch.rows) else []
    return rows + ([stretch.others[at].offset] if stretch.others else [])


def join(stretches: list[Stretch]) -> Stretch:
    """Join one or more stretches that follow one another."""
    others: list[Other] = []
    row = 0
    for stretch in stretches:
        others.extend(attrs.evolve(other, row=other.row + row) for other in stretch.others)
        row += len(stretch.rows)
    rows = np.concatenate([stretch.rows for stretch in stretches])
    return Stretch(stretches[0].start, stretches[-1].end, rows, tuple(others))
