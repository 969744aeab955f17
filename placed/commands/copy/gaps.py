"""Fills gaps between offsets, so that each record of a copy has the same offset as in the log.

A topic may have gaps; an embedded log has none. Versions and ids of acts are offsets, so they have to stay the same. In
place of a missing record the copy repeats the canvas's size and palette, which changes nothing on any server. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from placed.canvas.batch import Batch
from placed.canvas.events import FORMAT, Canvas

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_MISSING: Final = 1_000_000  # a log with more gaps than that isn't one of ours
_CANVAS: Final = bytes([FORMAT, Canvas.TYPE])


class TooManyGaps(Exception):
    """The log has more offsets without a record than a copy may fill."""


class Gaps:
    """Fills gaps, batch after batch.

    Attributes:
        filled: how many offsets held no record.
    """

    def __init__(self) -> None:
        self.filled = 0
        self._next = 0
        self._canvas = b""
        self._time_ms = 0

    def fill(self, batch: Batch, end: int) -> Batch:
        """The records of a batch with an offset below `end`, without gaps before or between them; after a log's last
        record, up to `end`.

        Args:
            batch: the batch after the previous one.
            end: the log's next offset.

        Raises:
            TooManyGaps: there are more than `MOST_MISSING`.
        """
        count = int(np.searchsorted(batch.offsets, end))
        times: list[int] = []
        values: list[bytes] = []
        for offset, time_ms, value in zip(
            batch.offsets[:count].tolist(), batch.times_ms[:count].tolist(), batch.values[:count], strict=True
        ):
            if offset > self._next:
                self._add(offset - self._next, times, values)
            times.append(time_ms)
            values.append(value)
            self._next, self._time_ms = offset + 1, time_ms
            if value[:2] == _CANVAS:
                self._canvas = value
        if batch.next_offset > self._next and (count < len(batch.offsets) or batch.gap_end is not None):
            self._add(min(batch.next_offset, end) - self._next, times, values)
            self._next = min(batch.next_offset, end)
        begin = self._next - len(values)
        return Batch(np.arange(begin, self._next, dtype=np.int64), _int64(times), values)

    def _add(self, count: int, times: list[int], values: list[bytes]) -> None:
        if count <= 0:
            return
        self.filled += count
        if self.filled > MOST_MISSING or not self._canvas:
            raise TooManyGaps(f"{self.filled:,} of its offsets up to {self._next + count:,} hold no record")
        times += [self._time_ms] * count
        values += [self._canvas] * count


def _int64(values: list[int]) -> NDArray[np.int64]:
    return np.array(values, np.int64)
