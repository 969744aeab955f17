"""What every event has: its type in the log, its bytes there, and a way back from them. Pure."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, ClassVar, Final, Self

import attrs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
