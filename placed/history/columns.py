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

    def all(self) -> NDArray[np.int64]:
        """All values, int64, shape (count,).

        Raises:
            ColumnDamaged: the bytes don't hold them.
        """
        if not self._blocks:
            return np.empty(0, np.int64)
        return np.concatenate([self.block(index) for index in range(self._blocks)])

    def at(self, index: int) -> int:
        """One value.

        Raises:
            ColumnDamaged: the bytes don't hold it.
        """
        return int(self.block(index // BLOCK)[index % BLOCK])

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
        count = min(BLOCK, self._count - index * BLOCK)
        try:
            first, end, width = _ENTRY.unpack_from(self._table, index * _ENTRY.size)
            begin = _ENTRY.unpack_from(self._table, (index - 1) * _ENTRY.size)[1] if index else 0
            raw = isal_zlib.decompress(self._read(len(self._table) + begin, end - begin))
            planes = np.frombuffer(raw, np.uint8).reshape(width, count)
        except (ValueError, struct.error, isal_zlib.error) as error:  # type: ignore[misc]  # isal's stubs lack its base
            raise ColumnDamaged(f"block {index} of a column: {error}") from error
        if width not in (1, 2, 4, 8):
            raise ColumnDamaged(f"block {index} of a column: values of {width} bytes")
        zigzag = np.ascontiguousarray(planes.T).view(f"<u{width}").ravel().astype(np.uint64)
        steps = (zigzag >> np.uint64(1)).view(np.int64) ^ -(zigzag & np.uint64(1)).view(np.int64)
        steps[0] += first
        return np.cumsum(steps)
