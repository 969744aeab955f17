"""Reads a picture, from a file or its bytes, into RGB pixels and a mask of the visible ones. Imports Pillow and numpy.

A picture may come from anywhere. So this module tries only plain raster formats (not EPS, whose reader starts a
program), checks the size before it decodes the picture, and turns every failure into a `PictureError`.
"""

from __future__ import annotations

import contextlib
import io
import re
import struct
import warnings
from typing import TYPE_CHECKING

import attrs
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError, features

from placed.storage.png_picture import SIGNATURE, colour_key, pixels_alone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

MAX_PICTURE_PX = 80_000_000  # a large camera's photograph; decoded as RGBA it takes 320 MB
MAX_SIDE_PX = 4096  # a canvas has no longer side
OPAQUE_FROM = 128  # alpha, of 255; a canvas has no half-transparent pixels, so half is the limit

_FORMATS = ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM"]
# The errors that Pillow's readers raise for a damaged file.
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, TypeError, LookupError, OverflowError, struct.error)
# The turns that bring a picture upright, by EXIF's orientation (CIPA DC-008, section 4.6.5).
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIZE = re.compile(r"([0-9]{1,5})?x([0-9]{1,5})?")


class PictureError(Exception):
    """The picture can't be read or used; the message says why."""


@attrs.frozen(eq=False)
class Picture:
    """A picture's pixels.

    Attributes:
        rgb: sRGB, uint8, shape (height, width, 3).
        visible: bool, shape (height, width); False where it is transparent.
    """

    rgb: NDArray[np.uint8]
    visible: NDArray[np.bool_]

    @property
    def width(self) -> int:
        """The width in pixels."""
        return int(self.visible.shape[1])

    @property
    def height(self) -> int:
        """The height in pixels."""
        return int(self.visible.shape[0])


@attrs.frozen
class Size:
    """The size that a picture is to get, 1 to 4096 pixels a side; None for a side that follows from the aspect."""

    width: int | None
    height: int | None

    @classmethod
    def parse(cls, text: str) -> Size:
        """The size that "200x150", "200x" or "x150" stands for.

        Raises:
            ValueError: the text is none of these.
        """
        match = _SIZE.fullmatch(text)
        width, height = [int(side) if side else None for side in match.groups()] if match else (None, None)
        given = [side for side in (width, height) if side is not None]
        if not given or not all(1 <= side <= MAX_SIDE_PX for side in given):
            raise ValueError(f"{text!r} is not a size; allowed are 200x150, 200x and x150, 1 to {MAX_SIDE_PX} each")
        return cls(width, height)

    def of(self, width: int, height: int) -> tuple[int, int]:
        """The width and height of a picture of width x height brought to this size."""
        if self.width is None:
            assert self.height is not None
            return max(1, round(width * self.height / height)), self.height
        return self.width, self.height or max(1, round(height * self.width / width))


def read(path: Path, size: Size | None = None) -> Picture:
    """Read a picture file, and turn it upright (EXIF); from an animation it reads the first frame.

    Args:
        path: the file.
        size: the size that the picture gets. Shrinking averages (Lanczos), growing repeats pixels, so that pixel
            art stays sharp.

    Raises:
        PictureError: the file can't be read, isn't a picture, is damaged, or is too large.
    """
    with _explained(str(path), _formats()), path.open("rb") as file:
        upright = _decode(file, str(path), _formats(), MAX_PICTURE_PX)
        if size is not None:
            upright = _resized(upright, size.of(upright.width, upright.height))
        if max(upright.size) > MAX_SIDE_PX:
            raise PictureError(
                f"{path}: {upright.width} x {upright.height} is larger than any canvas ({MAX_SIDE_PX} x "
                f"{MAX_SIDE_PX}); shrink it, --size {MAX_SIDE_PX}x for example"
            )
        return _picture(upright)


def read_png(data: bytes, most_px: int) -> Picture:
    """The picture in a PNG file's bytes.

    Args:
        data: the file.
        most_px: the most pixels. A file that claims to have more isn't decoded, however few bytes it has.

    Raises:
        PictureError: the file isn't a PNG, is damaged, or is too large.
    """
    with _explained("the picture", ["PNG"]):
        return _picture(_decode(io.BytesIO(data), "the picture", ["PNG"], most_px))


@contextlib.contextmanager
def _explained(name: str, formats: list[str]) -> Iterator[None]:
    """Turn all errors that a picture's reader may raise into a PictureError; `name` names the picture in it."""
    with warnings.catch_warnings():
        # Pillow warns of pictures larger than our own limit, or of slightly broken metadata: nobody needs that.
        warnings.simplefilter("ignore")
        try:
            yield
        except UnidentifiedImageError:
            raise PictureError(f"{name}: not a picture that can be read ({', '.join(formats)})") from None
        except Image.DecompressionBombError as error:
            raise PictureError(f"{name}: too large: {error}") from error
        except _DAMAGED as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise PictureError(f"{name}: can't be read: {reason}") from error


def _formats() -> list[str]:
    return [*_FORMATS, "AVIF"] if features.check("avif") else _FORMATS


def _decode(file: BinaryIO, name: str, formats: list[str], most_px: int) -> Image.Image:
    """The picture in mode RGBA, upright."""
    with Image.open(_pixels_of(file), formats=formats) as image:
        if image.width * image.height > most_px:
            raise PictureError(f"{name}: {image.width} x {image.height} is too large; allowed are {most_px:,} pixels")
        return _upright(image)


def _picture(upright: Image.Image) -> Picture:
    rgba = np.asarray(upright)
    return Picture(rgba[..., :3].copy(), rgba[..., 3] >= OPAQUE_FROM)


def _pixels_of(file: BinaryIO) -> BinaryIO:
    if file.read(len(SIGNATURE)) == SIGNATURE:
        return pixels_alone(file)
    file.seek(0)
    return file


def _upright(image: Image.Image) -> Image.Image:
    """The picture in mode RGBA, turned upright."""
    is_key = colour_key(image) if image.format == "PNG" else None
    rgba = _eight_bits(image).convert("RGBA")
    if is_key is not None:
        rgba.putalpha(Image.fromarray(np.where(is_key, 0, 255).astype(np.uint8)))
    turn = _turn_of(image)
    return rgba if turn is None else rgba.transpose(turn)


def _turn_of(image: Image.Image) -> Image.Transpose | None:
    """The turn that brings the picture upright; None without EXIF, or with a broken one, as no pixel depends on it."""
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except _DAMAGED:
        return None


def _eight_bits(image: Image.Image) -> Image.Image:
    """The picture itself; for 16-bit grey the upper eight bits, because Pillow would make all above 255 white."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray(np.clip(np.asarray(image, dtype=np.int64) >> 8, 0, 255).astype(np.uint8))


def _resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    width, height = size
    if max(size) > MAX_SIDE_PX:
        raise ValueError(f"--size makes it {width} x {height}; allowed are {MAX_SIDE_PX} x {MAX_SIDE_PX}")
    grows = width >= picture.width and height >= picture.height
    return picture.resize(size, Image.Resampling.NEAREST if grows else Image.Resampling.LANCZOS)
