"""Draws a canvas as a picture for chats: 1200 x 630 pixels, the canvas whole and in the middle. Pure: imports numpy.

A small canvas is enlarged by a whole number, so its pixels stay squares. A large one is made smaller: each pixel of the
picture is the mean of the canvas's pixels that it covers, because picking one of them would lose thin lines. The means
are then reduced to 255 colours, the canvas's own among them: an indexed picture takes a third of the bytes, and chats
refuse large pictures.

Thread: any. A canvas of 1000 x 1000 takes 0.15 s of the processor, one of 4096 x 4096 0.8 s.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from placed.canvas import png

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH_PX, HEIGHT_PX = 1200, 630  # the size that Open Graph's readers agree on, 1.91 to 1
_GROUND: Final = bytes.fromhex("15171b")  # beside the canvas, as on the dark page
_MOST_COLORS: Final = 255  # and the ground
_BITS: Final = 5  # of each channel in the table of nearest colours, which has 32,768 cells
_FINE: Final = 3  # a mean covers at least as many rows; else some cover one and some two, and lines look uneven
_PART: Final = 4_096  # colours at a time; their distances take 4 MB


def preview(canvas: NDArray[np.uint8], rgb: bytes) -> bytes:
    """The PNG file of a canvas's preview.

    Args:
        canvas: palette indexes, shape (height, width), both at least 1.
        rgb: the palette, 3 bytes for each of 1 to 256 colours.
    """
    height, width = canvas.shape
    factor = min(HEIGHT_PX // height, WIDTH_PX // width)
    if factor and len(rgb) // 3 <= _MOST_COLORS:
        return _framed(canvas.repeat(factor, 0).repeat(factor, 1), rgb)
    scale = min(HEIGHT_PX / height, WIDTH_PX / width, 1.0)
    colors, nearest = _colors_for(rgb)
    means = _means(canvas, rgb, max(1, round(height * scale)), max(1, round(width * scale)))
    return _framed(nearest[_cells(means)], colors)


def _framed(picture: NDArray[np.uint8], rgb: bytes) -> bytes:
    """The PNG file of a picture in the middle of the ground."""
    whole = np.full((HEIGHT_PX, WIDTH_PX), len(rgb) // 3, np.uint8)
    height, width = picture.shape
    top, left = (HEIGHT_PX - height) // 2, (WIDTH_PX - width) // 2
    whole[top : top + height, left : left + width] = picture
    return png.encode(whole, rgb + _GROUND)


def _means(canvas: NDArray[np.uint8], rgb: bytes, height: int, width: int) -> NDArray[np.uint8]:
    """The canvas made smaller to `height` x `width` pixels, each a mean colour; shape (height, width, 3)."""
    palette = np.frombuffer(rgb, np.uint8).reshape(-1, 3)
    fine = canvas.repeat(-(-_FINE * height // canvas.shape[0]), 0).repeat(-(-_FINE * width // canvas.shape[1]), 1)
    rows, columns = (np.arange(count) * size // count for count, size in zip((height, width), fine.shape, strict=True))
    areas = np.outer(np.diff(rows, append=fine.shape[0]), np.diff(columns, append=fine.shape[1]))
    means = np.empty((height, width, 3), np.uint8)
    for channel in range(3):  # one by one: all at once would take three times the memory
        sums = np.add.reduceat(palette[fine, channel], rows, axis=0, dtype=np.uint32)
        means[..., channel] = np.add.reduceat(sums, columns, axis=1) // areas
    return means


def _cells(colors: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The colours' indexes in the table of nearest colours; shape (..., 3) to (...)."""
    high = (colors >> (8 - _BITS)).astype(np.intp)
    return high[..., 0] << 2 * _BITS | high[..., 1] << _BITS | high[..., 2]


@lru_cache(maxsize=1)  # a server has one palette, for as long as the canvas doesn't grow
def _colors_for(rgb: bytes) -> tuple[bytes, NDArray[np.uint8]]:
    """The picture's colours, 3 bytes each, and for each cell of `_cells` the index of the nearest one."""
    own = np.frombuffer(rgb, np.uint8).reshape(-1, 3)[:_MOST_COLORS]
    colors = np.concatenate([own, _mixtures(_MOST_COLORS - len(own))])
    steps = np.arange(1 << _BITS) * 255.0 / ((1 << _BITS) - 1)
    cells = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    parts = [_nearest(cells[at : at + _PART], colors) for at in range(0, len(cells), _PART)]
    nearest = np.concatenate(parts)
    nearest[_cells(own)] = np.arange(len(own))  # areas of one colour keep exactly that colour
    return colors.tobytes(), nearest


def _mixtures(room: int) -> NDArray[np.uint8]:
    """Colours at even distances, at most `room`."""
    side = max(count for count in range(7) if count**3 <= room)
    steps = np.linspace(0, 255, side).astype(np.uint8)
    return np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)


def _nearest(wanted: NDArray[np.float64], colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """For each wanted colour the index of the nearest one, by squared distances: |c|^2 - 2wc is enough to compare."""
    known = colors.astype(np.float32)
    distances = (known**2).sum(axis=1) - 2 * wanted.astype(np.float32) @ known.T
    nearest: NDArray[np.uint8] = np.argmin(distances, axis=1).astype(np.uint8)
    return nearest
