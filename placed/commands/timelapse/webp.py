"""Writes films as lossless WebP, with Pillow, which holds the whole file in memory."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from placed.commands.timelapse.look import Look

_METHOD: Final = 0  # 1000 x 1000: 11 frames/s; method 4 has 2, for files 5 % smaller


class _Frames(Image.Image):
    """The frames as one Pillow image, which makes each frame when Pillow asks for it."""

    def __init__(self, frames: Iterator[NDArray[np.uint8]], look: Look) -> None:
        super().__init__()
        blank = Image.new("RGB", (look.width, look.height))
        self.im, self._mode, self._size = blank.im, blank.mode, blank.size
        self.n_frames = look.frames
        self._frames = frames
        self._look = look
        self._at = -1

    def seek(self, frame: int) -> None:
        """Go to a frame: the next one, or the present one."""
        if frame > self._at:
            self._at += 1
            pixels = Image.fromarray(self._look.palette[self._look.enlarged(next(self._frames))])
            self.paste(pixels)

    def tell(self) -> int:
        """The number of the present frame."""
        return max(0, self._at)


def write_webp(path: Path, frames: Iterator[NDArray[np.uint8]], look: Look) -> None:
    """Write a film; see `placed.commands.timelapse.apng.write_apng`."""
    ends = [round(number * 1000 / look.fps) for number in range(look.frames + 1)]
    durations = [end - begin for begin, end in pairwise(ends)]
    film = _Frames(frames, look)
    film.save(path, "WEBP", save_all=True, duration=durations, loop=0, lossless=True, quality=0, method=_METHOD)
