"""Encodes a record as the LMDB log stores it, and reads many records at numpy's speed.

    key      offset u64, big-endian, so that LMDB's order is the log's
    value    time_ms i64 | crc u32 | the record's value                  little-endian
    crc      CRC-32 (zlib's) over key, time_ms and the record's value

Pure but for the page file that it reads from. Imports numpy.
"""

from __future__ import annotations

import operator
import struct
import zlib
from itertools import chain
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.backends import Log
from placed.backends.lmdb.checksums import crcs
from placed.canvas.batch import Batch
from placed.storage.lmdb_pages import IN_OVERFLOW, NODE_HEADER_BYTES, DamagedPages, cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from placed.storage.lmdb_pages import Page, PageFile, Tree

KEY: Final = struct.Struct(">Q")
_TIME = struct.Struct("<q")
_HEADER = np.dtype([("time_ms", "<i8"), ("crc", "<u4")])
_HEAD = struct.Struct("<qI")
_RUN: Final = 32  # leaves read at once; 64 would read more than a batch takes, and no faster
_SHORT: Final = 64  # bytes of a value; for longer values zlib's checksums are faster


def encode(offset: int, time_ms: int, value: bytes) -> tuple[bytes, bytes]:
    """Key and value to store for one record."""
    key = KEY.pack(offset)
    crc = zlib.crc32(value, zlib.crc32(key + _TIME.pack(time_ms)))
    return key, _HEAD.pack(time_ms, crc) + value


