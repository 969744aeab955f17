"""Keeps the garbage collector from looking for garbage where there is none."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def collector_at_rest() -> Iterator[None]:
    """For what makes many objects, and no cycles that nobody holds."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
