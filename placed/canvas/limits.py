"""Says how large a canvas can be. Pure: imports nothing, so that the command line can show it without numpy."""

from __future__ import annotations

from typing import Final

MAX_SIDE_PX: Final = 4096
MAX_COLORS: Final = 256  # a colour's index is one byte
