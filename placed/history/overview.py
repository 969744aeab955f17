"""An overview of consecutive segments: which of them have a pixel, and how many edits each cell of a grid has.

    magic 8 | header length u32 | header | sections, one after the other

    header =  format u16 | width u16 | height u16 | width now u16 | height now u16 | segments u16
              | start u64, end u64 and checksum u32 of each segment | length u32 and CRC-32 u32 of each section
              | CRC-32 of all before

    sections  ends       for each block of 1,024 pixels, where its data ends, u32
              masks      the blocks' data: for each pixel 32 bits, the lowest for the first segment; first the lowest
                         bytes of all pixels, then the second ones, and so on; each block deflated
              cells      the segments' `cells`, added up
              cells now  the same edits in the cells of the canvas after it has grown; empty if it hasn't

All little-endian. An overview is made from the segments, and has nothing that they don't have: if it is damaged, or
segments have changed, the indexer makes it again. Pure: a function reads the bytes.
"""

from __future__ import annotations

import struct
import zlib
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np
from isal import isal_zlib

from placed.history.ground import CELLS
from placed.history.layout import LENGTH, SECTION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from placed.canvas.definition import Definition
    from placed.history.layout import Header
    from placed.history.segment import Segment

    Read = Callable[[int, int], bytes]
    Size = tuple[int, int]

# As many as a mask has bits. At r/place 2017's pace these are 4 million edits, and making an overview takes 0.3 s.
SEGMENTS: Final = 32
_MAGIC: Final = b"placed\x00O"
_FORMAT: Final = 1
_FIXED: Final = struct.Struct("<HHHHHH")
_SEGMENT: Final = struct.Struct("<QQI")
_SECTIONS: Final = ("ends", "masks", "cells", "cells now")
_BLOCK: Final = 1_024  # pixels; unpacking a block takes 10 us
_STRIP: Final = 64 * _BLOCK  # pixels at a time: all of a canvas of 4096 x 4096 would take 67 MB
_END: Final = struct.Struct("<I")
_DEFLATE_LEVEL: Final = 2


class OverviewDamaged(ValueError):
    """The bytes aren't a complete overview of ours; the message says what is wrong."""


@attrs.frozen
class Part:
    """One segment of an overview: its first offset, the offset after its last one, and its header's checksum."""

    start: int
    end: int
    checksum: int


@attrs.frozen
class OverviewHeader:
    """An overview's header.

    Attributes:
        size: width and height of the segments' canvas.
        now: width and height of the canvas when the overview was made; the same if it hadn't grown.
        parts: the overview's segments, in order.
        sections: for each section where in the file it begins, its length, its CRC-32.
    """

    size: Size
    now: Size
    parts: tuple[Part, ...]
    sections: tuple[tuple[int, int, int], ...] = attrs.field(repr=False)

    @property
    def start(self) -> int:
        """The first offset of its segments."""
        return self.parts[0].start

    @property
    def end(self) -> int:
        """The offset after the last one of its segments."""
        return self.parts[-1].end


def part_of(header: Header) -> Part:
    """The entry for a segment in an overview's header."""
    return Part(header.start, header.end, header.checksum)


def encode_overview(segments: Sequence[Segment], now: Definition) -> bytes:
    """The overview of open segments with one canvas, `SEGMENTS` at most; `now` is the canvas's size and palette now.

    Raises:
        SegmentDamaged: one of the segments is damaged.
    """
    definition = segments[0].header.definition
    size, size_now = (definition.width, definition.height), (now.width, now.height)
    cells = np.sum([segment.cells() for segment in segments], axis=0, dtype=np.int64)
    cells_now = np.zeros_like(cells)
    blocks: list[bytes] = []
    for begin in range(0, size[0] * size[1], _STRIP):
        masks, counts = _strip(segments, begin, min(_STRIP, size[0] * size[1] - begin))
        blocks += [_deflate(_planes(masks[at : at + _BLOCK])) for at in range(0, len(masks), _BLOCK)]
        if size_now != size:
            _count(cells_now, counts, begin, size[0], size_now)
    ends = np.cumsum([len(block) for block in blocks]).astype("<u4")
    has_grown = size_now != size
    sections = [
        ends.tobytes(),
        b"".join(blocks),
        _deflate(cells.astype("<i8")),
        _deflate(cells_now.astype("<i8")) if has_grown else b"",
    ]
    parts = [attrs.astuple(part_of(segment.header)) for segment in segments]
    header = b"".join(
        (
            _FIXED.pack(_FORMAT, *size, *size_now, len(parts)),
            *(_SEGMENT.pack(*part) for part in parts),
            *(SECTION.pack(len(section), zlib.crc32(section)) for section in sections),
        )
    )
    begin_bytes = _MAGIC + LENGTH.pack(len(header) + LENGTH.size) + header
    return b"".join((begin_bytes, LENGTH.pack(zlib.crc32(begin_bytes)), *sections))


