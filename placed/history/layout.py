"""The layout of a segment, a file that holds a stretch of the log completely; sealed, checked, never changed.

    magic 8 | header length u32 | header | sections, one after the other

    header =  format u16 | start u64 | end u64 | first ms i64 | highest ms i64 | edits u32 | records u32
              | width u16 | height u16 | colors u16 | base width u16 | base height u16 | base colors u16
              | log id 64 | length u32 and CRC-32 u32 of each section | palette, 3 bytes a colour | CRC-32 of all before

    sections  keyframe   the canvas at `start`, rows packed as in a PNG, deflated
              touched    one bit for each pixel that is blank there, but that any edit before has set; deflated
              cells      how many edits each cell of a grid has, u32, deflated
              others     records that aren't edits, and which edits are an act's corrections, deflated:
                         counts u32, u32 | row u32, offset u64, ms i64, length u32 each | begin u32, end u32, act u64
                         each | the records' bytes
              offsets    of each edit: `placed.history.columns`
              times      of each edit, ms: the same
              people     the distinct authors, u64, ascending; empty if that would save nothing
              authors    of each edit: its author's place in `people`, u16 or u32; if that is empty, the author, u64
              starts, lows, order, halves    `placed.history.pixel_index`
              colors     of each edit, in the order of `lows`; up to 16 colours two in a byte, the first in the low half

All little-endian. If the canvas grows, the first record of a segment does it: base is the canvas of the keyframe, and
width, height and colors are the canvas of the edits. `highest ms` is the highest time of all records up to `end`, so
that binary search finds a moment even if a log's times go back.

This module decodes headers; `placed.history.sealing` encodes segments. Pure: a function gives the bytes.
"""

from __future__ import annotations

import struct
import zlib
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.canvas.definition import Definition

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[int, int], bytes]

MAGIC: Final = b"placed\x00H"
FORMAT: Final = 1
LENGTH: Final = struct.Struct("<I")
FIXED: Final = struct.Struct("<HQQqqIIHHHHHH64s")
SECTION: Final = struct.Struct("<II")
SECTIONS: Final = (
    *("keyframe", "touched", "cells", "others", "offsets", "times", "people", "authors"),
    *("starts", "lows", "order", "halves", "colors"),
)
COUNTS: Final = struct.Struct("<II")
OTHER: Final = struct.Struct("<IQqI")
CORRECTION: Final = struct.Struct("<IIQ")
MOST_HEADER_BYTES: Final = 4_096
FEW_COLORS: Final = 16


class SegmentDamaged(ValueError):
    """The bytes aren't a complete segment of ours; the message says what is wrong."""


@attrs.frozen(slots=True)
class Header:
    """A segment's header.

    Attributes:
        log_id: the id of the segment's log.
        start: its first offset.
        end: the offset after its last record.
        first_ms: its first record's time, in ms since the epoch.
        highest_ms: the highest time of all records up to its end, in ms since the epoch.
        edits: how many edits it has.
        records: how many records it has.
        definition: the canvas's size and palette at its edits.
        base: the canvas's size and palette at its keyframe; smaller if its first record grows the canvas.
        sections: for each of `SECTIONS`: where in the file it begins, its length, its CRC-32.
        checksum: the header's CRC-32. It tells this segment from others, as the header has the sections' checksums.
    """

    log_id: str
    start: int
    end: int
    first_ms: int
    highest_ms: int
    edits: int
    records: int
    definition: Definition
    base: Definition
    sections: tuple[tuple[int, int, int], ...] = attrs.field(repr=False)
    checksum: int


def number_type(count: int) -> np.dtype[np.generic]:
    """The number type for a place among `count` people."""
    return np.dtype("<u2" if count <= 1 << 16 else "<u4")


def decode_header(read: Read) -> Header:
    """The header of a segment; `read(offset, length)` reads bytes of its file.

    Raises:
        SegmentDamaged: the bytes aren't a segment's header.
    """
    begin = read(0, len(MAGIC) + LENGTH.size)
    if begin[: len(MAGIC)] != MAGIC or len(begin) < len(MAGIC) + LENGTH.size:
        raise SegmentDamaged(f"it begins with {begin[:8].hex()}, not with {MAGIC.hex()}")
    length = LENGTH.unpack_from(begin, len(MAGIC))[0]
    if not FIXED.size <= length <= MOST_HEADER_BYTES:
        raise SegmentDamaged(f"a header of {length} bytes")
    header = read(len(begin), length)
    checksum = zlib.crc32(begin + header[: -LENGTH.size])
    if header[-LENGTH.size :] != LENGTH.pack(checksum) or len(header) != length:
        raise SegmentDamaged("its header doesn't match its checksum")
    try:
        return _build_header(header[: -LENGTH.size], len(begin) + length, checksum)
    except (ValueError, struct.error) as error:
        raise SegmentDamaged(f"its header is not understood: {error}") from error


def _build_header(header: bytes, at: int, checksum: int) -> Header:
    version, start, end, first_ms, highest_ms, edits, records, *sides, log_id = FIXED.unpack_from(header)
    if version != FORMAT:
        raise ValueError(f"format {version}; this server knows {FORMAT}")
    width, height, colors, base_width, base_height, base_colors = sides
    table = [SECTION.unpack_from(header, FIXED.size + index * SECTION.size) for index in range(len(SECTIONS))]
    begins = accumulate((length for length, _ in table), initial=at)
    rgb = header[FIXED.size + len(SECTIONS) * SECTION.size :]
    if len(rgb) != 3 * colors:
        raise ValueError(f"{colors} colours in {len(rgb)} bytes")
    sections = tuple((begin, length, crc) for begin, (length, crc) in zip(begins, table, strict=False))
    return Header(
        *(log_id.rstrip(b"\0").decode("ascii"), start, end, first_ms, highest_ms, edits, records),
        Definition(width, height, rgb),
        Definition(base_width, base_height, rgb[: 3 * base_colors]),
        sections,
        checksum,
    )
