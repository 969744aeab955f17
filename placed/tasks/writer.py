"""Collects edits while the last append is in flight, and appends them as one record.

So there is no fixed delay at low load, and a burst makes bigger records, not more commits. Bounded: past `max_waiting`
edits it raises `WriterFull`, and keeps nothing of the edit.
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING

import trio

from placed.backends import LogError, LogUnavailable, OutcomeUnknown
from placed.canvas.record import EDIT_STRUCT, EDITS_HEADER
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from placed.backends import Log
    from placed.storage.folder_watch import FolderWatch

_DOUBT_SECONDS = 10.0  # a guess: pages that were told not to place edits place none, and somebody has to try again
MAX_WAITING = 16_384  # edits, 213 KB as one record; at 10,000 edits a second, 1.6 s of them


class WriterFull(Exception):
    """As many edits are waiting as may; try again."""


class WriterClosed(Exception):
    """The server is shutting down and takes no more edits."""


class PendingRecord:
    """A record to be: the edits that are appended together, and what became of them.

    Attributes:
        edits: packed, see `placed.canvas.record`.
        done: set once it's known what became of them.
        offset: the record's, once it's in the log.
        error: why it isn't.
    """

    def __init__(self, append_seconds: float) -> None:
        self.edits = bytearray()
        self.done = trio.Event()
        self.offset: int | None = None
        self.error: LogError | None = None
        self._append_seconds = append_seconds

    async def wait(self) -> None:
        """Wait until it's settled, or has taken too long."""
        with trio.move_on_after(self._append_seconds):
            await self.done.wait()

    def version(self) -> int:
        """The version at which its edits are visible.

        Raises:
            OutcomeUnknown: the log took too long or failed midway; they may have been appended.
            LogError: they were not appended.
        """
        if self.offset is not None:
            return self.offset + 1
        if self.error is not None:
            # One for each: a shared one's traceback would grow with every raise, and keep all their frames.
            raise type(self.error)(*self.error.args) from self.error
        raise OutcomeUnknown(f"the log hasn't answered within {self._append_seconds:g} s")


class Writer:
    """The one task that appends edits to the log.

    Attributes:
        last_version: the version at which all that was appended so far is visible; 0 before the first append.
    """

    def __init__(
        self,
        log: Log,
        *,
        max_waiting: int = MAX_WAITING,
        append_seconds: float = 5.0,
        on_append: Callable[[int, float], None] = lambda edits, seconds: None,
        on_failure: Callable[[LogError], None] = lambda error: None,
        folders: FolderWatch | None = None,
    ) -> None:
        self._log = log
        self._folders = folders
        self._max_bytes = max_waiting * EDIT_STRUCT.size
        self._append_seconds = append_seconds
        self._on_append = on_append
        self._on_failure = on_failure
        self._failing = False
        self._failed_at = -math.inf
        self.in_flight = 0
        self._waiting = self._new()
        self._arrived = trio.Event()
        self._closing = False
        self._flushed = trio.Event()
        self.last_version = 0

    def _new(self) -> PendingRecord:
        return PendingRecord(self._append_seconds)

    @property
    def waiting(self) -> int:
        """Edits that wait for the append in flight to end."""
        return len(self._waiting.edits) // EDIT_STRUCT.size

    @property
    def is_writable(self) -> bool:
        """Whether edits may come: it isn't closing, and the last append didn't fail within `_DOUBT_SECONDS`."""
        return not self._closing and not (self._failing and trio.current_time() < self._failed_at + _DOUBT_SECONDS)

    def add(self, edits: bytes) -> PendingRecord:
        """Let edits, packed and already checked against the canvas, wait to be appended; the one record that all of
        them will be part of.

        Raises:
            WriterFull, WriterClosed: none of them will be appended.
        """
        if self._closing:
            raise WriterClosed("the server is shutting down")
        record = self._waiting
        if len(record.edits) + len(edits) > self._max_bytes:
            raise WriterFull(f"{self.waiting} edits are waiting for the log already")
        record.edits += edits
        self._arrived.set()
        return record

    async def place(self, x: int, y: int, color: int, author: int) -> int:
        """Append one edit, already checked against the canvas, and return the version at which it is visible.

        Raises:
            WriterFull, WriterClosed: it was not appended.
            OutcomeUnknown, LogError: see `PendingRecord.version`.

        Cancellation: the edit may be appended all the same.
        """
        record = self.add(EDIT_STRUCT.pack(x, y, color, author))
        await record.wait()
        return record.version()

    async def run(self) -> None:
        """Append until `close` has been called and all that waited is in the log."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._flushed.set)
            while True:
                await self._arrived.wait()
                record, self._waiting, self._arrived = self._waiting, self._new(), trio.Event()
                if self._closing:
                    self._arrived.set()
                if not record.edits:
                    return
                await self._append(record)

    async def _append(self, record: PendingRecord) -> None:
        began = trio.current_time()
        self.in_flight += 1
        try:
            self._refuse_displaced()
            record.offset = await self._log.append(EDITS_HEADER + record.edits)
        except LogError as error:
            record.error = error
            self._on_failure(error)
        else:
            self.last_version = record.offset + 1
            self._on_append(len(record.edits) // EDIT_STRUCT.size, trio.current_time() - began)
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
        """Refuse new edits, and wait until those that wait are in the log, or have failed. Idempotent."""
        self._closing = True
        self._arrived.set()
        await self._flushed.wait()
