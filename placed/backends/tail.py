"""Keeps the newest records of a local log in memory, and lets readers follow them.

    first                    next
      |  kept, in order        |  not appended yet; readers wait here
      +------------------------+

Offsets in a tail have no gaps. The tail is bounded by records and by bytes; each dropped record moves `first`.
Only the log that owns a tail writes to it, and puts in only records that are as durable as that log promises. May
import Trio and numpy.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Final

import numpy as np
import trio

from placed.backends import Log, LogClosed
from placed.canvas.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

BATCH_RECORDS: Final = 8192  # a guess that holds: a batch of one-edit records is decoded in some ms
BATCH_BYTES: Final = 4 << 20
RECORD_OVERHEAD_BYTES: Final = 120  # a bytes object's header, two integers and two list slots, rounded up


def check_value(value: bytes) -> None:
    """Check that `value` may be a record.

    Raises:
        ValueError: the value is empty or too long.
    """
    if not 1 <= len(value) <= Log.max_value_bytes:
        raise ValueError(f"a record of {len(value)} bytes; allowed are 1 to {Log.max_value_bytes}")


class Tail:
    """The newest records of a log; written by that log, on the Trio thread.

    Attributes:
        first: the offset of the oldest record in the tail.
        next: the offset after the newest record.
    """

    def __init__(self, next_offset: int, *, max_records: int, max_bytes: int) -> None:
        self.first = self.next = next_offset
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._values: list[bytes] = []
        self._times_ms: list[int] = []
        self._dropped = 0  # items at the lists' front that are no longer part of the tail
        self._bytes = 0
        self._closed = False
        self._readers = trio.lowlevel.ParkingLot()

    def extend(self, values: Sequence[bytes], time_ms: int) -> None:
        """Add records at `next`, drop the oldest records beyond the bounds, and wake the readers."""
        self._values.extend(values)
        self._times_ms.extend([time_ms] * len(values))
        self._bytes += sum(map(len, values)) + RECORD_OVERHEAD_BYTES * len(values)
        self.next += len(values)
        self._drop()
        self._readers.unpark_all()

    def skip_to(self, next_offset: int) -> None:
        """Begin anew, empty, at `next_offset`: the log got records that the tail didn't."""
        self._values, self._times_ms, self._dropped, self._bytes = [], [], 0, 0
        self.first = self.next = next_offset
        self._readers.unpark_all()

    def close(self) -> None:
        """Wake the readers with LogClosed. Idempotent."""
        self._closed = True
        self._readers.unpark_all()

    def _drop(self) -> None:
        while self._bytes > self._max_bytes or self.next - self.first > self._max_records:
            self._bytes -= len(self._values[self._dropped]) + RECORD_OVERHEAD_BYTES
            self._values[self._dropped] = b""
            self._dropped += 1
            self.first += 1
        if self._dropped > len(self._values) // 2:  # rarely enough that a record is moved once on average
            del self._values[: self._dropped], self._times_ms[: self._dropped]
            self._dropped = 0

    def batch(self, offset: int) -> Batch:
        """The records from `offset` on, `first <= offset < next`, as many as a batch may hold."""
        begin = offset - self.first + self._dropped
        values = self._values[begin : begin + BATCH_RECORDS]
        if sum(map(len, values)) > BATCH_BYTES:
            # `max_value_bytes` is below BATCH_BYTES, so that one record always fits.
            values = values[: sum(total <= BATCH_BYTES for total in accumulate(map(len, values)))]
        count = len(values)
        return Batch(
            offsets=np.arange(offset, offset + count, dtype=np.int64),
            times_ms=np.array(self._times_ms[begin : begin + count], np.int64),
            values=values,
        )

    async def wait_beyond(self, offset: int) -> None:
        """Wait until `offset` has been appended.

        Raises:
            LogClosed: the log was closed, before or meanwhile.
        """
        while not self._closed and self.next <= offset:
            await self._readers.park()
        if self._closed:
            raise LogClosed("the log was closed")


class TailReader(trio.abc.ReceiveChannel[Batch]):
    """A reader of a log that keeps a tail; for one task."""

    def __init__(self, offset: int, fetch: Callable[[int], Awaitable[Batch]]) -> None:
        """Read from `offset` on with `fetch`, which waits for the batch that begins at an offset."""
        self._offset = offset
        self._fetch = fetch
        self._closed = False

    async def receive(self) -> Batch:
        """The next batch; see `Log.read` for its errors."""
        if self._closed:
            raise trio.ClosedResourceError
        await trio.lowlevel.checkpoint()
        batch = await self._fetch(self._offset)
        self._offset = batch.next_offset
        return batch

    async def aclose(self) -> None:
        """Close; `receive` then raises `trio.ClosedResourceError`. Idempotent."""
        self._closed = True
        await trio.lowlevel.checkpoint()
