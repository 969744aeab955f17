"""Encodes a column of integers: small where neighbours are alike, and readable from the middle.

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
from typing import TYPE_CHECKING, Final

import numpy as np
from isal import isal_zlib

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Read = Callable[[int, int], bytes]

BLOCK: Final = 1_024  # values; one is unpacked in 15 us: a pixel that was set 100 times needs 200 of them
_ENTRY: Final = struct.Struct("<qIB")
_ENTRY_DTYPE: Final = np.dtype([("first", "<i8"), ("end", "<u4"), ("width", "u1")])
_LEVEL: Final = 1  # higher ones make real times 1 % smaller, and take longer
_FEW_BYTES: Final = 48
# Nearly all blocks have steps of one byte: a look here takes a third of the time that the arithmetic does.
_STEP_OF_BYTE: Final = np.array([zigzag >> 1 ^ -(zigzag & 1) for zigzag in range(256)], np.int64)


class ColumnDamaged(ValueError):
    """The bytes aren't a column with that many values."""


def pack(values: NDArray[np.int64]) -> bytes:
    """The bytes of n values, int64, shape (n,)."""
    entries, blocks, end = [], [], 0
    for begin in range(0, len(values), BLOCK):
        block = values[begin : begin + BLOCK]
        width, data = _pack_block(block)
        end += len(data)
        entries.append(_ENTRY.pack(int(block[0]), end, width))
        blocks.append(data)
    return b"".join((*entries, *blocks))


def _pack_block(block: NDArray[np.int64]) -> tuple[int, bytes]:
    steps = np.diff(block, prepend=block[:1])
    zigzag = (steps << 1 ^ steps >> 63).view(np.uint64)
    highest = int(zigzag.max())
    width = next(width for width in (1, 2, 4, 8) if highest < 1 << 8 * width)
    planes = zigzag.astype(f"<u{width}").view(np.uint8).reshape(-1, width).T
    return width, isal_zlib.compress(np.ascontiguousarray(planes).data, _LEVEL)


class Column:
    """A packed column of `count` values.

    Args:
        read: gives bytes of the column: `read(offset, length)`.
        count: how many values it has.
    """

    def __init__(self, read: Read, count: int) -> None:
        self._read = read
        self._count = count
        self._blocks = -(-count // BLOCK)
        self._table = read(0, self._blocks * _ENTRY.size)
        self._unpacked = -1, 0, np.empty(0, np.int64)

    def all(self) -> NDArray[np.int64]:
        """All values, int64, shape (count,).

        Raises:
            ColumnDamaged: the bytes don't hold them.
        """
        if not self._blocks:
            return np.empty(0, np.int64)
        return np.concatenate([self.block(index) for index in range(self._blocks)])

    def at(self, index: int) -> int:
        """One value. The block that it is in is kept: the next one asked for often lies there, too.

        Raises:
            ColumnDamaged: the bytes don't hold it.
        """
        block = index // BLOCK
        if self._unpacked[0] != block:
            self._unpacked = block, *self._unpack(block)
        return self._unpacked[1] + int(self._unpacked[2][index % BLOCK])

    def search(self, value: int) -> int:
        """How many of the values, which are sorted, are below `value`; one block is unpacked.

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
        first, above = self._unpack(index)
        return above + first

    def _unpack(self, index: int) -> tuple[int, NDArray[np.int64]]:
        """A block's first value, and how much each one is above that."""
        count = min(BLOCK, self._count - index * BLOCK)
        try:
            first, end, width = _ENTRY.unpack_from(self._table, index * _ENTRY.size)
            begin = _ENTRY.unpack_from(self._table, (index - 1) * _ENTRY.size)[1] if index else 0
            data = self._read(len(self._table) + begin, end - begin)
            return first, (_sums_of_few if len(data) <= _FEW_BYTES else _sums)(data, width, count)
        except (ValueError, struct.error, isal_zlib.error) as error:  # type: ignore[misc]  # isal's stubs lack its base
            raise ColumnDamaged(f"block {index} of a column: {error}") from error


def _sums(data: bytes, width: int, count: int) -> NDArray[np.int64]:
    """How much each value of a block is above the first one: int64, shape (count,).

    Raises:
        ValueError, isal_zlib.error: the bytes don't hold that many.
    """
    if width not in (1, 2, 4, 8):
        raise ValueError(f"values of {width} bytes")
    planes = np.frombuffer(isal_zlib.decompress(data), np.uint8).reshape(width, count)
    return np.cumsum(_steps(planes))


# The offsets of records of one edit are blocks like this one, each the same bytes: 64 of them take half a MB.
_sums_of_few = lru_cache(maxsize=64)(_sums)


def _steps(planes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The differences that planes of bytes, shape (width, n), hold: int64, shape (n,)."""
    if len(planes) == 1:
        steps: NDArray[np.int64] = _STEP_OF_BYTE.take(planes[0])
        return steps
    zigzag = np.ascontiguousarray(planes.T).view(f"<u{len(planes)}").ravel().astype(np.uint64)
    return (zigzag >> np.uint64(1)).view(np.int64) ^ -(zigzag & np.uint64(1)).view(np.int64)
