"""Encodes a column of integers: small if neighbours are alike, and readable from the middle.

    n values  ->  table, one entry for each block of 1,024 values | the blocks' data
    entry     =   first value i64 | where its data ends u32 | width u8           13 bytes
    data      =   deflate of: the differences to the value before, zigzag, `width` bytes each,
                  all lowest bytes first, then all second ones, and so on

Times and offsets rise slowly, so most differences take one byte. In a log with one edit a record, the differences of
offsets take almost nothing. Little-endian. Pure: imports numpy and isal.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np
from isal import isal_zlib

from placed.canvas.giving_way import give_way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Read = Callable[[int, int], bytes]

BLOCK: Final = 1_024  # values; unpacking a block takes 15 us, and a pixel that was set 100 times needs 200 blocks
_AT_ONCE: Final = 32 * BLOCK  # values: those of a whole segment would take 3 MB for a moment
_ENTRY: Final = struct.Struct("<qIB")
_ENTRY_DTYPE: Final = np.dtype([("first", "<i8"), ("end", "<u4"), ("width", "u1")])
_LEVEL: Final = 1  # higher levels make real times 1 % smaller, and take longer
_FEW_BYTES: Final = 48
# Errors from bytes that aren't a block.
_DAMAGE: Final[tuple[type[Exception], ...]] = (ValueError, struct.error, isal_zlib.error)  # type: ignore[assignment]  # isal's stubs lack its base
# Nearly all blocks have steps of one byte: looking them up here takes a third of the time of computing them.
_STEP_OF_BYTE: Final = np.array([zigzag >> 1 ^ -(zigzag & 1) for zigzag in range(256)], np.int8)
# Steps back have odd zigzags.
_EVEN: Final = bytes(range(0, 256, 2))
_WIDTHS: Final = {1: ("<u1", "<i1"), 2: ("<u2", "<i2"), 4: ("<u4", "<i4"), 8: ("<u8", "<i8")}


class ColumnDamaged(ValueError):
    """The bytes aren't a column with that many values."""


def pack(values: NDArray[np.int64]) -> bytes:
    """The bytes of n values, int64, shape (n,)."""
    entries, blocks, end = [], [], 0
    for first, width, data in chain.from_iterable(
        _packed_blocks(values[at : at + _AT_ONCE]) for at in range(0, len(values), _AT_ONCE)
    ):
        end += len(data)
        entries.append(_ENTRY.pack(first, end, width))
        blocks.append(data)
    return b"".join((*entries, *blocks))


def _packed_blocks(values: NDArray[np.int64]) -> Iterator[tuple[int, int, bytes]]:
    """Each block's first value, the width of its differences in bytes, and its data."""
    begins = range(0, len(values), BLOCK)
    steps = _zigzags(values)
    highest = np.maximum.reduceat(steps, begins).tolist()
    for begin, first, high in zip(begins, values[::BLOCK].tolist(), highest, strict=True):
        yield first, *_pack_block(steps[begin : begin + BLOCK], high)


