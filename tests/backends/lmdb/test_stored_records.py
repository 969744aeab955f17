"""Records of one length are read at numpy's speed, and others one by one: both give what was written, or refuse it."""

from __future__ import annotations

import os
import tempfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import lmdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placed.backends.lmdb import stored_records
from placed.backends.lmdb.checksums import crcs
from placed.backends.lmdb.stored_records import decode, encode, encode_all, read_batch
from placed.storage.lmdb_pages import DamagedPages, PageFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placed.canvas.batch import Batch

_FIRST = 255  # so that the second lowest byte of an offset changes soon
_SCRATCH = "/dev/shm" if Path("/dev/shm").is_dir() else None

lengths = st.sampled_from([1, 15, 28, 63, 64, 65, 900, 2_100])
# Stretches of one length: the fast path has to begin and end anywhere, also with one record of another length.
stretches = st.lists(st.tuples(lengths, st.integers(1, 400)), min_size=1, max_size=4)


def _values(stretches: list[tuple[int, int]]) -> list[bytes]:
    source = np.random.default_rng(18)
    return [source.bytes(length) for length, count in stretches for _ in range(count)]


def _times(count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.random.default_rng(count).integers(-(1 << 62), 1 << 62, count)


@contextmanager
def written(stored: list[tuple[bytes, bytes]]) -> Iterator[PageFile]:
    """The pages of a database with these keys and values."""
    with tempfile.TemporaryDirectory(dir=_SCRATCH) as folder:
        with (
            lmdb.open(folder, map_size=64 << 20, max_dbs=1, sync=False) as opened,
            opened.begin(write=True, db=opened.open_db(b"records")) as transaction,
        ):
            for key, value in stored:
                transaction.put(key, value, append=True)
        descriptor = os.open(Path(folder) / "data.mdb", os.O_RDONLY)
        try:
            yield PageFile(descriptor)
        finally:
            os.close(descriptor)


def _read(pages: PageFile, offset: int, *, most: int = 8_192, short: int = stored_records._SHORT) -> Batch:
    with mock.patch.object(stored_records, "_SHORT", short):
        return read_batch(pages, pages.subtree(b"records"), offset, max_records=most, max_bytes=1 << 20)


@settings(max_examples=40, deadline=None)
@given(stretches, st.floats(0, 1), st.integers(1, 1_600), st.sampled_from([1, 2, 32]))
def test_the_fast_way_reads_what_the_slow_one_does(
    stretches: list[tuple[int, int]], where: float, most: int, run: int
) -> None:
    values = _values(stretches)
    times_ms = _times(len(values))
    begin = int(where * (len(values) - 1))
    with written(encode_all(_FIRST, times_ms, values)) as pages, mock.patch.object(stored_records, "_RUN", run):
        batches = [_read(pages, _FIRST + begin, most=most, short=short) for short in (0, 64)]
    for batch in batches:
        end = begin + len(batch.values)
        assert batch.values == values[begin:end]
        assert batch.offsets.tolist() == list(range(_FIRST + begin, _FIRST + end))
        assert batch.times_ms.tolist() == times_ms[begin:end].tolist()
    assert len(batches[0].values) == len(batches[1].values) == _fitting(values[begin:], most)


def _fitting(values: list[bytes], most: int) -> int:
    return max(1, sum(int(size) <= 1 << 20 for size in np.cumsum([len(value) for value in values[:most]])))


@settings(max_examples=40, deadline=None)
@given(lengths, st.integers(1, 400), st.data())
def test_a_record_with_one_byte_changed_is_named(length: int, count: int, data: st.DataObject) -> None:
    stored = encode_all(_FIRST, _times(count), _values([(length, count)]))
    index = data.draw(st.integers(0, count - 1))
    at, other = data.draw(st.integers(0, 12 + length - 1)), data.draw(st.integers(1, 255))
    key, value = stored[index]
    stored[index] = key, value[:at] + bytes([value[at] ^ other]) + value[at + 1 :]
    with written(stored) as pages:
        for short in (0, 64):
            with pytest.raises(DamagedPages, match=f"record {_FIRST + index} doesn't match its checksum"):
                _read(pages, _FIRST, short=short)


@pytest.mark.parametrize("missing", [1, 200, 398])
def test_a_missing_record_is_no_gap(missing: int) -> None:
    stored = encode_all(_FIRST, _times(400), _values([(15, 400)]))
    with written(stored[:missing] + stored[missing + 1 :]) as pages, pytest.raises(DamagedPages, match="missing"):
        _read(pages, _FIRST)


@given(stretches)
@settings(max_examples=20, deadline=None)
def test_many_are_stored_as_each_is(stretches: list[tuple[int, int]]) -> None:
    values = _values(stretches)
    times_ms = _times(len(values))
    stored = encode_all(_FIRST, times_ms, values)
    each = list(zip(range(_FIRST, _FIRST + len(values)), times_ms.tolist(), values, strict=True))
    assert stored == [encode(*one) for one in each]
    assert [decode(*one) for one in stored] == each


@given(st.integers(0, 40), st.lists(st.integers(0, 20), min_size=1, max_size=3), st.integers(1, 256), st.integers(0))
def test_checksums_of_many_are_zlibs(count: int, widths: list[int], bytes_: int, seed: int) -> None:
    source = np.random.default_rng(seed)
    parts = [source.integers(0, bytes_, (count, width)).astype(np.uint8) for width in widths]  # of 1, all are alike
    rows = np.concatenate(parts, axis=1)
    assert crcs(*parts).tolist() == [zlib.crc32(row.tobytes()) for row in rows]
