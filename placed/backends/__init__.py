"""The log: the contract that every backend keeps, and its errors.

The log is the only truth. It is a sequence of records; a record is opaque bytes here (`placed.canvas.events` gives them
meaning). Offsets are strictly increasing integers, gaps are legal. Ranges of offsets are half-open: a log holds the
records with `first <= offset < next`.

    LogError
    ├── LogUnavailable        nothing was appended; try again
    │   └── OutcomeUnknown    it may have been appended; the log itself will tell
    ├── OffsetOutOfRange      asked to read before the first offset or past the next one
    ├── LogCorrupt            the log is damaged, or is not a log of ours
    ├── LogBusy               another process has it
    ├── LogRefused            its server doesn't let us in; trying again doesn't help
    ├── LogUndecodable        its records are compressed in a way that can't be undone here
    ├── LogReplaced           it was deleted, and another log is in its place
    └── LogClosed             used after close

`CannotStart` is not a LogError: the log may be in order, and isn't what the operator asked for.

A backend lives here: a file, or a folder for one with several. It may import what is stored on a disk (`storage`), log
lines and the canvas's formats; it knows nothing of tasks, streams and HTTP. It is opened by a context manager in its
own module, and only `placed.backends.opening` names it.
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
    """An append was given up before its outcome was known; the record may or may not be in the log."""


class OffsetOutOfRange(LogError):
    """A read from an offset that the log doesn't hold: below `first`, or above `next`."""

    def __init__(self, offset: int, first: int, next_: int) -> None:
        super().__init__(f"offset {offset} is not in the log, which holds {first} up to, not including, {next_}")
        self.offset = offset
        self.first = first
        self.next = next_


class LogCorrupt(LogError):
    """The log is damaged, or isn't one of ours; the message names the place and the way out."""


class LogBusy(LogError):
    """Another process has this log open, and this backend allows one."""


class LogRefused(LogError):
    """The log's server refuses us: user, password, or what the user may do; the message says what is needed."""


class LogUndecodable(LogError):
    """Records can't be read, as they are compressed with a codec that is missing here; the message names it."""


class LogReplaced(LogError):
    """The log was deleted and made anew, so what is in its place is another log; to serve that, open it."""


class LogClosed(LogError):
    """The log was used after it was closed."""


class CannotStart(Exception):
    """The log or the data folder can't be used as asked; the message names it, and the way out."""


@attrs.frozen
class CopiedFrom:
    """The log that another one began as a copy of.

    Attributes:
        log_id: its id.
        version: up to which the two are the same.
    """

    log_id: str
    version: int


class Log(abc.ABC):
    """One log, open. All methods belong to the Trio thread.

    Attributes:
        heard_next: the next offset as last heard, without asking; 0 where a log has nobody to hear it from.
        reconnects: how often its server was reached again after it hadn't answered.
        cautions: sentences for operators about its setup.
        copied_from: the log whose backup it was; None where it began by itself.
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
        """The first offset that the log holds, and the next one that it will give: half-open. Equal when empty.

        Raises:
            LogUnavailable: it can't be asked just now.
            LogReplaced: another log is in its place.
            LogClosed: the log was closed.
        """

    @abc.abstractmethod
    async def append(self, value: bytes) -> int:
        """Append one record, and return its offset once it is as durable as this backend promises.

        Many tasks may append at once, each a record of its own. Nobody has to: who has much to append puts it into
        one record, which is what costs least in every backend.

        Args:
            value: 1 to `max_value_bytes` bytes.

        Raises:
            ValueError: the value is empty or too long; nothing was appended.
            LogUnavailable: nothing was appended.
            OutcomeUnknown: it may have been appended.
            LogUndecodable, LogRefused: it can't be read any further, so nobody would see it; nothing was appended.
            LogReplaced: another log is in its place; nothing was appended.
            LogClosed: the log was closed; nothing was appended.

        Cancellation: a cancelled append may have been appended.
        """

    def why_displaced(self) -> str | None:
        """Why the next start wouldn't find the log that is open; None while the log is in its place.

        A folder can be moved, deleted or replaced while its files are open. Appends then fail, and work again when the
        same folder is back. A log that isn't in a folder stays where it is.

        Thread: any; blocks for some us, for good where a network's disk hangs.
        """
        return None

    @abc.abstractmethod
    def read(self, offset: int) -> AbstractAsyncContextManager[trio.abc.ReceiveChannel[Batch]]:
        """Read from `offset` on, in order, for ever: `async with log.read(v) as batches: async for batch in batches`.

        The channel waits when it has reached the log's end. Any number of readers may read at once. Who comes back to
        the place at which a reader was refused, or couldn't unpack what came, enters once that can be read.

        Args:
            offset: the first offset to read; the log's next offset is allowed, and waits for the next append. A gap
                is passed over.

        Raises (on entering, and from `receive`):
            OffsetOutOfRange: `offset` is below the log's first offset, or above its next one.
            LogUnavailable: it can't be read just now; open a new reader from the last batch's `next_offset`.
            LogCorrupt: a record doesn't match its checksum, or the storage is damaged.
            LogRefused: its server no longer lets us in.
            LogUndecodable: the next records are compressed with a codec that is missing here.
            LogReplaced: another log is in its place.
            LogClosed: the log was closed; a waiting reader is woken with it.

        Cancellation: takes effect within 1 s; no record is lost, a new reader may begin where this one stood.
        """
