"""Computes the CRC-32 of many short texts of one length at once, with numpy.

A CRC is linear: the CRC of a text is that of as many zero bytes, XOR what each byte adds at its place, whatever the
others are. So it is one look into a table for each column, and none for a column whose bytes are all the same, as most
of an offset's and a time's are. Pure.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def crcs(*parts: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """`zlib.crc32` of n texts, given in parts: of each text's first bytes, shape (n, length), and so on; shape (n,)."""
    length = sum(part.shape[1] for part in parts)
    found = np.full(len(parts[0]), zlib.crc32(bytes(length)), np.uint32)
    columns = chain.from_iterable(np.ascontiguousarray(part.T) for part in parts)
    for column, table in zip(columns, _tables(length), strict=True):
        if (column == column[:1]).all():
            found ^= table[column[:1]]
        else:
            # No byte is outside the table; numpy looks for that in twice the time if it isn't told what to do then.
            found ^= table.take(column.astype(np.intp), mode="clip")
    return found


@lru_cache(maxsize=128)  # 1 KB for each byte of a row; a log has few lengths
def _tables(length: int) -> tuple[NDArray[np.uint32], ...]:
    """What each byte adds at each place of a text: shape (256,) each."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(0xEDB88320), table >> 1)
    tables, by_byte = [], table
    for _ in range(length):
        tables.append(table)
        table = by_byte[table & 0xFF] ^ table >> 8  # a place further from the end: a zero byte more follows
    return tuple(reversed(tables))
