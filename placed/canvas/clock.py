"""What time it is: the wall clock, and one that goes on evenly. Pure but for asking.

The log dates its records by the wall clock, as people do. Cooldowns count by the steady one: a wall clock that is set
right, or wrong, while the server runs gives no charges back and takes none away. Both are ms since the epoch.
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
