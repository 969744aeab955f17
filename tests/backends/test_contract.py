"""The log contract, which every backend keeps. Nothing here knows which backend it is."""

from __future__ import annotations

import contextlib
import re
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio

from placed.backends import Log, LogClosed, LogError, OffsetOutOfRange
from tests.backends.logs import LIMIT_SECONDS, append_all, read

if TYPE_CHECKING:
    from pathlib import Path

    from placed.canvas.batch import Batch
    from tests.backends.logs import Backend

VALUES = [b"%d" % number for number in range(20)]


async def test_an_empty_log_holds_a_range_of_nothing(log: Log) -> None:
    first, next_ = await log.bounds()
    assert first == next_


async def test_its_id_is_short_and_plain(log: Log) -> None:
    assert re.fullmatch(r"[0-9A-Za-z_-]{1,64}", log.id)


async def test_another_log_has_another_id(backend: Backend, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    async with backend.open(tmp_path / "a") as one, backend.open(tmp_path / "b") as other:
        assert one.id != other.id


async def test_offsets_increase_and_lie_within_the_bounds(log: Log) -> None:
    begin = (await log.bounds())[1]
    offsets = await append_all(log, VALUES)
    assert offsets == sorted(set(offsets))
    first, next_ = await log.bounds()
    assert first <= begin <= offsets[0]
    assert next_ == offsets[-1] + 1


async def test_records_are_read_in_order_at_the_offsets_that_append_gave(log: Log) -> None:
    offsets = await append_all(log, VALUES)
    found = await read(log, offsets[0], len(VALUES))
    assert found.values == VALUES
    assert found.offsets == offsets


async def test_reading_may_begin_at_any_offset(log: Log) -> None:
    offsets = await append_all(log, VALUES)
    for index, offset in enumerate(offsets):
        assert (await read(log, offset, len(VALUES) - index)).values == VALUES[index:]


async def test_reading_goes_on_from_a_batch_s_next_offset(log: Log) -> None:
    offsets = await append_all(log, VALUES)
    async with log.read(offsets[0]) as batches:
        batch = await batches.receive()
    rest = await read(log, batch.next_offset, len(VALUES) - len(batch.values))
    assert batch.values + rest.values == VALUES


async def test_a_batch_has_the_promised_types(log: Log) -> None:
    (offset,) = await append_all(log, [b"value"])
    async with log.read(offset) as batches:
        batch = await batches.receive()
    for array in (batch.offsets, batch.times_ms):
        assert array.dtype == np.dtype(np.int64)
        assert array.shape == (1,)
    assert batch.values == [b"value"]
    assert isinstance(batch.values[0], bytes)


async def test_times_are_the_wall_clock_s_and_never_fall(log: Log) -> None:
    before = time.time_ns() // 1_000_000
    offsets = await append_all(log, VALUES)
    after = time.time_ns() // 1_000_000
    times = (await read(log, offsets[0], len(VALUES))).times_ms
    assert times == sorted(times)
    assert before <= times[0]
    assert times[-1] <= after


@pytest.mark.parametrize("beyond", [-1, 1, 1000])
async def test_reading_outside_the_log_says_what_it_holds(log: Log, beyond: int) -> None:
    await append_all(log, VALUES)
    first, next_ = await log.bounds()
    offset = first - 1 if beyond < 0 else next_ + beyond
    with pytest.raises(OffsetOutOfRange) as raised:
        async with log.read(offset) as batches:
            await batches.receive()
    assert (raised.value.offset, raised.value.first, raised.value.next) == (offset, first, next_)


async def test_a_reader_at_the_end_is_woken_by_the_next_append(log: Log) -> None:
    await append_all(log, VALUES)
    next_ = (await log.bounds())[1]
    async with trio.open_nursery() as nursery:
        received: list[Batch] = []

        async def follow(task_status: trio.TaskStatus[None]) -> None:
            with trio.fail_after(LIMIT_SECONDS):
                async with log.read(next_) as batches:
                    task_status.started()
                    received.append(await batches.receive())

        await nursery.start(follow)
        await trio.testing.wait_all_tasks_blocked()
        assert not received
        offset = await log.append(b"news")
    assert (received[0].values, received[0].offsets.tolist()) == ([b"news"], [offset])


async def test_every_reader_gets_every_record(log: Log) -> None:
    begin = (await log.bounds())[1]
    found: list[list[bytes]] = []

    async def follow() -> None:
        found.append((await read(log, begin, len(VALUES))).values)

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(follow)
        await append_all(log, VALUES)
    assert found == [VALUES] * 10


async def test_a_cancelled_receive_loses_nothing(log: Log) -> None:
    begin = (await log.bounds())[1]
    values: list[bytes] = []
    async with log.read(begin) as batches:
        with trio.move_on_after(0.01) as scope:
            await batches.receive()
        assert scope.cancelled_caught
        await append_all(log, VALUES)
        with trio.CancelScope() as scope:
            scope.cancel()
            await batches.receive()
        assert scope.cancelled_caught
        with trio.fail_after(LIMIT_SECONDS):
            while len(values) < len(VALUES):
                values += (await batches.receive()).values
    assert values == VALUES


async def test_records_appended_at_once_are_each_there_once(log: Log) -> None:
    values = [b"%d" % number for number in range(500)]
    offsets: dict[bytes, int] = {}

    async def append(value: bytes) -> None:
        offsets[value] = await log.append(value)

    with trio.fail_after(LIMIT_SECONDS):
        async with trio.open_nursery() as nursery:
            for value in values:
                nursery.start_soon(append, value)
    found = await read(log, min(offsets.values()), len(values))
    assert dict(zip(found.values, found.offsets, strict=True)) == offsets
    assert sorted(found.values) == sorted(values)


async def test_an_append_cancelled_before_it_began_appends_nothing(log: Log) -> None:
    before = await log.bounds()
    with trio.CancelScope() as scope:
        scope.cancel()
        await log.append(b"never")
    assert scope.cancelled_caught
    assert await log.bounds() == before


@pytest.mark.parametrize("cancelled", [0, 1, 7], ids=["the first", "the second", "one amid"])
async def test_cancelling_one_append_takes_none_of_the_others_with_it(log: Log, cancelled: int) -> None:
    begin = (await log.bounds())[1]
    acknowledged: dict[bytes, int] = {}

    async def append(number: int, scope: trio.CancelScope) -> None:
        with scope:
            acknowledged[b"%d" % number] = await log.append(b"%d" % number)

    scopes = [trio.CancelScope() for _ in range(20)]
    with trio.fail_after(LIMIT_SECONDS):
        async with trio.open_nursery() as nursery:
            for number, scope in enumerate(scopes):
                nursery.start_soon(append, number, scope)
            await trio.lowlevel.checkpoint()
            scopes[cancelled].cancel()
        acknowledged[b"last"] = await log.append(b"last")
    found = await read(log, begin, (await log.bounds())[1] - begin)
    placed = dict(zip(found.values, found.offsets, strict=True))
    assert len(placed) == len(found.values)
    assert set(acknowledged) >= {b"%d" % number for number in range(20) if number != cancelled}
    assert {value: placed[value] for value in acknowledged} == acknowledged


@pytest.mark.parametrize("size", [0, Log.max_value_bytes + 1])
async def test_an_empty_or_too_long_value_is_refused(log: Log, size: int) -> None:
    before = await log.bounds()
    with pytest.raises(ValueError, match=rf"{size} bytes; allowed are 1 to {Log.max_value_bytes}"):
        await log.append(bytes(size))
    assert await log.bounds() == before


@pytest.mark.parametrize("size", [1, Log.max_value_bytes])
async def test_the_shortest_and_the_longest_value_come_back_whole(log: Log, size: int) -> None:
    value = bytes(number * 7 % 251 for number in range(size))
    (offset,) = await append_all(log, [value])
    assert (await read(log, offset, 1)).values == [value]


async def test_a_closed_channel_says_so(log: Log) -> None:
    async with log.read((await log.bounds())[1]) as batches:
        await batches.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await batches.receive()


async def test_a_closed_log_refuses_everything(backend: Backend, tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as readers:
        async with backend.open(tmp_path) as log:
            (offset, *_) = await append_all(log, VALUES)
            batches = await readers.enter_async_context(log.read(offset))
        with pytest.raises(LogClosed):
            await log.append(b"late")
        with pytest.raises(LogClosed):
            await log.bounds()
        with pytest.raises(LogClosed):
            await readers.enter_async_context(log.read(offset))
        with pytest.raises(LogClosed):
            await batches.receive()


async def test_closing_wakes_a_waiting_reader(backend: Backend, tmp_path: Path) -> None:
    async def follow(log: Log, task_status: trio.TaskStatus[None]) -> None:
        async with log.read((await log.bounds())[1]) as batches:
            task_status.started()
            with pytest.raises(LogClosed), trio.fail_after(LIMIT_SECONDS):
                await batches.receive()

    async with trio.open_nursery() as nursery, backend.open(tmp_path) as log:
        await nursery.start(follow, log)
        await trio.testing.wait_all_tasks_blocked()


async def test_closing_amid_appends_acknowledges_or_refuses_each(backend: Backend, tmp_path: Path) -> None:
    acknowledged: dict[bytes, int] = {}
    refused: list[bytes] = []

    async def append(log: Log, value: bytes) -> None:
        try:
            acknowledged[value] = await log.append(value)
        except LogError:
            refused.append(value)

    with trio.fail_after(LIMIT_SECONDS):
        async with trio.open_nursery() as nursery, backend.open(tmp_path) as log:
            for value in VALUES:
                nursery.start_soon(append, log, value)
            await trio.lowlevel.checkpoint()
    assert sorted([*acknowledged, *refused]) == sorted(VALUES)
    if backend.durable:
        async with backend.open(tmp_path) as log:
            first, next_ = await log.bounds()
            found = await read(log, first, min(next_ - first, len(acknowledged)))
        assert acknowledged.items() <= dict(zip(found.values, found.offsets, strict=True)).items()


async def test_a_durable_log_is_the_same_when_opened_again(durable_backend: Backend, tmp_path: Path) -> None:
    backend = durable_backend
    async with backend.open(tmp_path) as log:
        offsets = await append_all(log, VALUES)
        before = (log.id, await log.bounds(), await read(log, offsets[0], len(VALUES)))
    for _ in range(3):
        async with backend.open(tmp_path) as log:
            assert (log.id, await log.bounds(), await read(log, offsets[0], len(VALUES))) == before
    async with backend.open(tmp_path) as log:
        assert await log.append(b"more") >= before[1][1]
