"""Writes films as GIF (89a), for places that take nothing else. Pillow packs the changed part of each frame.

    header | colours | for ever | (times, place, pixels) for each frame | end

If the palette has a colour to spare, pixels that stay the same are transparent, which makes files smaller. GIF counts
time in hundredths of a second: at 30 frames a second, frames last 3, 3 and 4 hundredths.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import GifImagePlugin, Image

from placed.commands.timelapse.look import changed_box

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from placed.commands.timelapse.look import Look

MAX_FPS: Final = 50  # browsers show a frame shorter than 2 hundredths for 10
_FOR_EVER: Final = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_END: Final = b";"
_KEEP: Final = 1  # the pixels of a frame stay for the next one


def write_gif(path: Path, frames: Iterator[NDArray[np.uint8]], look: Look) -> None:
    """Write a film; see `placed.commands.timelapse.apng.write_apng`."""
    colors = len(look.palette)
    spare = colors if colors < 256 else None
    before: NDArray[np.uint8] | None = None
    with path.open("wb") as file:
        file.write(_header(look))
        for number, pixels in enumerate(frames):
            begin, end = (at * 100 // look.fps for at in (number, number + 1))
            left, top, right, bottom = (0, 0, *pixels.shape[::-1]) if before is None else changed_box(before, pixels)
            part = pixels[top:bottom, left:right]
            if spare is not None and before is not None:
                part = np.where(part == before[top:bottom, left:right], np.uint8(spare), part)
            image = Image.fromarray(look.enlarged(part)).convert("L")
            about = {"duration": (end - begin) * 10, "disposal": _KEEP, "interlace": 0}
            if spare is not None:
                about["transparency"] = spare
            for data in GifImagePlugin.getdata(image, (left * look.scale, top * look.scale), **about):
                file.write(data)
            before = pixels.copy()
        file.write(_END)


def _header(look: Look) -> bytes:
    """The header: a table of 256 colours, and the extension that makes the film loop for ever."""
    table = look.rgb.ljust(256 * 3, b"\0")
    return b"GIF89a" + struct.pack("<HHBBB", look.width, look.height, 0xF7, 0, 0) + table + _FOR_EVER
