"""The spool: rows come back sorted, each once, in whatever order they were added."""

from __future__ import annotations

import itertools
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.commands.import_.rows import ROW
from placed.commands.import_.spool import Spool, SpoolUnusable

if TYPE_CHECKING:
    from tests.support.small_disk import SmallDisk

BLOCKS = st.lists(st.lists(st.integers(0, 50), max_size=60), max_size=8)


def _rows(orders: list[int], count: itertools.count[int]) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    rows = np.zeros(len(orders), ROW)
    rows["order"] = orders
    rows["author"] = [next(count) for _ in orders]
    return rows


@given(blocks=BLOCKS, at_once=st.sampled_from([1, 4, 16, 1000]), every=st.sampled_from([1, 3]))
def test_rows_come_back_sorted_and_those_of_one_order_as_they_came_and_together(
    blocks: list[list[int]], at_once: int, every: int
) -> None:
    count = itertools.count()
    given_rows = [_rows(block, count) for block in blocks]
    with TemporaryDirectory() as folder:
        spool = Spool(Path(folder), at_once=at_once, sample_every=every)
        for rows in given_rows:
            spool.add(rows)
        parts = list(spool)
    wanted = sorted((int(row["order"]), int(row["author"])) for rows in given_rows for row in rows)
    assert [(int(row["order"]), int(row["author"])) for part in parts for row in part] == wanted
    assert spool.rows == len(wanted)
    for part, after in itertools.pairwise(parts):
        assert part["order"][-1] < after["order"][0]


def test_memory_holds_a_part_and_not_all_rows(tmp_path: Path) -> None:
    spool = Spool(tmp_path, at_once=1000, sample_every=10)
    shuffled = np.random.default_rng(7).permutation(50_000)
    for block in np.array_split(shuffled, 25):
        rows = np.zeros(len(block), ROW)
        rows["order"] = block
        spool.add(rows)
    sizes = [len(part) for part in spool]
    assert sum(sizes) == 50_000
    assert max(sizes) < 2000


def test_full_disk_is_an_error_of_the_spool_and_not_of_the_table_that_is_read(small_disk: SmallDisk) -> None:
    spool = Spool(small_disk.folder)
    small_disk.fill()
    told = "disk can't be written: No space left on device; an import needs 42 bytes for each row there"
    with pytest.raises(SpoolUnusable, match=told):
        spool.add(np.zeros(50_000, ROW))
    spool.close()


def test_what_is_written_last_may_find_the_disk_full(small_disk: SmallDisk) -> None:
    spool = Spool(small_disk.folder)
    small_disk.fill()
    spool.add(np.zeros(1, ROW))  # stays in a buffer
    with pytest.raises(SpoolUnusable, match="No space left on device"):
        spool.close()