def _strip(segments: Sequence[Segment], begin: int, count: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """For `count` pixels from `begin` on: the segments that have each, and how many edits it has; shape (count,)."""
    masks, counts = np.zeros(count, np.uint32), np.zeros(count, np.int64)
    for bit, segment in enumerate(segments):
        pixels = segment.pixels_between(begin, begin + count) - np.uint32(begin)
        masks[pixels] |= np.uint32(1 << bit)  # several edits of a pixel set the same bit
        counts += np.bincount(pixels, minlength=count)
    return masks, counts


def _count(cells: NDArray[np.int64], counts: NDArray[np.int64], begin: int, width: int, size: Size) -> None:
    """Add a strip's edits to the cells of a canvas of `size`."""
    down, across = np.divmod(begin + np.arange(len(counts)), width)
    cell = down * CELLS // size[1] * CELLS + across * CELLS // size[0]
    cells += np.bincount(cell, counts, minlength=CELLS * CELLS).astype(np.int64).reshape(CELLS, CELLS)


def _planes(masks: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(masks.astype("<u4").view(np.uint8).reshape(-1, 4).T)


def _deflate(array: NDArray[np.generic]) -> bytes:
    data: bytes = isal_zlib.compress(np.ascontiguousarray(array).data, _DEFLATE_LEVEL)
    return data


def decode_overview_header(read: Read) -> OverviewHeader:
    """The header of an overview; `read(offset, length)` reads bytes of its file.

    Raises:
        OverviewDamaged: the bytes aren't an overview's header.
    """
    begin = read(0, len(_MAGIC) + LENGTH.size)
    if begin[: len(_MAGIC)] != _MAGIC or len(begin) < len(_MAGIC) + LENGTH.size:
        raise OverviewDamaged(f"it begins with {begin[:8].hex()}, not with {_MAGIC.hex()}")
    length = LENGTH.unpack_from(begin, len(_MAGIC))[0]
    most = _FIXED.size + SEGMENTS * _SEGMENT.size + len(_SECTIONS) * SECTION.size + LENGTH.size
    header = read(len(begin), min(length, most))
    if len(header) != length or header[-LENGTH.size :] != LENGTH.pack(zlib.crc32(begin + header[: -LENGTH.size])):
        raise OverviewDamaged("its header doesn't match its checksum")
    version, width, height, width_now, height_now, count = _FIXED.unpack_from(header)
    if version != _FORMAT or not 0 < count <= SEGMENTS:
        raise OverviewDamaged(f"format {version} with {count} segments; this server knows {_FORMAT}")
    at = _FIXED.size + count * _SEGMENT.size
    parts = tuple(Part(*_SEGMENT.unpack_from(header, _FIXED.size + index * _SEGMENT.size)) for index in range(count))
    table = [SECTION.unpack_from(header, at + index * SECTION.size) for index in range(len(_SECTIONS))]
    begins = accumulate((length for length, _ in table), initial=len(begin) + length)
    sections = tuple((begin, length, crc) for begin, (length, crc) in zip(begins, table, strict=False))
    return OverviewHeader((width, height), (width_now, height_now), parts, sections)


class Overview:
    """An open overview.

    Args:
        header: the header from `decode_overview_header`.
        read: reads bytes of the file: `read(offset, length)`.
    """

    def __init__(self, header: OverviewHeader, read: Read) -> None:
        self.header = header
        self._read = read

    def verify(self) -> None:
        """Check the whole overview.

        Raises:
            OverviewDamaged: a section doesn't match its checksum. The methods below raise it, too.
        """
        for name in _SECTIONS:
            self._section(name)

    def mask(self, x: int, y: int) -> int:
        """Which segments have a pixel inside the canvas: a bit for each, the lowest for the first one."""
        block, at = divmod(y * self.header.size[0] + x, _BLOCK)
        ends_at, masks_at = (self.header.sections[_SECTIONS.index(name)][0] for name in ("ends", "masks"))
        edges = self._read(ends_at + max(0, block - 1) * _END.size, _END.size * (2 if block else 1))
        try:
            begin = _END.unpack_from(edges)[0] if block else 0
            end = _END.unpack_from(edges, len(edges) - _END.size)[0]
            planes = isal_zlib.decompress(self._read(masks_at + begin, end - begin))
            size = len(planes) // _END.size
            return int.from_bytes(planes[at : at + 3 * size + 1 : size], "little")
        except (ValueError, struct.error, isal_zlib.error) as error:  # type: ignore[misc]  # isal's stubs lack its base
            raise OverviewDamaged(f"its block {block}: {error}") from error

    def cells(self, size: Size) -> NDArray[np.int64] | None:
        """How many edits each cell of a canvas of `size` has, shape (CELLS, CELLS); None if it has no cells of that
        size."""
        if size not in (self.header.size, self.header.now):
            return None
        data = self._section("cells" if size == self.header.size else "cells now")
        return np.frombuffer(isal_zlib.decompress(data), "<i8").reshape(CELLS, CELLS)

    def _section(self, name: str) -> bytes:
        at, length, crc = self.header.sections[_SECTIONS.index(name)]
        data = self._read(at, length)
        if len(data) != length or zlib.crc32(data) != crc:
            raise OverviewDamaged(f"its {name} don't match their checksum")
        return data
