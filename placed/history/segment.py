"""Answers from one segment, a file that holds a stretch of the log; `placed.history.layout` draws its bytes.

A segment checks a section's checksum whenever it reads the whole section. For a pixel's history it reads only parts of
sections, and relies on the last `verify`. Pure: a function reads the bytes.
"""

from __future__ import annotations

import struct
import zlib
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np
from isal import isal_zlib

from placed.canvas.giving_way import bands, give_way
from placed.canvas.png import bit_depth
from placed.history import pixel_index
from placed.history.changes import Changes
from placed.history.columns import Column, ColumnDamaged
from placed.history.ground import CELLS, Ground
from placed.history.layout import CORRECTION, COUNTS, FEW_COLORS, OTHER, SECTIONS, SegmentDamaged, number_type
from placed.history.stretch import NO_ACT, ROW, Other, Stretch, highest_times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from placed.canvas.definition import Definition
    from placed.history.layout import Header

    Read = Callable[[int, int], bytes]

_PLACES: Final = {name: place for place, name in enumerate(SECTIONS)}
_NO_OTHERS: Final = 20  # bytes of an empty section, deflated


def has_others(header: Header) -> bool:
    """Whether a segment may have records that aren't edits: acts, corrections, and unknown records."""
    return header.sections[_PLACES["others"]][1] > _NO_OTHERS


@attrs.frozen
class Hit:
    """One edit of a pixel. `offset`, `ms`, `color`, `author` and `act` are as in `ROW`."""

    offset: int
    ms: int
    color: int
    author: int
    act: int


