"""Limits how often something may happen for one key, such as an address or a person: `most` times in `seconds`. Pure.

A key's window of time begins when the thing happens for the first time, and the count begins anew with the next window.
So in any stretch of `seconds` it can happen at most twice as often. A client that has used up its count knows exactly
when it may go on.
"""

from __future__ import annotations

from typing import Final

_MOST_KEYS: Final = 65_536  # 12 MB; past that, the key whose window ends first is forgotten


class WindowLimit:
    """A limit for each key.

    Args:
        most: how often it may happen in one window; 0 is no limit.
        seconds: the length of a window.
        most_keys: how many keys to remember.
    """

    def __init__(self, most: int, seconds: float, *, most_keys: int = _MOST_KEYS) -> None:
        self.most = most
        self.seconds = seconds
        self._most_keys = most_keys
        self._used: dict[bytes, tuple[float, int]] = {}  # the window's end, and its count; the first end first

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._used)

    def wait_seconds(self, key: bytes, now_seconds: float) -> float:
        """The seconds until it may happen again for this key; 0 if it may now."""
        over, count = self._used.get(key, (0.0, 0))
        return over - now_seconds if self.most and count >= self.most and over > now_seconds else 0.0

    def take(self, key: bytes, now_seconds: float) -> float:
        """Count it once for this key, if it may happen now.

        Returns:
            0 if it may; otherwise the seconds until it may.
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
        """Take back one count, because it didn't happen after all."""
        over, count = self._used.get(key, (0.0, 0))
        if count:
            self._used[key] = over, count - 1

    def _forget(self, now_seconds: float) -> None:
        while len(self._used) > 1:
            first = next(iter(self._used))
            if self._used[first][0] > now_seconds and len(self._used) <= self._most_keys:
                return
            del self._used[first]
