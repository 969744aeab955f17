"""Reading LMDB's pages, compared with LMDB itself: its pages are found sound, and are read as LMDB reads them."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import lmdb
from hypothesis import given, settings
from hypothesis import strategies as st

from placed.storage.lmdb_check import check_file
from placed.storage.lmdb_pages import PageFile

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERED = b"a database's name, longer than any key"

keys = st.one_of(st.binary(min_size=1, max_size=3), st.binary(min_size=1, max_size=400))
values = st.one_of(
    st.binary(max_size=30), st.integers(0, 40_000).map(bytes), st.sampled_from([2014, 2015, 4080, 4081]).map(bytes)
)
puts = st.lists(st.tuples(keys, values), max_size=25).map(dict)
commits = st.lists(st.tuples(puts, st.floats(0, 1), st.integers(0, 400)), max_size=6)


@contextmanager
def environment() -> Iterator[tuple[lmdb.Environment, int]]:
    """A new LMDB environment, and its data file open for reading."""
    with tempfile.TemporaryDirectory() as folder:
        opened = lmdb.open(folder, map_size=64 << 20, max_dbs=2, sync=False, lib_version=0)
        descriptor = os.open(Path(folder) / "data.mdb", os.O_RDONLY)
        try:
            yield opened, descriptor
        finally:
            os.close(descriptor)
            opened.close()


@settings(max_examples=50, deadline=None, database=None)
@given(commits)
def test_whatever_lmdb_writes_passes_and_is_read_as_lmdb_reads_it(
    plan: list[tuple[dict[bytes, bytes], float, int]],
) -> None:
    with environment() as (opened, descriptor):
        numbered = opened.open_db(NUMBERED)
        appended = 0
        for put, dropped, append in plan:
            with opened.begin(write=True) as transaction:
                present = [key for key, _ in transaction.cursor() if key != NUMBERED]
                for key in present[: int(dropped * len(present))]:
                    transaction.delete(key)
                for key, value in put.items():
                    if key != NUMBERED:
                        transaction.put(key, value)
                for number in range(appended, appended + append):
                    transaction.put(number.to_bytes(8, "big"), bytes(number % 300), append=True, db=numbered)
                appended += append
            for checked in (None, NUMBERED):
                check_file(descriptor, appended=checked)
            _compare(opened, numbered, descriptor)


def _compare(opened: lmdb.Environment, numbered: lmdb._Database, descriptor: int) -> None:
    pages = PageFile(descriptor)
    with opened.begin() as transaction:
        expected = {key: value for key, value in transaction.cursor() if key != NUMBERED}
        for key, value in expected.items():
            assert pages.get(pages.newest.main, key) == value
        assert pages.get(pages.newest.main, b"\0\0missing") is None
        for run in (1, 3):
            tree = pages.subtree(NUMBERED)
            found = [
                (key, pages.value(page, index))
                for page in pages.leaves(tree, run=run)
                for index, key in enumerate(page.keys())
            ]
            assert found == list(transaction.cursor(db=numbered))


def test_an_environment_that_was_never_written_is_sound() -> None:
    with environment() as (_opened, descriptor):
        pages = check_file(descriptor)
        assert pages.newest.transaction == 0
        assert pages.get(pages.newest.main, b"key") is None
