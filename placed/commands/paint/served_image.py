"""Reads a served image as palette indexes, even if a proxy has encoded it again.

A proxy may recompress the images that it passes on: with the palette in another order, without a palette, or in another
format. As long as each pixel has a colour of the canvas' palette, nothing is lost. Imports Pillow and numpy.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from placed.canvas.limits import MAX_SIDE_PX

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FORMATS: Final = ("PNG", "WEBP", "GIF", "BMP", "TIFF")  # formats that can keep every colour exactly


class OtherCanvas(Exception):
    """The image shows another canvas than the one in /info; the message says how they differ."""


def served_indexes(data: bytes, size: tuple[int, int] | None, palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The palette indexes of an image, uint8, shape (height, width).

    Args:
        data: the file's bytes.
        size: the canvas's width and height; None allows any size that a canvas may have.
        palette: the canvas's palette, uint8, shape (colors, 3).

    Raises:
        OtherCanvas: the image's size, or the colour of a pixel, isn't the canvas's.
        ValueError: the data are no image, or a damaged one; Pillow raises errors of its own, too.
    """
    with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        if size is None and max(image.size) > MAX_SIDE_PX:
            raise OtherCanvas(f"the image has {image.width} x {image.height} pixels, more than any canvas has")
        if size not in (None, image.size):
            raise OtherCanvas("the canvas is being replaced by another one")
        if image.has_transparency_data and (np.asarray(image.convert("RGBA"))[..., 3] != 255).any():
            raise OtherCanvas("canvas.png is partly transparent: something between the server and here changes images")
        if image.mode == "P":
            own = np.array(image.getpalette() or [], np.uint8).reshape(-1, 3)
            pixels = np.asarray(image)
            used = np.flatnonzero(np.bincount(pixels.reshape(-1), minlength=256))
            index = np.zeros(256, np.uint8)
            index[used] = _indexes_of(own[used], palette)
            indexes: NDArray[np.uint8] = index[pixels]
            return indexes
        rgb = np.asarray(image.convert("RGB")).astype(np.uint32)
    colors, places = np.unique(rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2], return_inverse=True)
    parts = np.stack([colors >> 16, colors >> 8 & 255, colors & 255], axis=1)
    return _indexes_of(parts.astype(np.uint8), palette)[places].reshape(rgb.shape[:2])


def _indexes_of(colors: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The palette's index of each colour, shape (n,), for colours of shape (n, 3)."""
    indexes = {color: index for index, color in enumerate(map(bytes, palette))}
    try:
        return np.array([indexes[bytes(color)] for color in colors], np.uint8)
    except KeyError as error:
        raise OtherCanvas(
            f"canvas.png has the colour #{error.args[0].hex()}, which the canvas doesn't have: something between the"
            " server and here changes images, or the canvas is being replaced by another one"
        ) from None
