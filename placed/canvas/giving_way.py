"""Lets a thread that works for milliseconds give way to others that wait for its core.

Linux lets a thread run on until the clock's next tick, for 4 ms at most, even if a thread that has just woken up is
next. An edit wakes threads half a dozen times: while another thread made pictures of the past without giving way, one
edit in ten took three times as long. If no thread waits, giving way takes less than a microsecond.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_BAND_PIXELS: Final = 1 << 20  # numpy copies as many in less than a millisecond


def give_way() -> None:
    """Let another thread have the core, if one waits for it. Does nothing on systems without such a call."""
    if hasattr(os, "sched_yield"):
        os.sched_yield()


def bands(height: int, width: int) -> Iterator[slice]:
    """The rows of a picture in bands of a million pixels, or of one row, for work that gives way between two bands."""
    rows = max(1, _BAND_PIXELS // width)
    return (slice(top, top + rows) for top in range(0, height, rows))
