"""Measures the loop's lag: how much later than due Trio wakes a task. When the loop is late, every connection is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY_SECONDS: Final = 0.25  # four wake-ups a second cost nothing that can be measured


async def watch_loop(woke: Callable[[float], None]) -> None:
    """Sleep again and again, and tell `woke` how late each sleep ended, in seconds; for ever."""
    while True:
        due = trio.current_time() + EVERY_SECONDS
        await trio.sleep_until(due)
        woke(trio.current_time() - due)
