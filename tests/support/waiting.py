"""Waiting for what nobody tells of: what another task, a thread or another process does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

# The limit for whatever only must not hang for ever. Where many share two cores, what takes 1 s has taken 45. A promise
# has a limit of its own, in the test that holds it.
PATIENCE_SECONDS: Final = 90.0
_LOOK_SECONDS: Final = 0.005


async def until(is_so: Callable[[], bool]) -> None:
    """Look again and again until it is so; raises trio.TooSlowError."""
    with trio.fail_after(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110 - see above
            await trio.sleep(_LOOK_SECONDS)
