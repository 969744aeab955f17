"""A place in a topic that can't be read: it is reported once, and blocks appends until a reader has got past it."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

import pytest
import trio
from kafka.errors import LogTruncationError

from placed.backends import LogCorrupt, LogError, LogRefused, LogReplaced, LogUndecodable, OffsetOutOfRange
from placed.backends.kafka import reader as reader_module
from placed.backends.kafka.client import Bounds
from placed.backends.kafka.readable import Readable
from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.projection import Projection
from placed.tasks.reader import LogReader
from tests.backends.kafka.fake_topic import FakeTopic
from tests.support.log_lines import logged
from tests.support.records import SMALL, record
from tests.support.waiting import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from placed.backends import Log

AGAIN, NOT = "the log can be read again", "the log can't be read"


@pytest.fixture
def topic() -> FakeTopic:
    """A topic with three records."""
    topic = FakeTopic()
    for offset in range(3):
        topic.add(record((offset, 0, 1, 0)))
    return topic


def reader_of(log: Log, version: int = 0) -> LogReader:
    """The canvas's reader, as in a server."""
    return LogReader(log, Projection(SMALL, version, Cooldowns(Rule(10, 0))), lambda: None)


@contextlib.asynccontextmanager
async def reading(topic: FakeTopic) -> AsyncGenerator[tuple[Log, LogReader]]:
    """The topic's log, with the canvas's reader running."""
    async with topic.opened() as log, trio.open_nursery() as nursery:
        reader = reader_of(log)
        nursery.start_soon(reader.run)
        yield log, reader
        nursery.cancel_scope.cancel()


async def retried(topic: FakeTopic, times: int = 3) -> None:
    """Wait until readers have come back `times` more times."""
    begun = len(topic.begun)
    await until(lambda: len(topic.begun) >= begun + times)


async def read_to_its_end(log: Log, offset: int) -> LogError:
    """The error that ends a reader that begins at `offset`."""
    try:
        async with log.read(offset) as batches:
            async for _ in batches:
                pass
    except LogError as error:
        return error
    raise AssertionError("a reader ended without an error")


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The log lines of the canvas's reader."""
    return [line["event"] for line in logged(caplog, logging.INFO)]


async def test_records_before_the_place_that_others_read_do_not_make_the_log_readable_again(
    topic: FakeTopic, caplog: pytest.LogCaptureFixture
) -> None:
    """The history reads behind the canvas; what it can read says nothing about what the canvas's reader can't."""
    caplog.set_level(logging.INFO)
    with trio.fail_after(PATIENCE_SECONDS):
        async with reading(topic) as (log, reader):
            topic.add_broken(LogUndecodable("zstd"))
            await until(lambda: not reader.reachable)
            for _ in range(2):
                assert isinstance(await read_to_its_end(log, 0), LogUndecodable)
                async with log.read(1) as batches:
                    await batches.receive()
                    with pytest.raises(LogUndecodable, match="zstd"):
                        await log.append(b"nobody would see it")
                await retried(topic)
            assert told(caplog) == [NOT]
            topic.broken.clear()
            await until(lambda: reader.reachable)
            assert await log.append(record((0, 1, 1, 0))) == 4
            assert told(caplog) == [NOT, AGAIN]


