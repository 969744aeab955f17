"""A row: one line of an import, before the canvas is known. Pure.

Coordinates are those of the file, also below zero, and colours are codes (`placed.commands.import_.colors`).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np


class Kind(IntEnum):
    """The shape that a row places."""

    PIXEL = 0  # at x, y
    RECTANGLE = 1  # from x, y to x2, y2, both included
    CIRCLE = 2  # around x, y, with the radius x2
    CORRECTION = 3  # a pixel, by an act; the act's id is in the place of the author


# Rows are sorted by `order`, and rows of one record have the same: in an export of ours it is the version, elsewhere
# the time.
ROW: Final = np.dtype(
    [
        *(("order", "<i8"), ("time_ms", "<i8"), ("author", "<u8")),
        *(("x", "<i2"), ("y", "<i2"), ("x2", "<i2"), ("y2", "<i2"), ("kind", "u1"), ("color", "u1")),
    ]
)
FARTHEST: Final = 32_767  # a coordinate that a row can hold, in either direction
