"""Stamp: a picture goes onto the canvas, in the palette's nearest colours.

A picture may come from anywhere, so it is checked before anything is decoded: `MOST_PICTURE_BYTES` bounds its bytes,
and its area bounds its pixels.

Thread: blocks; a picture of a million pixels takes a fifth of a second.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.moderation.present import CannotPaint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.canvas.area import Area
    from placed.moderation.present import Present
    from placed.storage.picture import Picture

MOST_PICTURE_BYTES: Final = 4 << 20  # pixel art of 1000 x 1000 has 0.2 MB, a photograph of it 2 MB


def png_of(text: str) -> bytes:
    """The bytes of a picture that a client has sent as base64.

    Raises:
        CannotPaint: it is no base64, or too long.
    """
    if len(text) > -(-MOST_PICTURE_BYTES // 3) * 4:
        raise CannotPaint(f"a picture of {len(text):,} characters; allowed are {MOST_PICTURE_BYTES:,} bytes as base64")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CannotPaint(f"a picture that is no base64: {error}") from error


@attrs.frozen
class Stamp:
    """The fields of a stamp.

    Attributes:
        area: the area, on the canvas; the picture goes to its upper left corner, and may not be larger.
        png: the picture, a PNG file; the canvas stays as it is under transparent pixels.
    """

    area: Area
    png: bytes = attrs.field(repr=False)

    def wanted(self, present: Present) -> NDArray[np.uint8]:
        """The canvas that the stamp wants: uint8, of the present one's shape.

        Raises:
            CannotPaint: the area isn't on the canvas, or the picture can't be read, or doesn't fit into the area.
        """
        wanted = present.copy_of(self.area)
        picture = self._picture()
        colors = _colors(picture, present.definition.rgb)
        part = self.area.part_of(wanted)[: picture.height, : picture.width]
        part[picture.visible] = colors[picture.visible]
        return wanted

    def _picture(self) -> Picture:
        # Imported here, so that a server without stamps doesn't load Pillow, which takes 8 MB.
        from placed.storage.picture import PictureError, read_png

        if len(self.png) > MOST_PICTURE_BYTES:
            raise CannotPaint(f"a picture of {len(self.png):,} bytes; allowed are {MOST_PICTURE_BYTES:,}")
        try:
            picture = read_png(self.png, self.area.width * self.area.height)
        except PictureError as error:
            raise CannotPaint(str(error)) from error
        if picture.width > self.area.width or picture.height > self.area.height:
            raise CannotPaint(
                f"a picture of {picture.width} x {picture.height} pixels; the area has {self.area.width} x "
                f"{self.area.height}"
            )
        return picture


def _colors(picture: Picture, rgb: bytes) -> NDArray[np.uint8]:
    """The index of each pixel's nearest colour, shape (height, width)."""
    from placed.canvas.quantise import quantise

    return quantise(picture.rgb, picture.visible, np.frombuffer(rgb, np.uint8).reshape(-1, 3), "none")