def _zigzags(values: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The step to each value from the one before, zigzag; 0 at a block's begin. Quicker for all blocks at once."""
    steps = np.zeros(len(values), np.int64)
    np.subtract(values[1:], values[:-1], out=steps[1:])
    steps[::BLOCK] = 0
    signs = steps >> 63
    steps <<= 1
    steps ^= signs
    return steps.view(np.uint64)


def _pack_block(zigzag: NDArray[np.uint64], highest: int) -> tuple[int, bytes]:
    width = next(width for width in _WIDTHS if highest < 1 << 8 * width)
    planes = zigzag.astype(f"<u{width}").view(np.uint8).reshape(-1, width).T
    return width, isal_zlib.compress(np.ascontiguousarray(planes).data, _LEVEL)


class Column:
    """A packed column of `count` values.

    Args:
        read: reads bytes of the column: `read(offset, length)`.
        count: how many values the column has.
    """

    def __init__(self, read: Read, count: int) -> None:
        self._read = read
        self._count = count
        self._blocks = -(-count // BLOCK)
        self._table = read(0, self._blocks * _ENTRY.size)
        self._looked_at = -1
        self._looked_into = 0, b"", 0, 0

    def all(self) -> NDArray[np.int64]:
        """All values, int64, shape (count,).

        Raises:
            ColumnDamaged: the bytes don't hold them.
        """
        if not self._blocks:
            return np.empty(0, np.int64)
        return np.concatenate([self.block(index) for index in range(self._blocks)])

    def at(self, index: int) -> int:
        """One value. The column keeps the value's block unpacked, because the next value often lies there, too.

        Raises:
            ColumnDamaged: the bytes don't hold it.
        """
        block, place = divmod(index, BLOCK)
        if self._looked_at != block:
            try:
                first, data, width, count = self._packed(block)
                inflate = _inflated_few if len(data) <= _FEW_BYTES else _inflated
                self._looked_into = first, inflate(data, width, count), width, count
            except _DAMAGE as error:
                raise _damaged(block, error) from error
            self._looked_at = block
        first, data, width, count = self._looked_into
        return first + _sum_until(data, width, count, place)

    def search(self, value: int) -> int:
        """How many of the values, which must be sorted, are below `value`. This unpacks only one block.

        Raises:
            ColumnDamaged: the bytes don't hold them.
        """
        firsts = np.frombuffer(self._table, _ENTRY_DTYPE)["first"]
        index = int(np.searchsorted(firsts, np.int64(value))) - 1
        if index < 0:
            return 0
        return index * BLOCK + int(np.searchsorted(self.block(index), np.int64(value)))

    def until(self, count: int) -> NDArray[np.int64]:
        """The first values, int64, shape (count,).

        Raises:
            ColumnDamaged: the bytes don't hold them.
        """
        parts = [self.block(index) for index in range(-(-count // BLOCK))]
        return np.concatenate([np.empty(0, np.int64), *parts])[:count]

    def block(self, index: int) -> NDArray[np.int64]:
        """The values from `index * BLOCK` on, int64, shape (up to BLOCK,).

        Raises:
            ColumnDamaged: the bytes don't hold them.
        """
        try:
            first, data, width, count = self._packed(index)
            give_way()
            return _sums_of(data, width, count) + first
        except _DAMAGE as error:
            raise _damaged(index, error) from error

    def _packed(self, index: int) -> tuple[int, bytes, int, int]:
        """A block's first value, its data, the width of its differences in bytes, and how many values it has."""
        first, end, width = _ENTRY.unpack_from(self._table, index * _ENTRY.size)
        begin = _ENTRY.unpack_from(self._table, (index - 1) * _ENTRY.size)[1] if index else 0
        data = self._read(len(self._table) + begin, end - begin)
        return first, data, width, min(BLOCK, self._count - index * BLOCK)


def _damaged(block: int, error: Exception) -> ColumnDamaged:
    return ColumnDamaged(f"block {block} of a column: {error}")


def _sum_until(data: bytes, width: int, count: int, place: int) -> int:
    """How much the value at `place` of a block is above the first one; `data` is inflated.

    A pixel has one or two edits in a segment. Adding up the differences before each takes a fifth of the time of making
    all 1,024 values, and Python adds bytes in half the time that numpy needs to make arrays of them.
    """
    after = place + 1
    if data[:after].translate(None, _EVEN):  # a step back: times do that where a clock was set
        return int(_steps(_planes_of(data, width, count)[:, :after]).sum(dtype=np.int64))
    zigzags = 0
    for plane in range(width):
        zigzags += _sum(data[plane * count : plane * count + after]) << 8 * plane
    return zigzags >> 1


def _sum(data: bytes) -> int:
    """The sum of bytes; fast if most equal the last one. Steps between offsets do, and high planes are all 0."""
    others = data.translate(None, data[-1:])
    return sum(others) + data[-1] * (len(data) - len(others))


def _sums(data: bytes, width: int, count: int) -> NDArray[np.int64]:
    """How much each value of a block is above the first one: int64, shape (count,).

    Raises:
        ValueError, isal_zlib.error: the bytes don't hold that many.
    """
    return np.cumsum(_steps(_planes_of(_inflated(data, width, count), width, count)), dtype=np.int64)


def _sums_of(data: bytes, width: int, count: int) -> NDArray[np.int64]:
    return (_sums_of_few if len(data) <= _FEW_BYTES else _sums)(data, width, count)


# Offsets of records with one edit make blocks of few bytes, which are often the same: 64 results take half a MB.
_sums_of_few = lru_cache(maxsize=64)(_sums)


def _inflated(data: bytes, width: int, count: int) -> bytes:
    """A block's differences, `width` planes of `count` bytes.

    Raises:
        ValueError, isal_zlib.error: the bytes don't hold that many.
    """
    if width not in _WIDTHS:
        raise ValueError(f"values of {width} bytes")
    inflated: bytes = isal_zlib.decompress(data)
    if len(inflated) != width * count:
        raise ValueError(f"{len(inflated)} bytes for {count} values of {width}")
    return inflated


# For the same blocks: 64 results take 64 KB.
_inflated_few = lru_cache(maxsize=64)(_inflated)


def _planes_of(inflated: bytes, width: int, count: int) -> NDArray[np.uint8]:
    """The differences as planes of bytes, shape (width, count)."""
    return np.frombuffer(inflated, np.uint8).reshape(width, count)


def _steps(planes: NDArray[np.uint8]) -> NDArray[np.signedinteger]:
    """The differences from planes of bytes, shape (width, n): integers of that width, shape (n,)."""
    if len(planes) == 1:
        steps: NDArray[np.signedinteger] = _STEP_OF_BYTE.take(planes[0])
        return steps
    unsigned, signed = _WIDTHS[len(planes)]
    zigzag = planes[0].astype(unsigned)
    for place, plane in enumerate(planes[1:], 1):
        zigzag |= plane.astype(unsigned) << 8 * place
    return (zigzag >> 1 ^ -(zigzag & 1)).view(signed)  # type: ignore[no-any-return]  # numpy's stubs lose it
