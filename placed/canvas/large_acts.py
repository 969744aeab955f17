"""Tells which acts correct so much that subscribers load the image instead, and whether one is under way. Pure.

    corrections of an act   | the first 65,536 pixels | all others                    | done
    subscribers             | get frames              | wait: each begins the feed    | are sent to the image, once
                                                        anew, and they lack something

An act that is broken off has no end; `stream.broadcaster` lets waiting subscribers go on after a while.
"""

from __future__ import annotations

from typing import Final

# Pixels of one act. As frames they are up to 350 KB for each stream, about as much as an image of 1000 x 1000; a whole
# canvas of 4096 x 4096 would be 67 MB for each.
MOST_CORRECTED: Final = 65_536
_MOST_ACTS: Final = 64  # under way at once; a server does one at a time. Acts that were broken off make room


class LargeActs:
    """The acts that are under way, and how much each has corrected so far; for one writer, the projection."""

    def __init__(self) -> None:
        self._corrected: dict[int, int] = {}

    @property
    def is_under_way(self) -> bool:
        """Whether an act that has corrected too much for frames isn't done yet."""
        # Mostly there is no act at all.
        return bool(self._corrected) and max(self._corrected.values()) > MOST_CORRECTED

    def correct(self, act: int, pixels: int) -> bool:
        """Count pixels that an act has corrected, and say whether they are too many for frames now."""
        corrected = self._corrected.pop(act, 0) + pixels
        self._corrected[act] = corrected  # put last, so it makes room last
        if len(self._corrected) > _MOST_ACTS:
            del self._corrected[next(iter(self._corrected))]
        return corrected > MOST_CORRECTED

    def end(self, act: object) -> None:
        """An act is done; `act` is the value in the record `done`, and may be anything."""
        if isinstance(act, int):
            self._corrected.pop(act, None)
