"""The base of all events: the type in the log, the bytes there, and the way back from them. Pure."""

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
    """What one record of the log says; for edits, what a run of records says.

    Attributes:
        TYPE: the second byte of its records.
    """

    __slots__ = ()

    TYPE: ClassVar[int]

    @classmethod
    @abc.abstractmethod
    def decode(cls, payload: bytes) -> Self:
        """The event in what follows the first two bytes of a record.

        Raises:
            RecordRefused: there is none, or not a whole one.
        """

    @property
    def pixel_count(self) -> int:
        """How many pixels it sets, one that it sets twice counted twice."""
        return 0

    @abc.abstractmethod
    def change(self, state: State, run: Run) -> Change:
        """What it changes, as the event of `run`; nothing has changed yet, and nothing may.

        Raises:
            RecordRefused: one record of the run, at the least, changes nothing.
        """

    def part(self, begin: int, end: int) -> Event:
        """The event in some records of its run, whose pixels are those from `begin` up to, not including, `end`."""
        if (begin, end) != (0, self.pixel_count):
            raise ValueError(f"pixels {begin} to {end} of one record, which has {self.pixel_count}")
        return self

    @abc.abstractmethod
    def payload(self) -> bytes:
        """What follows the first two bytes of its record."""

    def encode(self) -> bytes:
        """This event as one record."""
        return bytes([FORMAT, self.TYPE]) + self.payload()


@attrs.frozen(eq=False)
class Run:
    """Consecutive records and the event in them: many records of edits, or one of anything else.

    Attributes:
        event: what they say.
        offsets: int64, shape (records,); where they are in the log. An act's id is the offset of its record.
        times_ms: int64, shape (records,); the log's own time of each, in ms since the epoch.
        counts: int64, shape (records,); how many pixels each sets: its edits, or a correction's pixels.
        values: the records' bytes, `records` of them; an act's can't be told from the event to the last byte.
    """

    event: Event
    offsets: NDArray[np.int64]
    times_ms: NDArray[np.int64]
    counts: NDArray[np.int64]
    values: list[bytes]

    def __len__(self) -> int:
        """How many records."""
        return len(self.offsets)

    def part(self, begin: int, end: int) -> Run:
        """Its records from `begin` up to, not including, `end`, which are one at the least."""
        if end - begin == len(self):
            return self
        part = slice(begin, end)
        first, count = int(self.counts[:begin].sum()), int(self.counts[part].sum())
        event = self.event.part(first, first + count)
        return Run(event, self.offsets[part], self.times_ms[part], self.counts[part], self.values[part])