class Segment:
    """An open segment.

    Args:
        header: the header from `decode_header`.
        read: reads bytes of the file: `read(offset, length)`.
    """

    def __init__(self, header: Header, read: Read) -> None:
        self.header = header
        self._read = read
        self._shape = pixel_index.Shape.of(header.definition.width * header.definition.height, header.edits)

    def verify(self) -> None:
        """Check the whole segment.

        Raises:
            SegmentDamaged: a section doesn't match its checksum.
        """
        for name in SECTIONS:
            self._section(name)

    def ground(self) -> Ground:
        """The ground at the segment's start.

        Raises:
            SegmentDamaged: the bytes are damaged. The methods below raise it, too.
        """
        header, base = self.header, self.header.base
        canvas, blank = self.keyframe(), np.frombuffer(self._inflated("touched"), np.uint8)
        # A pixel that was painted in colour 0 looks like an untouched one, so the file has a bit for each of those.
        touched = np.unpackbits(blank, count=base.width * base.height).view(np.bool_) | (canvas.reshape(-1) != 0)
        return Ground(base, header.start, canvas, touched)

    def keyframe(self) -> NDArray[np.uint8]:
        """The canvas at the segment's start, uint8, of `header.base`'s shape."""
        base = self.header.base
        depth = bit_depth(base.colors)
        rows = np.frombuffer(self._inflated("keyframe"), np.uint8)
        # Each row begins with a filter byte, as in a PNG.
        packed = rows.reshape(base.height, -1)[:, 1:]
        if packed.shape[1] != -(-base.width * depth // 8):
            raise SegmentDamaged(f"a keyframe of {len(rows)} bytes")
        return unpack_rows(packed, base.width, depth)

    def definition_at(self, version: int) -> Definition:
        """The canvas's size and palette at `version`: the keyframe's, until the first record makes it larger."""
        header = self.header
        if header.base == header.definition or self.others()[0][0].offset < version:
            return header.definition
        return header.base

    def canvas(self, version: int) -> NDArray[np.uint8]:
        """The canvas at `version`, `start <= version <= end`; uint8, shape (height, width)."""
        header, count = self.header, self.row_of(version)
        ground = Ground(header.base, header.start, self.keyframe())
        if self.definition_at(version) != header.base:
            ground.grow(header.definition)
        pixel, colors = self._until(count)
        give_way()
        ground.canvas.reshape(-1)[pixel] = colors
        give_way()
        return ground.canvas

    def _until(self, count: int) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        """The pixels and colours of the first edits, in the order of the pixel index."""
        order = self._numbers()
        pixel, colors = self.pixels(), self.colors()
        if count == self.header.edits:
            return pixel, colors
        before = order < count
        give_way()
        pixel = pixel[before]
        give_way()
        return pixel, colors[before]

    def end_ground(self) -> Ground:
        """The ground at the segment's end."""
        ground = self.ground()
        ground.apply(self.stretch(), self.header.definition)
        ground.highest_ms, ground.version = self.header.highest_ms, self.header.end
        return ground

    def cells(self) -> NDArray[np.uint32]:
        """How many edits each cell of the grid has, shape (CELLS, CELLS)."""
        return np.frombuffer(self._inflated("cells"), "<u4").reshape(CELLS, CELLS)

    def offsets(self) -> NDArray[np.int64]:
        """Each edit's offset, shape (edits,)."""
        return self._column("offsets", whole=True).all()

    def times(self) -> NDArray[np.int64]:
        """Each edit's time, shape (edits,)."""
        return self._column("times", whole=True).all()

    def highest_times(self, floor_ms: int) -> NDArray[np.int64]:
        """For each edit, the highest time of any record up to its own, and at least `floor_ms`: int64, (edits,)."""
        return highest_times(self.times(), self.others()[0], floor_ms)

    def row_of(self, version: int) -> int:
        """How many edits have an offset below `version`."""
        # Here the header is enough, without the column.
        if version >= self.header.end:
            return self.header.edits
        return self._column("offsets", whole=True).search(version)

    def highest_ms(self, version: int) -> int:
        """The highest time of the segment's records with an offset below `version`, in ms; 0 if there are none."""
        # A clock may have been set back, so the highest isn't always the last.
        times = self._column("times", whole=True).until(self.row_of(version))
        return max([int(times.max(initial=0)), *(other.ms for other in self.others()[0] if other.offset < version)])

    def moments(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Offset and time of each edit and each other record, in order: int64, both of shape (n,)."""
        others, _ = self.others()
        # `row` is the number of edits before the record, and so the place where numpy has to insert it.
        at = np.array([other.row for other in others], np.intp)
        return (
            np.insert(self.offsets(), at, [other.offset for other in others]),
            np.insert(self.times(), at, [other.ms for other in others]),
        )

    def stretch(self) -> Stretch:
        """All records of the segment."""
        header = self.header
        order = self._numbers()
        pixel = np.empty(header.edits, np.uint32)
        # The file is sorted by pixel, for questions about one pixel; this puts it back into the log's order.
        pixel[order] = self.pixels()
        rows = np.empty(header.edits, ROW)
        rows["offset"], rows["ms"] = self.offsets(), self.times()
        rows["y"], rows["x"] = np.divmod(pixel, np.uint32(header.definition.width))
        colors = np.empty(header.edits, np.uint8)
        colors[order] = self.colors()
        rows["color"], rows["author"], rows["act"] = colors, self._authors(), NO_ACT
        others, corrections = self.others()
        for begin, end, act in corrections:
            rows["act"][begin:end] = act
        return Stretch(header.start, header.end, rows, others)

    def changes(self, start: int, end: int) -> Changes:
        """The changes of the records with `start <= offset < end`, in the order of the pixel index."""
        order, acts = self._numbers(), np.full(self.header.edits, NO_ACT, np.int64)
        for begin, after, act in self.others()[1]:
            acts[begin:after] = act
        found = Changes(self.pixels(), self.colors(), self._authors()[order], acts[order])
        first, last = self.row_of(start) if start > self.header.start else 0, self.row_of(end)
        # Most segments lie wholly between `start` and `end`, and then no edit has to be compared.
        if (first, last) == (0, self.header.edits):
            return found
        return found.where((order >= first) & (order < last))

    def people(self) -> NDArray[np.uint64]:
        """The authors of the segment's edits; each once if it has a table of them."""
        # It has a table if that saves room: a number into the table takes fewer bytes than an author, 8.
        people = np.frombuffer(self._section("people"), "<u8")
        return people if len(people) else self._authors()

    def others(self) -> tuple[tuple[Other, ...], list[tuple[int, int, int]]]:
        """The records that aren't edits; and the rows of corrections, each span as (begin, end, act), half-open."""
        data = self._inflated("others")
        try:
            count, spans = COUNTS.unpack_from(data)
            at = COUNTS.size + count * OTHER.size
            corrections = [CORRECTION.unpack_from(data, at + index * CORRECTION.size) for index in range(spans)]
            entries = [OTHER.unpack_from(data, COUNTS.size + index * OTHER.size) for index in range(count)]
        except struct.error as error:
            raise SegmentDamaged(f"its other records are not understood: {error}") from error
        ends = list(accumulate((length for *_, length in entries), initial=at + spans * CORRECTION.size))
        others = tuple(
            Other(row, offset, ms, data[begin : begin + length])
            for (row, offset, ms, length), begin in zip(entries, ends, strict=False)
        )
        return others, corrections

    def hits(self, x: int, y: int) -> Iterator[Hit]:
        """The edits of a pixel inside the canvas, the newest first; reads only parts of sections, see `verify`."""
        pixel = y * self.header.definition.width + x
        begin, end = pixel_index.find(pixel, self._shape, self._part("starts"), self._part("lows"))
        if begin == end:
            return
        # Only a few bytes of each section are read from here on, so no checksum can be compared.
        rows = self._numbers_between(begin, end)
        corrections = self.others()[1] if has_others(self.header) else []
        offsets, times = self._column("offsets"), self._column("times")
        color_of, author_of = self._color_of(), self._author_of()
        for entry, row in zip(range(end - 1, begin - 1, -1), reversed(rows), strict=True):
            act = next((act for first, after, act in corrections if first <= row < after), NO_ACT)
            try:
                yield Hit(offsets.at(row), times.at(row), color_of(entry), author_of(row), act)
            except ColumnDamaged as error:
                raise SegmentDamaged(str(error)) from error

    def pixels_between(self, begin: int, end: int) -> NDArray[np.uint32]:
        """The numbers of the pixels of all edits with `begin <= number < end`, ascending; reads only parts of sections.

        Args:
            begin: the first number of a bucket of the pixel index. Multiples of 65,536 always are one.
            end: the first number of a bucket, or the number of pixels.
        """
        shape, starts = self._shape, self._part("starts")
        size, low = np.dtype(shape.start).itemsize, np.dtype(shape.low).itemsize
        first, after = begin >> shape.shift, min(shape.buckets, -(-end >> shape.shift))
        edges = np.frombuffer(starts(first * size, (after + 1 - first) * size), shape.start)
        entries = slice(int(edges[0]), int(edges[-1]))
        lows = self._part("lows")(entries.start * low, (entries.stop - entries.start) * low)
        found = pixel_index.pixels_of(edges, np.frombuffer(lows, shape.low), attrs.evolve(shape, buckets=after - first))
        return found + np.uint32(first << shape.shift)

    def _color_of(self) -> Callable[[int], int]:
        """A function that gives the colour of an entry of the pixel index."""
        part = self._part("colors")
        if self.header.definition.colors > FEW_COLORS:
            return lambda entry: part(entry, 1)[0]
        return lambda entry: part(entry // 2, 1)[0] >> 4 * (entry % 2) & 15

    def _author_of(self) -> Callable[[int], int]:
        """A function that gives the author of an edit, by its row."""
        people, authors = self._part("people"), self._part("authors")
        length = self._length("people")
        if not length:
            return lambda row: int.from_bytes(authors(row * 8, 8), "little")
        size = number_type(length // 8).itemsize

        def author(row: int) -> int:
            return int.from_bytes(people(int.from_bytes(authors(row * size, size), "little") * 8, 8), "little")

        return author

    def _authors(self) -> NDArray[np.uint64]:
        people = np.frombuffer(self._section("people"), "<u8")
        authors = self._section("authors")
        if not len(people):
            return np.frombuffer(authors, "<u8")
        return people[np.frombuffer(authors, number_type(len(people)))]

    def colors(self) -> NDArray[np.uint8]:
        """Each edit's colour, in the order of the pixel index."""
        data = np.frombuffer(self._section("colors"), np.uint8)
        if self.header.definition.colors > FEW_COLORS:
            return data
        give_way()
        colors = np.empty(2 * len(data), np.uint8)
        colors[::2], colors[1::2] = data & 15, data >> 4
        return colors[: self.header.edits]

    def pixels(self) -> NDArray[np.uint32]:
        """The number of each edit's pixel, in the order of the pixel index, shape (edits,)."""
        shape = self._shape
        starts = np.frombuffer(self._section("starts"), shape.start)
        lows = np.frombuffer(self._section("lows"), shape.low)
        give_way()
        return pixel_index.pixels_of(starts, lows, shape)

    def _numbers(self) -> NDArray[np.uint32]:
        return pixel_index.unpack_numbers(self._section("order"), self._section("halves"), self._shape)

    def _numbers_between(self, begin: int, end: int) -> list[int]:
        """The numbers of some entries. For the one or two of a pixel, this takes a fifth of the time of arrays."""
        size = np.dtype(self._shape.order).itemsize
        order = self._part("order")(begin * size, (end - begin) * size)
        has_halves = self._shape.has_halves
        halves = self._part("halves")(begin // 8, -(-end // 8) - begin // 8) if has_halves else b""
        bits = int.from_bytes(halves, "little") >> begin % 8
        return [
            int.from_bytes(order[at * size : (at + 1) * size], "little") | (bits >> at & 1) << 16
            for at in range(end - begin)
        ]

    def _column(self, name: str, *, whole: bool = False) -> Column:
        if not whole:
            return Column(self._part(name), self.header.edits)
        data = self._section(name)
        return Column(lambda offset, length: data[offset : offset + length], self.header.edits)

    def _length(self, name: str) -> int:
        return self.header.sections[_PLACES[name]][1]

    def _part(self, name: str) -> Read:
        at, length, _ = self.header.sections[_PLACES[name]]

        def read(offset: int, count: int) -> bytes:
            if offset + count > length:
                raise SegmentDamaged(f"its {name} end before byte {offset + count}")
            data = self._read(at + offset, count)
            if len(data) != count:
                raise SegmentDamaged(f"the file ends in its {name}")
            return data

        return read

    def _section(self, name: str) -> bytes:
        at, length, crc = self.header.sections[_PLACES[name]]
        give_way()
        data = self._read(at, length)
        if len(data) != length or zlib.crc32(data) != crc:
            raise SegmentDamaged(f"its {name} don't match their checksum")
        return data

    def _inflated(self, name: str) -> bytes:
        section = self._section(name)
        give_way()
        data: bytes = isal_zlib.decompress(section)
        give_way()
        return data


def unpack_rows(packed: NDArray[np.uint8], width: int, depth: int) -> NDArray[np.uint8]:
    """Unpack rows of pixels of `depth` bits each, the first in the high bits: uint8, shape (height, width)."""
    if depth == 8:
        return np.array(packed[:, :width])
    per_byte = 8 // depth
    pixels = np.empty((len(packed), packed.shape[1] * per_byte), np.uint8)
    for band in bands(len(packed), width):
        for at in range(per_byte):
            give_way()
            pixels[band, at::per_byte] = packed[band] >> (8 - depth * (at + 1)) & ((1 << depth) - 1)
    return np.ascontiguousarray(pixels[:, :width])
