"""Remembers what may be used once, until it would be worthless anyway. Pure.

A solution of a challenge is such a thing, and so is the answer of an OpenID provider. Each has an end of its own, after
which it is refused for its age. So only those that haven't ended are kept, and at most `MOST` of them: past that, the
one that was used first is forgotten. Who uses this says what that costs.
"""

from __future__ import annotations

from typing import Final

MOST: Final = 65_536  # 8 MB; at 100 a second it is all of the last ten minutes


class UsedOnce:
    """What one server has seen used.

    Args:
        most: how many it remembers.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._ends: dict[bytes, float] = {}  # in the order in which they were used

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._ends)

    def use(self, what: bytes, end_seconds: float, now_seconds: float) -> bool:
        """Use `what`, which is worthless from `end_seconds` on; False if it has been used before."""
        if what in self._ends:
            return False
        self._ends[what] = end_seconds
        oldest = next(iter(self._ends))
        # Two go for one that comes, so what has ended is gone soon, and no call takes long.
        for _ in range(2):
            if self._ends[oldest] > now_seconds and len(self._ends) <= self._most:
                break
            del self._ends[oldest]
            if not self._ends:
                break
            oldest = next(iter(self._ends))
        return True
