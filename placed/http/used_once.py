"""Remembers things that may be used only once, until each of them is too old to count anyway. Pure.

The solution of a challenge is such a thing, and so is the answer of an OpenID provider. Each has an end, after which
the server refuses it for its age. So this class keeps only things before their end, and at most `MOST`: past that, it
forgets the thing that was used first. The modules that use it say what follows from that.
"""

from __future__ import annotations

from typing import Final

MOST: Final = 65_536  # 8 MB; at 100 a second it is all of the last ten minutes


class UsedOnce:
    """The things that have been used at one server.

    Args:
        most: how many things to remember.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._ends: dict[bytes, float] = {}  # the first used first

    def __len__(self) -> int:
        """How many things are remembered."""
        return len(self._ends)

    def use(self, what: bytes, end_seconds: float, now_seconds: float) -> bool:
        """Use `what`, which counts only until `end_seconds`; False if it has been used before."""
        if what in self._ends:
            return False
        self._ends[what] = end_seconds
        oldest = next(iter(self._ends))
        # Each call adds one and removes up to two, so ended things are gone soon, and no call takes long.
        for _ in range(2):
            if self._ends[oldest] > now_seconds and len(self._ends) <= self._most:
                break
            del self._ends[oldest]
            if not self._ends:
                break
            oldest = next(iter(self._ends))
        return True
