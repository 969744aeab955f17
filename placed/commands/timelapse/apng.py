"""Writes films as animated PNG (W3C PNG, third edition, section 11.3.4), which keeps every pixel exact.

    signature | IHDR | acTL | PLTE | fcTL, IDAT | fcTL, fdAT | fcTL, fdAT ... | IEND

Each frame holds only the box that has changed, as palette indexes.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from isal import isal_zlib

from placed.canvas import png
from placed.commands.timelapse.look import changed_box

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from placed.commands.timelapse.look import Look

_CONTROL: Final = struct.Struct(">IIIIIHHBB")
_TWO: Final = struct.Struct(">II")
_NUMBER: Final = struct.Struct(">I")
_DEFLATE_LEVEL: Final = 2  # as the canvas's own picture


def write_apng(path: Path, frames: Iterator[NDArray[np.uint8]], look: Look) -> None:
    """Write a film.

    Args:
        path: the file.
        frames: palette indexes, at the canvas's size.
        look: the film's size, colours and speed.

    Raises:
        OSError: there is no room.
    """
    depth = png.bit_depth(len(look.palette))
    before: NDArray[np.uint8] | None = None
    number = 0
    with path.open("wb") as file:
        file.write(png.head(look.width, look.height, depth))
        file.write(png.chunk(b"acTL", _TWO.pack(look.frames, 0)))  # repeat for ever
        file.write(png.chunk(b"PLTE", look.rgb))
        for pixels in frames:
            left, top, right, bottom = (0, 0, *pixels.shape[::-1]) if before is None else changed_box(before, pixels)
            part = look.enlarged(pixels[top:bottom, left:right])
            place = (left * look.scale, top * look.scale)
            file.write(png.chunk(b"fcTL", _CONTROL.pack(number, *part.shape[::-1], *place, 1, look.fps, 0, 0)))
            data = isal_zlib.compress(png.pack_rows(part, depth).data, _DEFLATE_LEVEL)
            if before is None:
                file.write(png.chunk(b"IDAT", data))
                number += 1
            else:
                file.write(png.chunk(b"fdAT", _NUMBER.pack(number + 1) + data))
                number += 2
            before = pixels.copy()
        file.write(png.chunk(b"IEND", b""))
