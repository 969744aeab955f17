"""Tells which acts correct so much that those who watch are sent to the image, and whether one is under way. Pure.

    corrections of an act   | the first 65,536 pixels | all others                    | done
    those who watch         | get frames              | wait: each begins the feed    | are sent to the image, once
                                                        anew, and they lack something

An act that is broken off has no end; `stream.broadcaster` lets those who wait go on after a while.
"""

from __future__ import annotations

from typing import Final

# Of one act. As frames these are up to 350 KB to each stream, about as much as an image of 1000 x 1000; all of a canvas
# of 4096 x 4096 would be 67 MB to each.
MOST_CORRECTED: Final = 65_536
_MOST_ACTS: Final = 64  # under way at once, of servers that do one at a time; those that were broken off make room


class LargeActs:
    """The acts that are under way, and how much each has corrected so far; for one writer, the projection."""

    def __init__(self) -> None:
        self._corrected: dict[int, int] = {}

    @property
    def is_under_way(self) -> bool:
        """Whether one that has corrected too much for frames isn't done yet."""
        # Mostly there is no act at all.
        return bool(self._corrected) and max(self._corrected.values()) > MOST_CORRECTED

    def correct(self, act: int, pixels: int) -> bool:
        """Count pixels that an act has corrected; whether it's too much for frames now."""
        corrected = self._corrected.pop(act, 0) + pixels
        self._corrected[act] = corrected  # the last to make room
        if len(self._corrected) > _MOST_ACTS:
            del self._corrected[next(iter(self._corrected))]
        return corrected > MOST_CORRECTED

    def end(self, act: object) -> None:
        """An act is done; `act` is as its record has it."""
        if isinstance(act, int):
            self._corrected.pop(act, None)
