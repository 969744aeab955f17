"""Appends events to the log, one record at a time, in the order in which they come.

    add(Edits)  add(Edits)  add(Act)  add(Edits)  add(Edits)      while an append is in flight
    └────── record ──────┘  └record┘  └────── record ──────┘      waiting

Edits that wait, with nothing else between them, become one record: so there is no fixed delay at low load, and a burst
makes bigger records, not more commits. Any other event is a record of its own. Bounded: past `max_waiting` edits, or
`MAX_OTHERS` other events, `WriterFull` is raised, and nothing is kept of what was to be added.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

import trio

from placed.backends import LogError, LogUnavailable, OutcomeUnknown
from placed.canvas.events import EDIT_STRUCT, EDITS_HEADER, Edits
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from placed.backends import Log
    from placed.canvas.events import Event
    from placed.storage.folder_watch import FolderWatch

MAX_OTHERS = 64  # other events, which are at most a log's longest record each: 64 MB, from moderators alone
_DOUBT_SECONDS = 10.0  # a guess: pages that were told not to place edits place none, and somebody has to try again
MAX_WAITING = 16_384  # edits, 213 KB as one record; at 10,000 edits a second, 1.6 s of them


class WriterFull(Exception):
    """As many events are waiting as may; try again."""


class WriterClosed(Exception):
    """The server is shutting down and takes no more events."""


class PendingRecord:
    """A record to be: the edits that are appended together, or another event; and what became of it.

    Attributes:
        value: its bytes so far.
        edits: how many edits are in it; 0 for another event.
        done: set once it's known what became of it.
        offset: the record's, once it's in the log.
        error: why it isn't.
    """

    def __init__(self, value: bytes, edits: int, append_seconds: float) -> None:
        self.value = bytearray(value)
        self.edits = edits
        self.done = trio.Event()
        self.offset: int | None = None
        self.error: LogError | None = None
        self._append_seconds = append_seconds

    async def wait(self) -> None:
        """Wait until it's settled, or has taken too long."""
        with trio.move_on_after(self._append_seconds):
            await self.done.wait()

    def version(self) -> int:
        """The version at which it is visible.

        Raises:
            OutcomeUnknown: the log took too long or failed midway; it may have been appended.
            LogError: it was not appended.
        """
        if self.offset is not None:
            return self.offset + 1
        if self.error is not None:
            # One for each: a shared one's traceback would grow with every raise, and keep all their frames.
            raise type(self.error)(*self.error.args) from self.error
        raise OutcomeUnknown(f"the log hasn't answered within {self._append_seconds:g} s")


