"""Encodes a page of past edits for programs that replay them: about 5 bytes an edit.

    "plEd" | format u8, 1 | x bits u8 | y bits u8 | color bits u8 | from u64 | to u64 | next u64
    | first edit's ms i64, 0 without edits | edits u32 | bytes of `offsets` u32 | bytes of `times` u32
    | offsets | times | codes

    offsets   a varint for each edit: its offset minus the one before; for the first edit minus `from`
    times     a zigzag varint for each edit: its ms minus the one before; 0 for the first edit
    codes     the edit code of each edit, as in the stream (`placed.canvas.edit_code`); the head has its bits

Little-endian. A varint has 7 bits in each byte, the lowest first; the highest bit of a byte says that another byte
follows (LEB128). zigzag(n) is 2n; for n below 0 it is -2n - 1. Pure.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.canvas.edit_code import EditCode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.history.past import Page

_HEAD: Final = struct.Struct("<4sBBBBQQQqIII")
_MAGIC: Final = b"plEd"
_FORMAT: Final = 1
_MOST_VERSION: Final = (1 << 63) - 1  # the highest offset in any log


def encode_page(page: Page, to: int) -> bytes:
    """The bytes of a page of the edits from `page.stretch.start` to `to`."""
    rows, start, of = page.stretch.rows, page.stretch.start, page.definition
    code = EditCode.of(of.width, of.height, of.colors)
    offsets = _varints(np.diff(rows["offset"], prepend=np.int64(start)).view(np.uint64))
    steps = np.diff(rows["ms"], prepend=rows["ms"][:1])
    times = _varints((steps << 1 ^ steps >> 63).view(np.uint64))
    codes = code.pack(rows["x"], rows["y"], rows["color"])
    head = _HEAD.pack(
        *(_MAGIC, _FORMAT, code.x_bits, code.y_bits, code.color_bits),
        *(start, to, page.stretch.end, int(rows["ms"][0]) if len(rows) else 0),
        *(len(rows), len(offsets), len(times)),
    )
    return b"".join((head, offsets, times, codes))


def _varints(values: NDArray[np.uint64]) -> bytes:
    """The varints of n values, uint64, shape (n,)."""
    lengths = np.ones(len(values), np.intp)
    for bits in range(7, 64, 7):
        lengths += values >= np.uint64(1) << np.uint64(bits)
    ends = np.cumsum(lengths)
    out = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
    begins = ends - lengths
    for at in range(int(lengths.max(initial=0))):
        has = lengths > at
        low = (values[has] >> np.uint64(7 * at) & np.uint64(0x7F)).astype(np.uint8)
        out[begins[has] + at] = low | (lengths[has] > at + 1).astype(np.uint8) << 7
    return out.tobytes()


class PageDamaged(ValueError):
    """The bytes aren't a complete page."""


@attrs.frozen(eq=False)
class ReadPage:
    """A decoded page.

    Attributes:
        next: the version that the next page begins at.
        offsets: the offset of each edit's record, int64, shape (edits,).
        times_ms: the time of each edit's record, in ms since the epoch, int64, shape (edits,).
        x: uint16, shape (edits,).
        y: uint16, shape (edits,).
        color: palette indexes, uint8, shape (edits,).
    """

    next: int
    offsets: NDArray[np.int64]
    times_ms: NDArray[np.int64]
    x: NDArray[np.uint16]
    y: NDArray[np.uint16]
    color: NDArray[np.uint8]


def decode_page(data: bytes) -> ReadPage:
    """Decode the bytes of a page.

    Raises:
        PageDamaged: the bytes aren't a page.
    """
    try:
        magic, format_, x_bits, y_bits, color_bits, start, _, next_, first_ms, count, *sizes = _HEAD.unpack_from(data)
    except struct.error as error:
        raise PageDamaged(f"{len(data)} bytes; a page has {_HEAD.size} at least") from error
    code = EditCode(x_bits, y_bits, color_bits)
    begins = _HEAD.size + np.cumsum([0, *sizes, count * code.size_bytes])
    is_known = magic == _MAGIC and format_ == _FORMAT and max(x_bits, y_bits) <= 12 and color_bits <= 8
    if not is_known or begins[-1] != len(data) or max(start, next_) > _MOST_VERSION:
        raise PageDamaged(f"it begins with {data[:8].hex()} and has {len(data)} bytes")
    offsets = _numbers(data[begins[0] : begins[1]], count)
    times = _numbers(data[begins[1] : begins[2]], count)
    steps = (times >> np.uint64(1)).view(np.int64) ^ -(times & np.uint64(1)).view(np.int64)
    x, y, color = code.unpack(data[begins[2] :])
    return ReadPage(next_, start + np.cumsum(offsets.view(np.int64)), first_ms + np.cumsum(steps), x, y, color)


def _numbers(data: bytes, count: int) -> NDArray[np.uint64]:
    """The numbers of `count` varints, uint64, shape (count,)."""
    raw = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(raw < 0x80)
    lengths = np.diff(ends, prepend=-1)
    if len(ends) != count or (count and (ends[-1] != len(raw) - 1 or lengths.max() > 9)) or (not count and len(raw)):
        raise PageDamaged(f"{len(raw)} bytes aren't {count} numbers")
    numbers = np.zeros(count, np.uint64)
    for at in range(int(lengths.max(initial=0))):
        has = lengths > at
        part = raw[ends[has] - lengths[has] + 1 + at].astype(np.uint64) & np.uint64(0x7F)
        numbers[has] |= part << np.uint64(7 * at)
    return numbers
