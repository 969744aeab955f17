"""The tail's bounds, and the memory log, which is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from placed.backends import OffsetOutOfRange
from placed.backends.memory import open_memory_log
from placed.backends.tail import BATCH_BYTES, BATCH_RECORDS, RECORD_OVERHEAD_BYTES, Tail
from tests.backends.logs import append_all, read

if TYPE_CHECKING:
    from collections.abc import Sequence


@given(
    groups=st.lists(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=6), max_size=30),
    max_records=st.integers(1, 12),
    max_bytes=st.integers(RECORD_OVERHEAD_BYTES, 12 * (RECORD_OVERHEAD_BYTES + 50)),
    start=st.integers(0, 1000),
)
def test_a_tail_keeps_the_newest_records_that_fit(
    groups: Sequence[Sequence[bytes]], max_records: int, max_bytes: int, start: int
) -> None:
    tail = Tail(start, max_records=max_records, max_bytes=max_bytes)
    all_values: list[bytes] = []
    for time_ms, group in enumerate(groups):
        tail.extend(group, time_ms)
        all_values += group
        assert tail.next == start + len(all_values)
        kept = all_values[tail.first - start :]
        assert len(kept) <= max_records
        assert sum(map(len, kept)) + RECORD_OVERHEAD_BYTES * len(kept) <= max_bytes
        if kept:
            batch = tail.batch(tail.first)
            assert batch.values == kept
            assert batch.offsets.tolist() == list(range(tail.first, tail.next))
            assert batch.times_ms[-1] == time_ms


def test_a_batch_of_a_tail_is_bounded_by_records_and_by_bytes() -> None:
    many = Tail(0, max_records=1 << 20, max_bytes=1 << 30)
    many.extend([b"value"] * (BATCH_RECORDS + 1), 0)
    assert len(many.batch(0).values) == BATCH_RECORDS
    large = Tail(0, max_records=1 << 20, max_bytes=1 << 30)
    large.extend([bytes(1_000_000)] * 20, 0)
    assert len(large.batch(0).values) == BATCH_BYTES // 1_000_000


async def test_a_memory_log_drops_its_oldest_records_and_says_so() -> None:
    async with open_memory_log(max_bytes=10 * (RECORD_OVERHEAD_BYTES + 5)) as log:
        await append_all(log, [b"%05d" % number for number in range(25)])
        assert await log.bounds() == (15, 25)
        assert (await read(log, 15, 10)).values == [b"%05d" % number for number in range(15, 25)]
        with pytest.raises(OffsetOutOfRange):
            async with log.read(14):
                pass


async def test_a_reader_that_a_memory_log_left_behind_is_told() -> None:
    async with open_memory_log(max_bytes=10 * (RECORD_OVERHEAD_BYTES + 5)) as log, log.read(0) as batches:
        await append_all(log, [b"%05d" % number for number in range(25)])
        with pytest.raises(OffsetOutOfRange), trio.fail_after(1):
            await batches.receive()
