"""Tells the time: by the wall clock, and by one that runs evenly. Pure but for asking.

The log dates its records by the wall clock, as people do. Cooldowns count by the even clock: somebody may correct the
wall clock while the server runs, and that must give no charges back and take none away. Both clocks are in ms since the
epoch.
"""

from __future__ import annotations

import time
from typing import Final

_NS_PER_MS: Final = 1_000_000
_EPOCH_NS: Final = time.time_ns() - time.monotonic_ns()  # of the steady clock, which begins right


def wall_clock_ms() -> int:
    """Now."""
    return time.time_ns() // _NS_PER_MS


def steady_clock_ms() -> int:
    """Now, as if the wall clock hadn't been set since the process began."""
    return (_EPOCH_NS + time.monotonic_ns()) // _NS_PER_MS
