"""Knows the place at which a topic's records can't be read, until a reader has got past it.

    known to be readable          can't be read       anybody's guess
    ─────────────────────┬───────────┬────────────────────────────────
                       front       place

Several readers follow one log, each from another offset: the canvas's at its end, the history's somewhere before it.
So one that begins, or gets something, before the place says nothing about the place. Neither does one that fails before
the front: what is appended is read by others. Pure; knows nothing of Trio, threads and kafka-python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from placed.backends import LogError
    from placed.backends.kafka.client import Bounds


class Readable:
    """Whether what is appended to a log can be read; for one task.

    Attributes:
        error: why it can't; None where nobody knows better than that it can.
    """

    def __init__(self) -> None:
        self.error: LogError | None = None
        self._place = 0
        self._front = 0

    def check(self) -> None:
        """Nothing, if it can be.

        Raises:
            LogError: why it can't; one of its own for each who asks.
        """
        if self.error is not None:
            raise type(self.error)(*self.error.args)

    def is_doubtful(self, offset: int) -> bool:
        """Whether a reader that begins at `offset` has to see first that it can read."""
        return self.error is not None and offset <= self._place

    def entered(self, offset: int) -> None:
        """A reader has begun at `offset`; if that was doubtful, it has seen that it can read."""
        self._front = max(self._front, offset)
        if offset >= self._place:
            self.error = None

    def passed(self, offset: int) -> None:
        """A reader has got all that is before `offset`."""
        self._front = max(self._front, offset)
        if offset > self._place:
            self.error = None

    def failed(self, offset: int, error: LogError) -> None:
        """A reader has got all that is before `offset`, and can't read what is there."""
        if offset >= self._front:
            self._front = self._place = offset
            self.error = error

    def answered(self, bounds: Bounds) -> None:
        """The log holds `bounds`. A place that it no longer has keeps nobody out: whoever stands there is told so."""
        if not bounds.first <= self._place <= bounds.next:
            self.error = None
