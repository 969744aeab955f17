"""Limits how often something may happen for one key, an address or a person: so often in so many seconds. Pure.

The seconds count from the first time. So over any such stretch of time it is at most twice as often, and who has used
up what they have knows exactly when it is back.
"""

from __future__ import annotations

from typing import Final

_MOST_KEYS: Final = 65_536  # 12 MB; past them the one is forgotten whose time is over first


class WindowLimit:
    """A limit for each key.

    Args:
        most: how often; 0 is no limit.
        seconds: how long one counts.
        most_keys: how many keys are remembered.
    """

    def __init__(self, most: int, seconds: float, *, most_keys: int = _MOST_KEYS) -> None:
        self.most = most
        self.seconds = seconds
        self._most_keys = most_keys
        self._used: dict[bytes, tuple[float, int]] = {}  # when it is over, and how often so far; the first over first

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._used)

    def wait_seconds(self, key: bytes, now_seconds: float) -> float:
        """How long till it may happen again; 0 if it may now."""
        over, count = self._used.get(key, (0.0, 0))
        return over - now_seconds if self.most and count >= self.most and over > now_seconds else 0.0

    def take(self, key: bytes, now_seconds: float) -> float:
        """It happens, unless it may not.

        Returns:
            0 if it did; otherwise in how many seconds it may.
        """
        wait = self.wait_seconds(key, now_seconds)
        if wait or not self.most:
            return wait
        over, count = self._used.get(key, (0.0, 0))
        if over <= now_seconds:
            self._used.pop(key, None)
            over, count = now_seconds + self.seconds, 0
        self._used[key] = over, count + 1
        self._forget(now_seconds)
        return 0.0

    def give_back(self, key: bytes) -> None:
        """Once it didn't happen after all."""
        over, count = self._used.get(key, (0.0, 0))
        if count:
            self._used[key] = over, count - 1

    def _forget(self, now_seconds: float) -> None:
        while len(self._used) > 1:
            first = next(iter(self._used))
            if self._used[first][0] > now_seconds and len(self._used) <= self._most_keys:
                return
            del self._used[first]
