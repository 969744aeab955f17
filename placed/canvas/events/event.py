"""The base of all events: an event's type in the log, and how it becomes bytes there and is decoded again. Pure."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, ClassVar, Final, Self

import attrs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from placed.canvas.change import Change
    from placed.canvas.state import State

FORMAT: Final = 1


class Event(abc.ABC):
    """One decoded record of the log; for edits, a decoded run of records.

    Attributes:
        TYPE: the second byte of the event's records.
    """

    __slots__ = ()

    TYPE: ClassVar[int]

    @classmethod
    @abc.abstractmethod
    def decode(cls, payload: bytes) -> Self:
        """The event in a payload: the bytes after the first two of a record.

        Raises:
            RecordRefused: the payload isn't that of a complete event.
        """

    @property
    def pixel_count(self) -> int:
        """How many pixels the event sets; a pixel that it sets twice counts twice."""
        return 0

    @abc.abstractmethod
    def change(self, state: State, run: Run) -> Change:
        """The change that the event of `run` makes. This method itself may change nothing.

        Raises:
            RecordRefused: at least one record of the run is refused.
        """

    def part(self, begin: int, end: int) -> Event:
        """The event of some records of the run: those with the pixels from `begin` up to, not including, `end`."""
        if (begin, end) != (0, self.pixel_count):
            raise ValueError(f"pixels {begin} to {end} of one record, which has {self.pixel_count}")
        return self

    @abc.abstractmethod
    def payload(self) -> bytes:
        """The bytes after the first two of the event's record."""

    def encode(self) -> bytes:
        """The event as one record."""
        return bytes([FORMAT, self.TYPE]) + self.payload()


@attrs.frozen(eq=False)
class Run:
    """Consecutive records and the event in them: many records of edits, or one record of anything else.

    Attributes:
        event: the event that the records decode to.
        offsets: int64, shape (records,); the records' offsets. An act's id is the offset of its record.
        times_ms: int64, shape (records,); the log's own time of each record, in ms since the epoch.
        counts: int64, shape (records,); how many pixels each record sets: its edits, or a correction's pixels.
        values: the records' bytes, `records` of them; an act's event may encode to other bytes.
    """

    event: Event
    offsets: NDArray[np.int64]
    times_ms: NDArray[np.int64]
    counts: NDArray[np.int64]
    values: list[bytes]

    def __len__(self) -> int:
        """How many records the run has."""
        return len(self.offsets)

    def part(self, begin: int, end: int) -> Run:
        """The run's records from `begin` up to, not including, `end`; at least one."""
        if end - begin == len(self):
            return self
        part = slice(begin, end)
        first, count = int(self.counts[:begin].sum()), int(self.counts[part].sum())
        event = self.event.part(first, first + count)
        return Run(event, self.offsets[part], self.times_ms[part], self.counts[part], self.values[part])
