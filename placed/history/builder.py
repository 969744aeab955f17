"""Builds segments from stretches of the log, and fills each as far as it may be.

    add(stretch) ... --> waiting --> tail --full--> `full()`, to be written --> `sealed()`, and a new tail begins

Only the log and the history's first version decide which records a segment has, not how the log was read. A segment
that can't be written stays in the tail, and the tail takes no more records until it is written. Pure; for one thread at
a time.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from placed.history.gathering import begins, gather
from placed.history.tail import Tail

if TYPE_CHECKING:
    from placed.canvas.batch import Batch
    from placed.canvas.definition import Definition
    from placed.history.ground import Ground
    from placed.history.stretch import Stretch
    from placed.history.tail import View


class Builder:
    """Builds segments from a given version on.

    Args:
        ground: the canvas at that version.

    Attributes:
        tail: the records that aren't in a segment yet.
        read: the offset of the next record to add.
    """

    def __init__(self, ground: Ground) -> None:
        self.tail = Tail(ground)
        self.read = ground.version
        self._definition = ground.definition
        self._begun = ground.version > 1  # a segment has more than canvases
        self._waiting: deque[tuple[Stretch, Definition]] = deque()

    def add(self, batch: Batch) -> None:
        """Take a batch of the log's records, which has the offset `read`, or begins after a gap there."""
        for stretch, definition in gather(batch, self.read, self._definition, begun=self._begun):
            self._waiting.append((stretch, definition))
            self.read, self._definition = stretch.end, definition
        self._begun = self._begun or begins(batch)

    def full(self) -> View | None:
        """The records for the next segment; None while there aren't enough."""
        while self._waiting:
            stretch, definition = self._waiting[0]
            if definition != self.tail.definition:
                if not self.tail.is_empty:
                    return self.tail.full()
                self.tail.grow(definition)
            part = self.tail.fitting(stretch)
            if part is None:
                return self.tail.full()
            self.tail.append(part)
            if part.end < stretch.end:
                self._waiting[0] = (stretch.since(part.end), definition)
            else:
                self._waiting.popleft()
        return None

    def rest(self) -> View | None:
        """The records for a last segment that isn't full; None if there are none."""
        return None if self.tail.is_empty else self.tail.view()

    def sealed(self, ground: Ground) -> None:
        """Go on once the segment from `full` has been written; `ground` is the canvas at its end."""
        end = self.tail.end
        self.tail = Tail(ground)
        self.tail.end = end
