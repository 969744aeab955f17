"""Makes a new canvas from a picture: its pixels are the new log's first edits, and have no author.

An image of a canvas (/canvas.png) becomes the same canvas, with the same palette in the same order. Another picture
gets the nearest colours of --palette. Without that, the palette is a built-in one that has all the picture's colours;
without such a palette, it is the picture's own colours. Transparent pixels stay blank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from placed.canvas.clock import wall_clock_ms
from placed.canvas.definition import Definition
from placed.canvas.events import EDIT, Canvas
from placed.canvas.limits import MAX_COLORS
from placed.canvas.palette import Palette, PaletteError
from placed.canvas.palette_files import palette_of
from placed.canvas.quantise import quantise
from placed.commands.import_.colors import RgbColors
from placed.commands.import_.importing import CannotImport, Imported
from placed.commands.import_.intake import BadLines
from placed.commands.import_.records import edit_records
from placed.commands.new_log import new_log
from placed.storage.picture import Picture, PictureError, read

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from placed.commands.settings.values import Settings

_MARK: Final = "placed:version"
NOBODY: Final = 0  # an address has this author only by a chance of 1 in 2**64
_MAGIC: Final = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")


def is_picture(path: Path) -> bool:
    """Whether a file begins with the signature of a picture."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(4).startswith(_MAGIC)
    except OSError:
        return False


async def import_picture(settings: Settings, path: Path) -> Imported:
    """Import one picture into the new log that the settings name.

    Args:
        settings: the settings of the log's server; their width, height and palette override the picture's.
        path: the picture.

    Raises:
        CannotImport: the picture can't be read, has too many colours, or is larger than the wanted canvas.
        NoNewLog: the log can't be made.
    """
    try:
        picture = read(path)
        if not picture.visible.any():
            raise PictureError(f"{path}: every pixel is transparent")
        palette, index = _indexes(path, picture, settings.palette or _own_palette(path))
    except (PictureError, PaletteError) as error:
        raise CannotImport(str(error)) from error
    width, height = settings.width or picture.width, settings.height or picture.height
    if picture.width > width or picture.height > height:
        raise CannotImport(
            f"{path} has {picture.width} x {picture.height} pixels, and the canvas is to have {width} x {height}"
        )
    edits = _edits(index, picture.visible)
    definition, now_ms = Definition(width, height, palette.rgb), wall_clock_ms()
    records = [Canvas(definition).encode(), *edit_records(edits)]
    async with new_log(settings, created_ms=now_ms, data=settings.data) as log:
        await log.filling.extend(np.full(len(records), now_ms), records)
    return Imported(definition, palette.name, len(edits), len(records), now_ms, now_ms, BadLines())


def _own_palette(path: Path) -> Palette | None:
    """The palette of a picture that is an image of a canvas, as its tEXt chunk says; None for other pictures."""
    with Image.open(path) as image:
        is_ours = image.mode == "P" and _MARK in image.info
        colors = image.getpalette("RGB") if is_ours else None
    try:
        return palette_of(bytes(colors)) if colors else None
    except PaletteError:
        return None


def _indexes(path: Path, picture: Picture, palette: Palette | None) -> tuple[Palette, NDArray[np.uint8]]:
    """The palette, and the index of each pixel, shape (height, width)."""
    parts = picture.rgb.astype(np.int64)
    rgb = parts[..., 0] << 16 | parts[..., 1] << 8 | parts[..., 2]
    if palette is not None:
        return palette, quantise(picture.rgb, picture.visible, palette.to_array(), "none")
    colors = RgbColors(None)
    codes, good = colors.codes(np.where(picture.visible, rgb, rgb[picture.visible][:1]).reshape(-1))
    if not good.all():
        raise PictureError(f"{path} has more than {MAX_COLORS} colours; say which to take, with --palette")
    return colors.palette(), colors.indexes()[codes].reshape(rgb.shape)


def _edits(index: NDArray[np.uint8], visible: NDArray[np.bool_]) -> NDArray[np.void]:
    y, x = np.nonzero(visible & (index != 0))  # the new canvas is blank already
    edits = np.empty(len(x), EDIT)
    edits["x"], edits["y"], edits["color"], edits["author"] = x, y, index[y, x], NOBODY
    return edits
