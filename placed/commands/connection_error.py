"""Says why a server can't be reached, because Trio's own message says only that all attempts failed. Pure."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def in_words(error: BaseException) -> str:
    """The message of an httpx error, with the system's reasons behind it, such as *Connection refused*."""
    said = str(error) or type(error).__name__
    reasons = {_reason(cause) for cause in _causes(error) if isinstance(cause, OSError) and cause.strerror}
    return ": ".join([said, *sorted(reason for reason in reasons if reason not in said)])


def _reason(error: OSError) -> str:
    # Trio puts its own words before the system's; an unknown host name has a number below 0.
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and all errors that led to it."""
    yield error
    behind = error.__cause__ or error.__context__
    for each in (*getattr(error, "exceptions", ()), *([behind] if behind else [])):
        yield from _causes(each)
