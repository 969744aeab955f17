"""Waiting for an event that sends no signal: work of another task, thread or process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

# The limit for waits that only must not hang for ever. Where many processes share two cores, work of 1 s has taken 45
# s. A promise about time has its own limit, in its test.
PATIENCE_SECONDS: Final = 90.0
_LOOK_SECONDS: Final = 0.005


async def until(is_so: Callable[[], bool]) -> None:
    """Check `is_so` again and again until it is true; raises trio.TooSlowError."""
    with trio.fail_after(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110 - see above
            await trio.sleep(_LOOK_SECONDS)
