"""Describes the frames of a film: their size, colours, speed and number. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@attrs.frozen
class Look:
    """The common properties of all frames of a film.

    Attributes:
        width: the width of a frame, in pixels of the film.
        height: the height of a frame, in pixels of the film.
        scale: the side of one canvas pixel in the film.
        rgb: the palette, 3 bytes a colour.
        fps: frames a second.
        frames: the number of frames.
    """

    width: int
    height: int
    scale: int
    rgb: bytes
    fps: int
    frames: int

    @property
    def palette(self) -> NDArray[np.uint8]:
        """The colours, uint8, shape (colours, 3)."""
        return np.frombuffer(self.rgb, np.uint8).reshape(-1, 3)

    def enlarged(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A frame's palette indexes at the film's size."""
        return pixels if self.scale == 1 else pixels.repeat(self.scale, axis=0).repeat(self.scale, axis=1)


def changed_box(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """The smallest box with all differences of two frames: left, top, right, bottom, half-open; one pixel if none."""
    differs = before != after
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if not len(rows):
        return 0, 0, 1, 1
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
