"""Remembers the offset at which a topic's records can't be read, until a reader has got past it.

    known to be readable          can't be read       anybody's guess
    ─────────────────────┬───────────┬────────────────────────────────
                       front       place

`place` is that offset; `front` is the highest offset that a reader has reached. Several readers follow one log, each
from another offset: the canvas's at the log's end, the history's somewhere before it. So a reader that begins, or gets
records, before the place says nothing about the place. A reader that fails before the front says nothing about new
records, because others read them. Pure; knows nothing of Trio, threads and kafka-python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from placed.backends import LogError
    from placed.backends.kafka.client import Bounds


class Readable:
    """Whether new records of a log can be read; for one task.

    Attributes:
        error: why they can't; None while they can, as far as anybody knows.
    """

    def __init__(self) -> None:
        self.error: LogError | None = None
        self._place = 0
        self._front = 0

    def check(self) -> None:
        """Raise an error if new records can't be read.

        Raises:
            LogError: why they can't; a new exception for each caller.
        """
        if self.error is not None:
            raise type(self.error)(*self.error.args)

    def is_doubtful(self, offset: int) -> bool:
        """Whether a reader at `offset` has to read something before it counts as begun."""
        return self.error is not None and offset <= self._place

    def entered(self, offset: int) -> None:
        """A reader has begun at `offset`; if that was doubtful, it has read something there."""
        self._front = max(self._front, offset)
        if offset >= self._place:
            self.error = None

    def passed(self, offset: int) -> None:
        """A reader has got all records before `offset`."""
        self._front = max(self._front, offset)
        if offset > self._place:
            self.error = None

    def failed(self, offset: int, error: LogError) -> None:
        """A reader has got all records before `offset`, and can't read the one there."""
        if offset >= self._front:
            self._front = self._place = offset
            self.error = error

    def answered(self, bounds: Bounds) -> None:
        """The log holds `bounds`. A place outside them is forgotten: a reader there gets OffsetOutOfRange anyway."""
        if not bounds.first <= self._place <= bounds.next:
            self.error = None
