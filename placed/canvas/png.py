"""Encodes a canvas as an indexed PNG (W3C PNG, third edition), quickly: every visitor loads one.

    signature | IHDR | PLTE | tEXt, any number | IDAT | IEND
    a chunk:  length u32 | type, 4 letters | data | CRC-32 of type and data      all big-endian

Rows are packed to the fewest bits per pixel that the palette allows, the first pixel in the high bits, behind a filter
byte of 0 (other filters make indexed rows larger). Pure: imports numpy and isal.

Thread: any; deflating releases the interpreter's lock.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

import numpy as np
from isal import isal_zlib

from placed.canvas.giving_way import bands, give_way

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_INDEXED: Final = 3  # the colour type
_MAX_COLORS: Final = 256
# Measured on r/place 2017's last canvas, deflate alone: level 0 1.4 ms 260 KB, 1 1.5 ms 223 KB, 2 1.6 ms 222 KB,
# 3 3.2 ms 221 KB; more memory than the default changes neither by more than 1 %. `python -m bench png` does it again.
_DEFLATE_LEVEL: Final = 2

_HEADER = struct.Struct(">IIBBBBB")
_WORD = struct.Struct(">I")
# PNG 11.3.3: 1 to 79 printable Latin-1 characters, no space at either end and no two in a row.
_KEYWORD = re.compile(r"(?=.{1,79}\Z)[!-~\xa1-\xff]+(?: [!-~\xa1-\xff]+)*")


def encode(pixels: NDArray[np.uint8], rgb: bytes, *, text: Mapping[str, str] | None = None) -> bytes:
    """The PNG file of a canvas.

    Args:
        pixels: palette indexes, uint8, shape (height, width), both at least 1.
        rgb: the palette, 3 bytes for each of 1 to 256 colours.
        text: tEXt chunks, by Latin-1 keyword an ASCII text; before the pixels, so that a reader gets them first.

    Raises:
        ValueError: a shape, palette, keyword or text that PNG doesn't allow, or an index that is not in the palette.
    """
    height, width = pixels.shape
    colors = len(rgb) // 3
    if len(rgb) % 3 or not 1 <= colors <= _MAX_COLORS:
        raise ValueError(f"a palette of {len(rgb)} bytes; allowed are 3 for each of 1 to {_MAX_COLORS} colours")
    if not pixels.size:
        raise ValueError(f"{width} x {height} pixels; allowed is at least 1 x 1")
    if colors < _MAX_COLORS and (highest := int(pixels.max())) >= colors:
        raise ValueError(f"palette index {highest}; allowed are 0 to {colors - 1}")
    depth = bit_depth(colors)
    chunks = [
        chunk(b"PLTE", rgb),
        *(chunk(b"tEXt", _text(keyword, value)) for keyword, value in (text or {}).items()),
        chunk(b"IDAT", isal_zlib.compress(pack_rows(pixels, depth).data, _DEFLATE_LEVEL)),
        chunk(b"IEND", b""),
    ]
    return b"".join((head(width, height, depth), *chunks))


def head(width: int, height: int, depth: int) -> bytes:
    """The beginning of an indexed picture: the signature, and the chunk IHDR."""
    return _SIGNATURE + chunk(b"IHDR", _HEADER.pack(width, height, depth, _INDEXED, 0, 0, 0))


def bit_depth(colors: int) -> int:
    """Bits per pixel, 1, 2, 4 or 8: the fewest that PNG has for `colors` colours, 1 to 256."""
    return next(depth for depth in (1, 2, 4, 8) if colors <= 1 << depth)


def pack_rows(pixels: NDArray[np.uint8], depth: int) -> NDArray[np.uint8]:
    """Rows ready for deflate: a filter byte of 0, then the pixels, `depth` bits each, padded with 0 to a byte.

    Args:
        pixels: palette indexes, uint8, shape (height, width), each below 2 ** depth.
        depth: 1, 2, 4 or 8.

    Returns:
        uint8, shape (height, 1 + bytes of a row), contiguous.
    """
    height, width = pixels.shape
    per_byte = 8 // depth
    rows = np.zeros((height, 1 + -(-width // per_byte)), np.uint8)
    if depth == 8:
        rows[:, 1:] = pixels
        return rows
    for band in bands(height, width):
        for at in range(min(per_byte, width)):
            give_way()
            column = pixels[band, at::per_byte]
            rows[band, 1 : 1 + column.shape[1]] |= column << (8 - depth * (at + 1))
    return rows


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk: its length, its kind, 4 letters, its data and its checksum."""
    crc = isal_zlib.crc32(data, isal_zlib.crc32(kind))
    return b"".join((_WORD.pack(len(data)), kind, data, _WORD.pack(crc)))


def _text(keyword: str, value: str) -> bytes:
    if not _KEYWORD.fullmatch(keyword) or "\0" in value or not value.isascii():
        raise ValueError(
            f"{keyword!r}: {value!r}; allowed are a keyword of 1 to 79 characters, and ASCII text without 0"
        )
    return b"\0".join((keyword.encode("latin-1"), value.encode("latin-1")))