def encode_all(offset: int, times_ms: NDArray[np.int64], values: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Keys and values to store for the records from `offset` on: `encode` of each, four times as fast."""
    offsets = np.arange(offset, offset + len(values), dtype=np.int64)
    prefixes = crcs(*_prefixes(offsets, times_ms)).tolist()
    heads = np.empty(len(values), _HEADER)
    heads["time_ms"] = times_ms
    heads["crc"] = np.fromiter(map(zlib.crc32, values, prefixes), np.uint32, len(values))
    keys: list[bytes] = offsets.astype(">u8").view(np.dtype((np.void, KEY.size))).tolist()  # type: ignore[assignment]
    starts: list[bytes] = heads.view(np.dtype((np.void, _HEAD.size))).tolist()  # type: ignore[assignment]
    return list(zip(keys, map(operator.add, starts, values), strict=True))


def decode(key: bytes, stored: bytes) -> tuple[int, int, bytes]:
    """The offset, the time in ms and the value of one record.

    Raises:
        DamagedPages: `encode` didn't make these bytes.
    """
    if len(key) != KEY.size or len(stored) <= _HEAD.size:
        raise DamagedPages(f"a record of {len(stored)} bytes, with a key of {len(key)}")
    offset, value = KEY.unpack(key)[0], stored[_HEAD.size :]
    time_ms, crc = _HEAD.unpack_from(stored)
    if crc != zlib.crc32(value, zlib.crc32(key + _TIME.pack(time_ms))):
        raise DamagedPages(f"record {offset} doesn't match its checksum")
    return offset, time_ms, value


def read_batch(pages: PageFile, tree: Tree, offset: int, *, max_records: int, max_bytes: int) -> Batch:
    """The tree's records from `offset` on: at least one, then as many as both limits allow.

    Raises:
        DamagedPages: a page is damaged, or the record at the offset that the message names.
        OSError: the disk can't be read.
    """
    parts: list[_Part] = []
    records, size_bytes = 0, 0
    for page in pages.leaves(tree, KEY.pack(offset), run=_RUN):
        begin = _index_of(page, offset + records)
        # Checked before any value is cut out: a damaged size would reach into another record, or ask for gigabytes.
        sizes = page.sizes[begin:] - _HEAD.size
        if (sizes < 1).any() or (sizes > Log.max_value_bytes).any():
            raise DamagedPages(f"a record after {offset + records} is too short or too long")
        fitting = int(np.searchsorted(np.cumsum(sizes), max_bytes - size_bytes, "right"))
        # The first record comes in any case: else a reader could never get past one that is larger than a batch.
        count = min(len(sizes), max_records - records, fitting if parts else max(1, fitting))
        if not count:
            break
        parts.append(_read_part(pages, page, begin, count))
        records += count
        size_bytes += int(sizes[:count].sum())
        if count < len(sizes):
            break
    if not parts:
        raise DamagedPages(f"record {offset} is missing")
    return _join(offset, parts)


@attrs.frozen(eq=False)
class _Part:
    """Records of one run of leaves.

    Attributes:
        headers: dtype `_HEADER`, shape (n,).
        values: n values, as a list; if all have one length, as an array of that many bytes each, shape (n,).
    """

    headers: NDArray[np.void]
    values: list[bytes] | NDArray[np.void]


def _index_of(page: Page, offset: int) -> int:
    """The record's index in the leaf. The leaf's keys have to follow one another without a gap."""
    if (page.key_sizes != KEY.size).any():
        raise DamagedPages(f"record {offset} or one beside it has a damaged key")
    keys = cut(page.raw, page.begins + NODE_HEADER_BYTES, np.dtype(">i8")).astype(np.int64)
    index = offset - int(keys[0])
    if not 0 <= index < len(keys) or (keys[1:] - keys[:-1] != 1).any():
        raise DamagedPages(f"record {offset} is missing, or one beside it")
    return index


def _read_part(pages: PageFile, page: Page, begin: int, count: int) -> _Part:
    if (page.flags[begin : begin + count] & IN_OVERFLOW).any():
        # A large value has pages of its own, and the leaf only their number.
        stored = [pages.value(page, index) for index in range(begin, begin + count)]
        headers = np.frombuffer(b"".join([each[: _HEAD.size] for each in stored]), _HEADER)
        return _Part(headers, [each[_HEAD.size :] for each in stored])
    begins = page.begins[begin : begin + count] + (NODE_HEADER_BYTES + KEY.size)
    sizes = page.sizes[begin : begin + count]
    headers = cut(page.raw, begins, _HEADER)
    begins += _HEAD.size
    if (sizes == sizes[0]).all():  # as records of one edit are: no step of Python for each
        return _Part(headers, cut(page.raw, begins, np.dtype((np.void, int(sizes[0]) - _HEAD.size))))
    ends = (begins + (sizes - _HEAD.size)).tolist()
    raw = page.raw
    return _Part(headers, [raw[a:b] for a, b in zip(begins.tolist(), ends, strict=True)])


def _join(offset: int, parts: list[_Part]) -> Batch:
    headers = np.concatenate([part.headers for part in parts])
    offsets = np.arange(offset, offset + len(headers), dtype=np.int64)
    times_ms = headers["time_ms"].astype(np.int64)
    prefixes, same = _prefixes(offsets, times_ms), _of_one_length(parts)
    if same is not None:
        values: list[bytes] = same.tolist()
        found = crcs(*prefixes, same.view(np.uint8).reshape(len(same), -1))
    else:
        values = list(chain.from_iterable(map(_as_list, parts)))
        # zlib goes on from the CRC of the prefix, so it covers key and time, and nothing has to join them to the value.
        found = np.fromiter(map(zlib.crc32, values, crcs(*prefixes).tolist()), np.uint32, len(values))
    wrong = np.flatnonzero(found != headers["crc"])
    if len(wrong):
        raise DamagedPages(f"record {offset + int(wrong[0])} doesn't match its checksum")
    return Batch(offsets, times_ms, values)


def _of_one_length(parts: list[_Part]) -> NDArray[np.void] | None:
    """All values as one array, if they are short and of one length: numpy then handles all at once; else None."""
    arrays = [part.values for part in parts if isinstance(part.values, np.ndarray)]
    kinds = {array.dtype for array in arrays}
    if len(arrays) < len(parts) or len(kinds) > 1 or arrays[0].itemsize > _SHORT:
        return None
    return np.concatenate(arrays)


def _as_list(part: _Part) -> list[bytes]:
    values: list[bytes] = part.values.tolist() if isinstance(part.values, np.ndarray) else part.values
    return values


def _prefixes(offsets: NDArray[np.int64], times_ms: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
    """Key and time of each record, as the checksum covers them: both of shape (n, 8)."""
    return [each.view(np.uint8).reshape(-1, 8) for each in (offsets.astype(">i8"), times_ms.astype("<i8"))]
