"""Keeps a log in memory, `memory:`, for tests and demos. The log ends with the process.

The log is bounded: past `MAX_BYTES` it drops its oldest records, and reads below its first offset raise
OffsetOutOfRange. May import Trio.
"""

from __future__ import annotations

import contextlib
import secrets
import sys
from typing import TYPE_CHECKING, Final

import trio

from placed.backends import Log, LogClosed, OffsetOutOfRange
from placed.backends.tail import Tail, TailReader, check_value
from placed.canvas.clock import wall_clock_ms

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from placed.canvas.batch import Batch

MAX_BYTES: Final = 32 << 20  # about 240,000 one-edit records; a server should stay below 120 MB resident


class MemoryLog(Log):
    """A log in memory; opened by `open_memory_log`."""

    def __init__(self, *, max_bytes: int, clock_ms: Callable[[], int]) -> None:
        self._id = secrets.token_hex(16)
        self._tail = Tail(0, max_records=sys.maxsize, max_bytes=max_bytes)
        self._clock_ms = clock_ms
        self._last_ms = 0
        self._closed = False

    @property
    def id(self) -> str:
        """The identity of this log: a random one."""
        return self._id

    async def bounds(self) -> tuple[int, int]:
        """The first and next offset; see `Log.bounds`."""
        self._check_open()
        await trio.lowlevel.checkpoint()
        return self._tail.first, self._tail.next

    async def append(self, value: bytes) -> int:
        """Append one record; see `Log.append`."""
        check_value(value)
        self._check_open()
        await trio.lowlevel.checkpoint()
        self._check_open()
        offset = self._tail.next
        self._last_ms = max(self._last_ms, self._clock_ms())
        self._tail.extend([value], self._last_ms)
        return offset

    @contextlib.asynccontextmanager
    async def read(self, offset: int) -> AsyncGenerator[TailReader]:
        """Read from `offset` on; see `Log.read`."""
        self._check_open()
        self._check_range(offset)
        reader = TailReader(offset, self._fetch)
        try:
            yield reader
        finally:
            await reader.aclose()

    async def _fetch(self, offset: int) -> Batch:
        await self._tail.wait_beyond(offset)
        self._check_range(offset)
        return self._tail.batch(offset)

    def _check_range(self, offset: int) -> None:
        if not self._tail.first <= offset <= self._tail.next:
            raise OffsetOutOfRange(offset, self._tail.first, self._tail.next)

    def _check_open(self) -> None:
        if self._closed:
            raise LogClosed("the log was closed")

    def close(self) -> None:
        """Refuse all further calls, and wake the readers with LogClosed. Idempotent."""
        self._closed = True
        self._tail.close()


@contextlib.asynccontextmanager
async def open_memory_log(
    *, max_bytes: int = MAX_BYTES, clock_ms: Callable[[], int] = wall_clock_ms
) -> AsyncGenerator[MemoryLog]:
    """A new, empty log in memory, closed when the block ends.

    Args:
        max_bytes: the most memory for the records, in bytes with Python's overhead; beyond it the log drops the oldest.
        clock_ms: the clock for records' times, in ms since the epoch.
    """
    log = MemoryLog(max_bytes=max_bytes, clock_ms=clock_ms)
    await trio.lowlevel.checkpoint()
    try:
        yield log
    finally:
        log.close()