class Writer:
    """The one task that appends events to the log.

    Attributes:
        waiting: edits that wait for the append in flight to end.
        last_version: the version at which all that was appended so far is visible; 0 before the first append.
    """

    def __init__(
        self,
        log: Log,
        *,
        max_waiting: int = MAX_WAITING,
        append_seconds: float = 5.0,
        on_append: Callable[[int, int, float], None] = lambda edits, size_bytes, seconds: None,
        on_failure: Callable[[LogError], None] = lambda error: None,
        folders: FolderWatch | None = None,
    ) -> None:
        self._log = log
        self._folders = folders
        self._max_waiting = max_waiting
        self._append_seconds = append_seconds
        self._on_append = on_append
        self._on_failure = on_failure
        self._failing = False
        self._failed_at = -math.inf
        self.in_flight = 0
        self.waiting = 0
        self._records = deque[PendingRecord]()
        self._others = 0
        self._arrived = trio.Event()
        self._closing = False
        self._flushed = trio.Event()
        self.last_version = 0

    @property
    def is_writable(self) -> bool:
        """Whether events may come: it isn't closing, and the last append didn't fail within `_DOUBT_SECONDS`."""
        return not self._closing and not (self._failing and trio.current_time() < self._failed_at + _DOUBT_SECONDS)

    @property
    def is_busy(self) -> bool:
        """Whether events wait to be appended, or to hear that they have been."""
        return self.in_flight > 0 or bool(self._records)

    def add(self, event: Event) -> PendingRecord:
        """Let an event, already checked against the canvas, wait to be appended; the one record that all of it will be
        part of.

        Raises:
            WriterFull, WriterClosed: nothing of it will be appended.
            ValueError: it makes no record, or none that a log takes.
        """
        if isinstance(event, Edits):
            return self.add_packed(event.payload(), len(event.edits))
        return self._add_other(event)

    def add_packed(self, packed: bytes, count: int = 1) -> PendingRecord:
        """The same for so many edits, each packed by `EDIT_STRUCT`: an event for one of them would cost each POST a
        microsecond, 2 % of it.

        Raises:
            WriterFull, WriterClosed: none of them will be appended.
        """
        if self._closing:
            raise WriterClosed("the server is shutting down")
        if self.waiting + count > self._max_waiting:
            raise WriterFull(f"{self.waiting} edits are waiting for the log already")
        self.waiting += count
        if self._records and self._records[-1].edits:
            record = self._records[-1]
            record.value += packed
            record.edits += count
            return record
        return self._queue(EDITS_HEADER + packed, count)

    def _add_other(self, event: Event) -> PendingRecord:
        if self._closing:
            raise WriterClosed("the server is shutting down")
        if self._others >= MAX_OTHERS:
            raise WriterFull(f"{self._others} events other than edits are waiting for the log already")
        value = event.encode()
        if len(value) > self._log.max_value_bytes:
            raise ValueError(f"a record of {len(value)} bytes; allowed are {self._log.max_value_bytes}")
        self._others += 1
        return self._queue(value, 0)

    def _queue(self, value: bytes, edits: int) -> PendingRecord:
        record = PendingRecord(value, edits, self._append_seconds)
        self._records.append(record)
        self._arrived.set()
        return record

    def _next(self) -> PendingRecord:
        record = self._records.popleft()
        self.waiting -= record.edits
        self._others -= not record.edits
        if not self._records and not self._closing:
            self._arrived = trio.Event()
        return record

    async def place(self, x: int, y: int, color: int, author: int) -> int:
        """Append one edit, already checked against the canvas, and return the version at which it is visible.

        Raises:
            WriterFull, WriterClosed: it was not appended.
            OutcomeUnknown, LogError: see `PendingRecord.version`.

        Cancellation: the edit may be appended all the same.
        """
        record = self.add_packed(EDIT_STRUCT.pack(x, y, color, author))
        await record.wait()
        return record.version()

    async def run(self) -> None:
        """Append until `close` has been called and all that waited is in the log."""
        try:
            while True:
                await self._arrived.wait()
                if not self._records:
                    return
                await self._append(self._next())
        finally:
            self._give_up()

    def _give_up(self) -> None:
        """Nobody appends any more: refuse what waits, and what comes. Whoever waits is to hear of it now, and not when
        their connections are cut: a server that ends by a fault has no more than a moment."""
        self._closing = True
        while self._records:
            record = self._next()
            record.error = LogUnavailable("the server ended before this was appended")
            record.done.set()
        self._flushed.set()

    async def _append(self, record: PendingRecord) -> None:
        began = trio.current_time()
        self.in_flight += 1
        try:
            self._refuse_displaced()
            record.offset = await self._log.append(bytes(record.value))
        except LogError as error:
            record.error = error
            self._on_failure(error)
        else:
            self.last_version = record.offset + 1
            self._on_append(record.edits, len(record.value), trio.current_time() - began)
        finally:
            self.in_flight -= 1
            record.done.set()
        if record.error is None or not await self._is_displaced():
            self._note(record.error)

    def _refuse_displaced(self) -> None:
        if self._folders is not None and self._folders.displaced is not None:
            raise LogUnavailable(self._folders.displaced)

    async def _is_displaced(self) -> bool:
        """Whether an append failed because a folder was taken away, which the watch tells of."""
        if self._folders is None:
            return False
        if self._folders.displaced is None:
            await self._folders.look()
        return self._folders.displaced is not None

    def _note(self, error: LogError | None) -> None:
        """Say it once when appends begin to fail, and once when they no longer do."""
        if error is not None:
            self._failed_at = trio.current_time()
        if self._failing == (error is not None):
            return
        self._failing = error is not None
        if error is None:
            get_logger(__name__).info("edits can be appended to the log again")
        else:
            get_logger(__name__).warning("edits can't be appended to the log", reason=str(error))

    async def close(self) -> None:
        """Refuse new events, and wait until those that wait are in the log, or have failed. Idempotent."""
        self._closing = True
        self._arrived.set()
        await self._flushed.wait()
