"""Tells the time: by the wall clock, and by a steady clock. Pure, except that it asks the system's clocks.

The log dates its records by the wall clock, as people do. Cooldowns count by the steady clock: somebody may correct the
wall clock while the server runs, and that must give no charges back and take none away. Both clocks are in ms since the
epoch.
"""

from __future__ import annotations

import time
from typing import Final

_NS_PER_MS: Final = 1_000_000
_EPOCH_NS: Final = time.time_ns() - time.monotonic_ns()  # the steady clock begins at the wall clock's time


def wall_clock_ms() -> int:
    """The wall clock's time."""
    return time.time_ns() // _NS_PER_MS


def steady_clock_ms() -> int:
    """The steady clock's time: the wall clock's, as if nobody had set it since the process began."""
    return (_EPOCH_NS + time.monotonic_ns()) // _NS_PER_MS
