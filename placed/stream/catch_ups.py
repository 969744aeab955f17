"""Gives subscribers that lack a full frame or more one frame after the other, in a share of the loop's time.

It is work to bring a subscriber up to date, and a short request for an old version causes much of it. So each frame of
a catch-up has a turn of its own, one after the other, for all subscribers in both lanes. The turns are so far apart
that they take `_SHARE` of the loop's time. A subscriber that lacks less than a full frame isn't held up.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_SHARE: Final = 0.2
_WEIGHT: Final = 0.2  # of the last turn's time, in the moving average that is expected for the next one
_FIRST_SECONDS: Final = 0.0005  # a frame of JSON, made and written


class CatchUps:
    """The turns of one server.

    Attributes:
        is_hurried: whether turns follow each other without a pause; true once all streams end.
    """

    def __init__(self) -> None:
        self._free_at = 0.0
        self._expected_seconds = _FIRST_SECONDS
        self.is_hurried = False

    @contextlib.asynccontextmanager
    async def turn(self, more_seconds: float = 0.0) -> AsyncGenerator[None]:
        """Wait for a turn, which is the block, and count its time. The block mustn't await.

        Args:
            more_seconds: time that the turn will cost after the block.
        """
        await self._wait()
        began = time.thread_time()
        try:
            yield
        finally:
            self._spend(time.thread_time() - began + more_seconds)

    async def _wait(self) -> None:
        """Wait for the next free turn. It is booked at once, so that each caller sleeps once and needn't look again."""
        now = trio.current_time()
        due = max(self._free_at, now)
        self._free_at = due + self._expected_seconds / _SHARE
        if due > now and not self.is_hurried:
            await trio.sleep_until(due)
        else:
            await trio.lowlevel.checkpoint()

    def _spend(self, seconds: float) -> None:
        self._free_at += (seconds - self._expected_seconds) / _SHARE
        self._expected_seconds += _WEIGHT * (seconds - self._expected_seconds)
