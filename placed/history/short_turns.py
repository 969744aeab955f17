"""Keeps long work in a worker thread out of the way of the Trio thread.

Python lets a thread run for 5 ms before another one gets its turn, and an edit needs half a dozen turns. While a thread
wrote a page of edits as JSON, one turn in ten came 5.8 ms late; with turns of 0.2 ms it came 1.3 ms late. At other
times turns stay as they are, since each change of threads costs some microseconds.

Thread: only the Trio thread.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, TypeVar

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

_TURN_SECONDS: Final = 0.0002

Found = TypeVar("Found")


class ShortTurns:
    """Runs work in threads, with short turns. All threads share one interval, so a process has only one of these.

    Attributes:
        running: how many calls run now.
    """

    def __init__(self) -> None:
        self.running = 0
        self._before_seconds = 0.0

    async def in_thread(self, call: Callable[[], Found], limiter: trio.CapacityLimiter) -> Found:
        """Run `call` in a worker thread, with short turns meanwhile, and return its result."""
        if not self.running:
            self._before_seconds = sys.getswitchinterval()
            sys.setswitchinterval(_TURN_SECONDS)
        self.running += 1
        try:
            return await trio.to_thread.run_sync(call, limiter=limiter)
        finally:
            self.running -= 1
            if not self.running:
                sys.setswitchinterval(self._before_seconds)
