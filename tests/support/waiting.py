"""Waiting for what nobody tells of: what another task, a thread or another process does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_SECONDS: Final = 60.0  # many share a machine
_LOOK_SECONDS: Final = 0.005


async def until(is_so: Callable[[], bool]) -> None:
    """Look again and again until it is so; raises trio.TooSlowError."""
    with trio.fail_after(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110 - see above
            await trio.sleep(_LOOK_SECONDS)
