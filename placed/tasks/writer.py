"""Appends events to the log, one record at a time, in the order in which they come.

    add(Edits)  add(Edits)  add(Act)  add(Edits)  add(Edits)      while an append is in flight
    └────── record ──────┘  └record┘  └────── record ──────┘      waiting

Edits that wait, with nothing else between them, become one record. So there is no fixed delay at low load, and a burst
makes bigger records, not more commits. Any other event is a record of its own. The queue is bounded: past `max_waiting`
edits, or `MAX_OTHERS` other events, `add` raises `WriterFull`, and keeps nothing of its event.
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

MAX_OTHERS = 64  # other events, each at most a log's longest record: 64 MB, from moderators alone
# A guess. While pages are told that the log takes no edits, nobody sends one, and so nothing would show that it takes
# them again. After this time pages may try.
_DOUBT_SECONDS = 10.0
MAX_WAITING = 16_384  # edits, 213 KB as one record; at 10,000 edits a second, 1.6 s of them


class WriterFull(Exception):
    """Too many events are waiting; try again later."""


class WriterClosed(Exception):
    """The server is shutting down and takes no more events."""


class PendingRecord:
    """A record that isn't in the log yet: the edits that are appended together, or another event. Later, its outcome.

    Attributes:
        value: its bytes so far.
        edits: how many edits are in it; 0 for another event.
        done: set once its append has succeeded or failed.
        offset: its offset, once it's in the log.
        error: why the append failed; None otherwise.
    """

    def __init__(self, value: bytes, edits: int, append_seconds: float) -> None:
        self.value = bytearray(value)
        self.edits = edits
        self.done = trio.Event()
        self.offset: int | None = None
        self.error: LogError | None = None
        self._append_seconds = append_seconds

    async def wait(self) -> None:
        """Wait until the append has succeeded or failed, or has taken too long."""
        with trio.move_on_after(self._append_seconds):
            await self.done.wait()

    def version(self) -> int:
        """The version at which the record is visible.

        Raises:
            OutcomeUnknown: the log took too long or failed midway; the record may be in the log.
            LogError: the record isn't in the log.
        """
        if self.offset is not None:
            return self.offset + 1
        if self.error is not None:
            # A new error for each caller: the traceback of a shared one would grow with each raise, and keep all those
            # frames in memory.
            raise type(self.error)(*self.error.args) from self.error
        raise OutcomeUnknown(f"the log hasn't answered within {self._append_seconds:g} s")


class Writer:
    """The one task that appends events to the log.

    Attributes:
        waiting: how many edits wait for the append in flight to end.
        last_version: the version at which all records appended so far are visible; 0 before the first append.
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
        """Whether to accept events: the writer isn't closing, and no append has failed in the last `_DOUBT_SECONDS`,
        unless a later one succeeded."""
        return not self._closing and not (self._failing and trio.current_time() < self._failed_at + _DOUBT_SECONDS)

    @property
    def is_busy(self) -> bool:
        """Whether an append is in flight, or events wait for one."""
        return self.in_flight > 0 or bool(self._records)

    def add(self, event: Event) -> PendingRecord:
        """Queue an event, which the caller has checked against the canvas; return the record that it will be part of.

        Raises:
            WriterFull, WriterClosed: no part of the event will be appended.
            ValueError: the event can't be a record, or is longer than the log allows.
        """
        if isinstance(event, Edits):
            return self.add_packed(event.payload(), len(event.edits))
        return self._add_other(event)

    def add_packed(self, packed: bytes, count: int = 1) -> PendingRecord:
        """The same for `count` edits, each packed by `EDIT_STRUCT`. An `Edits` event for a single edit would take a
        microsecond to make, 2 % of a POST.

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
        """Append one edit, which the caller has checked against the canvas; return the version at which it is visible.

        Raises:
            WriterFull, WriterClosed: the edit was not appended.
            OutcomeUnknown, LogError: see `PendingRecord.version`.

        Cancellation: the edit may be appended all the same.
        """
        record = self.add_packed(EDIT_STRUCT.pack(x, y, color, author))
        await record.wait()
        return record.version()

    async def run(self) -> None:
        """Append until `close` was called and no event waits any more."""
        try:
            while True:
                await self._arrived.wait()
                if not self._records:  # `close` has set the event, and all records are appended
                    return
                await self._append(self._next())
        finally:
            self._give_up()

    def _give_up(self) -> None:
        """Refuse the waiting events and all later ones, because nothing is appended any more. Waiting clients must get
        their answers now: a server that ends by a fault cuts its connections a moment later."""
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
        """Whether a folder isn't in its place. Then the append failed for that reason, and the watch logs it."""
        if self._folders is None:
            return False
        if self._folders.displaced is None:
            await self._folders.look()
        return self._folders.displaced is not None

    def _note(self, error: LogError | None) -> None:
        """Log once when appends begin to fail, and once when they succeed again."""
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
        """Refuse new events, and wait until the waiting ones are in the log, or have failed. Idempotent."""
        self._closing = True
        self._arrived.set()
        await self._flushed.wait()