@pytest.mark.parametrize("away", [0, 2])
@pytest.mark.parametrize(("topic_id", "expected"), [("f" * 32, LogCorrupt), ("0" * 32, LogReplaced)])
async def test_a_topic_without_its_records_is_damaged_or_is_another_one(
    topic: FakeTopic, topic_id: str, expected: type[LogError], away: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A topic was deleted and made again; the server ended if it heard of the missing records before the new id."""
    monkeypatch.setattr(reader_module, "_TOPIC_SECONDS", 0.0)
    with trio.fail_after(PATIENCE_SECONDS):
        async with topic.opened() as log, log.read(3) as batches:
            topic.topic_id, topic.away = topic_id, away
            topic.broken[3] = LogTruncationError({})
            with pytest.raises(expected):
                await batches.receive()
            assert topic.away == 0


async def test_gap_before_the_place_does_not_make_the_log_readable_again(
    topic: FakeTopic, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with trio.fail_after(PATIENCE_SECONDS):
        async with reading(topic) as (_, reader):
            topic.add_gap()
            await until(lambda: reader.position == 4)
            topic.add_broken(LogUndecodable("zstd"))
            await until(lambda: not reader.reachable)
            await retried(topic)
            assert told(caplog) == [NOT]


async def test_reader_that_is_refused_at_the_logs_end_is_told_once_and_goes_on_when_it_is_let_in(
    topic: FakeTopic, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that may describe a topic but no longer read it still hears where the topic ends."""
    caplog.set_level(logging.INFO)
    with trio.fail_after(PATIENCE_SECONDS):
        async with reading(topic) as (log, reader):
            await until(lambda: reader.position == 3)
            topic.refused = LogRefused("the user needs READ")
            await until(lambda: not reader.reachable)
            await retried(topic)
            with pytest.raises(LogRefused, match="READ"):
                await log.append(b"nobody would see it")
            assert told(caplog) == [NOT]
            topic.refused = None
            await until(lambda: reader.reachable)
            await log.append(record((0, 1, 1, 0)))
            await until(lambda: reader.position == 4)
            assert told(caplog) == [NOT, AGAIN]


async def test_log_that_now_ends_before_the_place_can_be_read_again(topic: FakeTopic) -> None:
    with trio.fail_after(PATIENCE_SECONDS):
        async with reading(topic) as (log, reader):
            topic.add_broken(LogUndecodable("zstd"))
            await until(lambda: not reader.reachable)
            topic.next -= 1
            topic.broken.clear()
            await until(lambda: reader.reachable)
            await log.append(record((0, 1, 1, 0)))


async def test_log_from_which_the_place_was_removed_ends_the_reader_and_takes_appends(topic: FakeTopic) -> None:
    with trio.fail_after(PATIENCE_SECONDS):
        async with topic.opened() as log:
            topic.add_broken(LogUndecodable("zstd"))
            await read_to_its_end(log, 3)
            topic.first = topic.next
            with pytest.raises(OffsetOutOfRange):
                await reader_of(log, 3).run()
            log.answered(topic.bounds)
            await log.append(record((0, 1, 1, 0)))


async def test_place_that_lies_behind_the_canvas_keeps_nobody_from_painting(topic: FakeTopic) -> None:
    """A topic was compressed for a while; the canvas's snapshot is past that place, but the history isn't."""
    topic.break_at(1, LogUndecodable("zstd"))
    with trio.fail_after(PATIENCE_SECONDS):
        async with topic.opened() as log, log.read(3) as batches:
            assert isinstance(await read_to_its_end(log, 0), LogUndecodable)
            await log.append(record((0, 1, 1, 0)))
            assert (await batches.receive()).next_offset == 4


@pytest.mark.parametrize(
    ("then", "is_readable"),
    [
        (lambda readable: readable.entered(4), False),
        (lambda readable: readable.passed(5), False),
        (lambda readable: readable.passed(6), True),
        (lambda readable: readable.entered(5), True),
        (lambda readable: readable.answered(Bounds(0, 9)), False),
        (lambda readable: readable.answered(Bounds(6, 9)), True),
        (lambda readable: readable.answered(Bounds(0, 4)), True),
        (lambda readable: readable.failed(3, LogUndecodable("lz4")), False),
        (lambda readable: readable.failed(7, LogUndecodable("lz4")), False),
    ],
)
def test_place_counts_until_somebody_is_past_it(then: Callable[[Readable], None], is_readable: bool) -> None:
    readable = Readable()
    readable.entered(2)
    readable.failed(5, LogUndecodable("zstd"))
    assert readable.is_doubtful(5)
    then(readable)
    assert (readable.error is None) == is_readable
