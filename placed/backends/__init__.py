"""The log: the contract that every backend keeps, and its errors.

The log is the only truth. It is a sequence of records; here a record is opaque bytes, which `placed.canvas.events`
decodes. Offsets are strictly increasing integers, gaps are legal. Ranges of offsets are half-open: a log holds the
records with `first <= offset < next`.

    LogError
    ├── LogUnavailable        nothing was appended; try again
    │   └── OutcomeUnknown    it may have been appended; the log itself will tell
    ├── OffsetOutOfRange      asked to read before the first offset or past the next one
    ├── LogCorrupt            the log is damaged, or is not a log of ours
    ├── LogBusy               another process has it open
    ├── LogRefused            its server doesn't let us in; trying again doesn't help
    ├── LogUndecodable        its records are compressed, and can't be unpacked here
    ├── LogReplaced           it was deleted, and another log is in its place
    └── LogClosed             used after close

`CannotStart` is not a LogError: the log may be in order, but isn't the one that the operator asked for.

Each backend is a file here, or a folder of files. It may import the rooms `storage` (files on a disk), `telemetry` (log
lines) and `canvas` (formats); it knows nothing of tasks, streams and HTTP. A context manager in the backend's own
module opens it, and only `placed.backends.opening` names it.
"""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, ClassVar

import attrs

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    import trio

    from placed.canvas.batch import Batch


class LogError(Exception):
    """Any failure of the log."""


class LogUnavailable(LogError):
    """The log can't be reached or written just now; nothing was appended, so trying again is safe."""


class OutcomeUnknown(LogUnavailable):
    """The backend gave up an append before it knew the outcome; the record may or may not be in the log."""


class OffsetOutOfRange(LogError):
    """A read from an offset that the log doesn't hold: below `first`, or above `next`."""

    def __init__(self, offset: int, first: int, next_: int) -> None:
        super().__init__(f"offset {offset} is not in the log, which holds {first} up to, not including, {next_}")
        self.offset = offset
        self.first = first
        self.next = next_


class LogCorrupt(LogError):
    """The log is damaged, or isn't one of ours; the message says where, and what to do."""


class LogBusy(LogError):
    """Another process has this log open, and this backend allows one."""


class LogRefused(LogError):
    """The log's server refuses our user, password or a right that we need; the message says what is missing."""


class LogUndecodable(LogError):
    """Records can't be unpacked: the codec is missing here, or fails; the message names it if it is known."""


class LogReplaced(LogError):
    """The log was deleted, and another log is in its place; to serve that one, open it."""


class LogClosed(LogError):
    """The log was used after it was closed."""


class CannotStart(Exception):
    """The log or the data folder can't be used as the operator asked; the message names it, and what to do."""


@attrs.frozen
class CopiedFrom:
    """The original of a log that began as a copy.

    Attributes:
        log_id: the original's id.
        version: the two logs are the same up to, not including, this offset.
    """

    log_id: str
    version: int


class Log(abc.ABC):
    """One log, open. All methods belong to the Trio thread.

    Attributes:
        heard_next: the next offset that the log's server named last; 0 for a log without a server.
        reconnects: how often the log's server answered again after an outage.
        cautions: sentences for operators about the log's setup.
        copied_from: the original, if this log began as a copy of one; else None.
    """

    heard_next: int = 0
    reconnects: int = 0
    cautions: tuple[str, ...] = ()
    copied_from: CopiedFrom | None = None

    max_value_bytes: ClassVar[int] = 1_000_000  # Kafka's default limit for a message is 1,048,588 with its framing

    @property
    @abc.abstractmethod
    def id(self) -> str:
        """The identity of this log, 1 to 64 characters of [0-9A-Za-z_-]. A recreated log has another one."""

    @abc.abstractmethod
    async def bounds(self) -> tuple[int, int]:
        """The log's first offset, and the offset of the next append: half-open. Equal when the log is empty.

        Raises:
            LogUnavailable: the log doesn't answer just now.
            LogReplaced: another log is in its place.
            LogClosed: the log was closed.
        """

    @abc.abstractmethod
    async def append(self, value: bytes) -> int:
        """Append one record, and return its offset once the record is as durable as this backend promises.

        Many tasks may append at once, each a record of its own. A task with much to append should rather put it into
        one record: that costs least in every backend.

        Args:
            value: 1 to `max_value_bytes` bytes.

        Raises:
            ValueError: the value is empty or too long; nothing was appended.
            LogUnavailable: nothing was appended.
            OutcomeUnknown: it may have been appended.
            LogUndecodable, LogRefused: the log can't be read up to its end, so nobody would see the record; nothing was
                appended.
            LogReplaced: another log is in its place; nothing was appended.
            LogClosed: the log was closed; nothing was appended.

        Cancellation: a cancelled append may have been appended.
        """

    def why_displaced(self) -> str | None:
        """Why the next start wouldn't find this log; None while the log is in its place.

        A folder can be moved, deleted or replaced while its files are open. Appends then fail, and work again when the
        same folder is back. A log that isn't in a folder stays where it is.

        Thread: any; blocks for some us, or for ever where a network disk hangs.
        """
        return None

    @abc.abstractmethod
    def read(self, offset: int) -> AbstractAsyncContextManager[trio.abc.ReceiveChannel[Batch]]:
        """Read from `offset` on, in order, for ever: `async with log.read(v) as batches: async for batch in batches`.

        The channel waits when it has reached the log's end. Any number of readers may read at once. If a reader was
        refused at an offset, or couldn't unpack the records there, a new reader at that offset begins only once it has
        read them.

        Args:
            offset: the first offset to read; the log's next offset is allowed, and waits for the next append. The
                reader skips a gap.

        Raises (on entering, and from `receive`):
            OffsetOutOfRange: `offset` is below the log's first offset, or above its next one.
            LogUnavailable: the log can't be read just now; open a new reader from the last batch's `next_offset`.
            LogCorrupt: a record doesn't match its checksum, or the storage is damaged.
            LogRefused: the log's server no longer lets us in.
            LogUndecodable: the next records are compressed, and can't be unpacked here.
            LogReplaced: another log is in its place.
            LogClosed: the log was closed; a waiting reader is woken with it.

        Cancellation: takes effect within 1 s; no record is lost, a new reader may begin where this one stopped.
        """
