"""Encodes a stretch of the log as the bytes of a segment; `placed.history.layout` draws them. Pure.

Thread: any; 20 ms for 131,072 edits, most of it in calls that release the interpreter's lock.
"""

from __future__ import annotations

import zlib
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from isal import isal_zlib

from placed.canvas.png import bit_depth, pack_rows
from placed.history import pixel_index
from placed.history.columns import pack
from placed.history.ground import cells_of, pixels_of
from placed.history.layout import (
    CORRECTION,
    COUNTS,
    FEW_COLORS,
    FIXED,
    FORMAT,
    LENGTH,
    MAGIC,
    OTHER,
    SECTION,
    number_type,
)
from placed.history.stretch import NO_ACT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.canvas.definition import Definition
    from placed.history.ground import Ground
    from placed.history.stretch import Stretch

_DEFLATE_LEVEL: Final = 2  # as for PNGs: higher levels take longer and save 1 %


def encode(stretch: Stretch, log_id: str, definition: Definition, ground: Ground) -> list[bytes]:
    """The segment of a stretch, as bytes in parts that follow one another: joining them would take another 2 MB.

    Args:
        stretch: at least one record, with at most `MOST_EDITS` edits, unless it is a single record.
        log_id: the id of the stretch's log.
        definition: the canvas's size and palette at the stretch's edits.
        ground: the canvas at the stretch's start, `ground.version == stretch.start`; this doesn't change it.
    """
    sections = _encode_sections(stretch, definition, ground)
    times_ms = [int(stretch.rows["ms"][0])] if len(stretch.rows) else []
    offset = int(stretch.rows["offset"][0]) if len(stretch.rows) else stretch.end
    first_ms = [other.ms for other in stretch.others[:1] if other.offset < offset] or times_ms
    after = max(ground.highest_ms, _highest(stretch))
    base = ground.definition
    fixed = FIXED.pack(
        *(FORMAT, stretch.start, stretch.end, first_ms[0], after, len(stretch.rows), _records(stretch)),
        *(definition.width, definition.height, definition.colors, base.width, base.height, base.colors),
        log_id.encode(),
    )
    table = b"".join(SECTION.pack(len(section), zlib.crc32(section)) for section in sections)
    header = fixed + table + definition.rgb
    begin = MAGIC + LENGTH.pack(len(header) + LENGTH.size) + header
    return [begin, LENGTH.pack(zlib.crc32(begin)), *sections]


def _highest(stretch: Stretch) -> int:
    return max([int(stretch.rows["ms"].max(initial=0)), *(other.ms for other in stretch.others)])


def _records(stretch: Stretch) -> int:
    offsets = stretch.rows["offset"]
    begun = int(np.count_nonzero(offsets[1:] != offsets[:-1])) + 1 if len(offsets) else 0
    return begun + len(stretch.others)


def _encode_sections(stretch: Stretch, definition: Definition, ground: Ground) -> list[bytes]:
    rows = stretch.rows
    pixels = definition.width * definition.height
    index = pixel_index.build(pixels_of(rows, definition), pixels)
    order, halves = pixel_index.pack_numbers(index.numbers, pixel_index.Shape.of(pixels, len(rows)))
    base = ground.definition
    return [
        _deflate(pack_rows(ground.canvas, bit_depth(base.colors))),
        _deflate(ground.touched_bits & np.packbits(ground.canvas.reshape(-1) == 0)),
        _deflate(cells_of(rows, definition).astype("<u4")),
        isal_zlib.compress(_encode_others(stretch), _DEFLATE_LEVEL),
        pack(rows["offset"]),
        pack(rows["ms"]),
        *_encode_authors(rows["author"]),  # as late as possible: these are 1 MB, more than the other sections need
        index.starts.tobytes(),
        index.lows.tobytes(),
        order,
        halves,
        _encode_colors(rows["color"][index.numbers], definition.colors),
    ]


def _deflate(array: NDArray[np.generic]) -> bytes:
    data: bytes = isal_zlib.compress(np.ascontiguousarray(array).data, _DEFLATE_LEVEL)
    return data


def _encode_authors(authors: NDArray[np.uint64]) -> tuple[bytes, bytes]:
    people = _people(authors)
    if people is None:
        return b"", authors.tobytes()
    return people.tobytes(), np.searchsorted(people, authors).astype(number_type(len(people))).tobytes()


def _people(authors: NDArray[np.uint64]) -> NDArray[np.uint64] | None:
    """Each author once, ascending; None if naming authors by their places here would save nothing."""
    people = np.sort(authors)
    is_first = np.ones(len(people), np.bool_)
    np.not_equal(people[1:], people[:-1], out=is_first[1:])
    count = int(np.count_nonzero(is_first))
    # Decided before the authors are copied: mostly nearly all are different people, 1 MB of them.
    if count * 8 + len(authors) * number_type(count).itemsize >= len(authors) * 8:
        return None
    return people[is_first]


def _encode_others(stretch: Stretch) -> bytes:
    acts = stretch.rows["act"]
    has_any = (acts != NO_ACT).any()  # mostly False, and then this makes no array of steps
    edges = np.flatnonzero(np.diff(acts, prepend=NO_ACT, append=NO_ACT)).tolist() if has_any else []
    spans = [(begin, end, int(acts[begin])) for begin, end in pairwise(edges)]
    corrections = [span for span in spans if span[2] != NO_ACT]
    return b"".join(
        (
            COUNTS.pack(len(stretch.others), len(corrections)),
            *(OTHER.pack(other.row, other.offset, other.ms, len(other.value)) for other in stretch.others),
            *(CORRECTION.pack(*span) for span in corrections),
            *(other.value for other in stretch.others),
        )
    )


def _encode_colors(colors: NDArray[np.uint8], palette: int) -> bytes:
    if palette > FEW_COLORS:
        return colors.tobytes()
    even = np.zeros(len(colors) + len(colors) % 2, np.uint8)
    even[: len(colors)] = colors
    return (even[::2] | even[1::2] << 4).tobytes()
