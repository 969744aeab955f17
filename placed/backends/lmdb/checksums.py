"""Computes the CRC-32 of many short texts of one length at once, with numpy.

A CRC is linear: start with the CRC of as many zero bytes, then XOR a number for each byte, which depends only on the
byte and its place. So each column of bytes takes one look-up in a table for all texts, and a column whose bytes are all
the same takes a single number. Most columns of offsets and times are like that. Pure.
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
    """`zlib.crc32` of n texts, shape (n,). Each part has the next bytes of all texts, shape (n, length of the part)."""
    length = sum(part.shape[1] for part in parts)
    found = np.full(len(parts[0]), zlib.crc32(bytes(length)), np.uint32)
    columns = chain.from_iterable(np.ascontiguousarray(part.T) for part in parts)
    for column, table in zip(columns, _tables(length), strict=True):
        if (column == column[:1]).all():
            found ^= table[column[:1]]
        else:
            # No byte is outside the table. Without a mode numpy checks each of them, which takes twice the time.
            found ^= table.take(column.astype(np.intp), mode="clip")
    return found


@lru_cache(maxsize=128)  # 1 KB for each byte of a row; a log has few lengths
def _tables(length: int) -> tuple[NDArray[np.uint32], ...]:
    """For each place in a text, the number that each byte adds to the CRC there: shape (256,) each."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(0xEDB88320), table >> 1)
    tables, by_byte = [], table
    for _ in range(length):
        tables.append(table)
        table = by_byte[table & 0xFF] ^ table >> 8  # a place further from the end: a zero byte more follows
    return tuple(reversed(tables))
