"""Measures the loop's lag: how much later than due Trio wakes a task. A late loop makes every connection wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY_SECONDS: Final = 0.25  # four wake-ups a second cost nothing that can be measured


async def watch_loop(woke: Callable[[float], None]) -> None:
    """Sleep again and again, for ever, and call `woke` with the seconds by which each sleep ended late."""
    while True:
        due = trio.current_time() + EVERY_SECONDS
        await trio.sleep_until(due)
        woke(trio.current_time() - due)
