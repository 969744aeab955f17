"""Checks the picture that a host gives a canvas as its icon: a square PNG, or an SVG. Pure.

PNG   for the browser's tab, and the icon on a phone's home screen
SVG   for the browser's tab, sharp at any size; phones' home screens accept no SVG
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from functools import cached_property
from typing import Final
from xml.parsers import expat

import attrs

MOST_BYTES: Final = 262_144  # most PNGs of 512 x 512 have 10 to 100 KB
PNG: Final = "image/png"
SVG: Final = "image/svg+xml"
ALLOWED: Final = "a square PNG of 16 to 1,024 pixels a side, or an SVG, of at most 256 KB"

_SIDES: Final = range(16, 1_025)
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEAD: Final = struct.Struct(">I4s")  # of a chunk: the length of its data, and its kind
_CHECKSUM: Final = struct.Struct(">I")
_SIZE: Final = struct.Struct(">II")
_SVG_ROOT: Final = "http://www.w3.org/2000/svg svg"
_KNOWN_AS_XML: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")


class BadIcon(ValueError):
    """The file is no such picture; the message says why, without its subject, as "is larger than 256 KB"."""


@attrs.frozen
class Icon:
    """A checked picture.

    Attributes:
        kind: its media type.
        body: its bytes.
        side_px: the side of a PNG, in pixels; None for an SVG, which has no fixed size.
    """

    kind: str
    body: bytes = attrs.field(repr=False)
    side_px: int | None

    @cached_property
    def tag(self) -> str:
        """A hash of the bytes, made once: each visitor's page asks for the icon, and hashing 256 KB takes 0.3 ms."""
        return hashlib.blake2b(self.body, digest_size=12).hexdigest()

    @classmethod
    def of(cls, body: bytes) -> Icon:
        """Check a file.

        Raises:
            BadIcon: the file is no such picture.
        """
        if len(body) > MOST_BYTES:
            raise BadIcon("is larger than 256 KB")
        if body.startswith(_SIGNATURE):
            return cls(PNG, body, _side_of(body))
        if _KNOWN_AS_XML.match(body):
            _check_svg(body)
            return cls(SVG, body, None)
        raise BadIcon("is neither a PNG nor an SVG")


def _side_of(body: bytes) -> int:
    """The side of a PNG, in pixels, after a check that none of its chunks is damaged."""
    kinds: list[bytes] = []
    at = len(_SIGNATURE)
    try:
        while not kinds or kinds[-1] != b"IEND":
            length, kind = _HEAD.unpack_from(body, at)
            end = at + _HEAD.size + length
            if _CHECKSUM.unpack_from(body, end)[0] != zlib.crc32(body[at + 4 : end]):
                raise BadIcon("is a damaged PNG")
            kinds.append(kind)
            at = end + _CHECKSUM.size
        width, height = _SIZE.unpack_from(body, len(_SIGNATURE) + _HEAD.size)
    except struct.error:
        raise BadIcon("is a PNG that ends too early") from None
    if kinds[0] != b"IHDR" or b"IDAT" not in kinds:
        raise BadIcon("is a PNG without a picture")
    if width != height or width not in _SIDES:
        raise BadIcon(f"has {width} x {height} pixels")
    return int(width)


def _check_svg(body: bytes) -> None:
    """Check that a file is XML with an SVG's root. Refuses document types: they can make very many bytes of a few."""
    root = ""

    def begin(name: str, _attributes: object) -> None:
        nonlocal root
        root = root or name

    def refuse(*_: object) -> None:
        raise BadIcon("is an SVG with a document type (<!DOCTYPE>)")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = begin
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise BadIcon(f"is no well-formed SVG: {error}") from None
    if root != _SVG_ROOT:
        raise BadIcon("is XML, but no SVG")
