"""Prepares PNG files for Pillow, which reads chunks without pixels and colour keys differently than the format says.

It skips a chunk that no pixel depends on, such as a text, a time or a colour profile, however long or broken the chunk
is. Chunks and their names: PNG, third edition, sections 5 and 11.

A colour key (tRNS of a picture that is grey or RGB) makes one colour transparent. It is compared with the samples at
the file's depth, 1 to 16 bits each, before they become 8 bits. Imports Pillow and numpy.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
from PIL import ImageFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from PIL import Image

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
MAX_BYTES: Final = 1 << 30  # of the kept chunks; 80 million pixels of 64 bits, not compressed, are 640 MB
_HEAD = struct.Struct(">I4s")
_CRC_BYTES = 4
_KEPT = (b"tRNS", b"eXIf")  # and all chunks that begin with a capital letter, which no reader may skip
_BITS = {"1": 1, "L;2": 2, "L;4": 4, "L": 8, "RGB": 8, "I;16B": 16, "RGB;16B": 16}  # a sample, by Pillow's raw mode


def pixels_alone(file: BinaryIO) -> io.BytesIO:
    """The PNG file without the chunks that no pixel depends on. `file` stands behind its signature.

    Raises:
        ValueError: the rest is larger than `MAX_BYTES`.
    """
    kept = io.BytesIO()
    kept.write(SIGNATURE)
    for kind, length in _chunks(file):
        if not (kind[:1].isupper() or kind in _KEPT):
            file.seek(length + _CRC_BYTES, io.SEEK_CUR)
        elif kept.tell() + length > MAX_BYTES:
            raise ValueError(f"a file with more than {MAX_BYTES:,} bytes of pixels; allowed are {MAX_BYTES:,}")
        else:
            kept.write(_HEAD.pack(length, kind))
            kept.write(file.read(length + _CRC_BYTES))
    kept.seek(0)
    return kept


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """The kind and length of each chunk; the caller reads or skips its data and checksum before the next."""
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        length, kind = _HEAD.unpack(head)
        yield kind, length


def colour_key(image: Image.Image) -> NDArray[np.bool_] | None:
    """Which pixels have the transparent colour of a picture that isn't loaded yet, shape (height, width).

    None without such a colour. Afterwards the picture is loaded, and has no colour key any more.
    """
    if not isinstance(image, ImageFile.ImageFile) or image.mode == "P" or "transparency" not in image.info:
        return None
    assert isinstance(image.fp, io.BytesIO)
    raw_mode = str(image.tile[0].args)
    bits = _BITS[raw_mode]
    key = _told_key(io.BytesIO(image.fp.getvalue())) & ((1 << bits) - 1)  # bits above the depth mean nothing
    del image.info["transparency"]
    samples = _samples(image, raw_mode, bits)
    matches: NDArray[np.bool_] = (samples == key).all(axis=2)
    return matches


def _told_key(file: BinaryIO) -> NDArray[np.uint16]:
    """The colour key as the file has it, shape (1 or 3,); for 1-bit grey Pillow says only whether it is 0."""
    file.seek(len(SIGNATURE))
    for kind, length in _chunks(file):
        if kind == b"tRNS":
            return np.frombuffer(file.read(length), ">u2").astype(np.uint16)
        file.seek(length + _CRC_BYTES, io.SEEK_CUR)
    raise ValueError("a colour key without its chunk")


def _samples(image: ImageFile.ImageFile, raw_mode: str, bits: int) -> NDArray[np.uint16]:
    """The samples as the file has them, shape (height, width, 1 or 3)."""
    low = _low_bytes(image) if raw_mode == "RGB;16B" else None
    samples = np.atleast_3d(np.asarray(image)).astype(np.uint16)
    if low is not None:
        return np.uint16(256) * samples | low
    if image.mode == "1":
        return samples
    return samples // (255 // ((1 << bits) - 1)) if bits < 8 else samples  # Pillow made them 8 bits


def _low_bytes(image: ImageFile.ImageFile) -> NDArray[np.uint8]:
    """The lower bytes of 16-bit RGB samples. Pillow keeps only the upper ones, so this reads the bytes in reverse."""
    assert isinstance(image.fp, io.BytesIO)
    with type(image)(io.BytesIO(image.fp.getvalue())) as other:
        other.tile = [tile._replace(args="RGB;16L") for tile in other.tile]
        return np.array(other)
