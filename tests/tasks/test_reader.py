"""The reader: it goes on without a gap, whatever the log does, and skips records that it doesn't understand."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio
import trio.testing

from placed.backends import LogClosed, LogCorrupt, LogUnavailable, OffsetOutOfRange
from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.projection import Projection
from placed.tasks.reader import MAX_RETRY_SECONDS, LogReader, replay
from tests.support.log_lines import logged
from tests.support.records import SMALL, record
from tests.support.scripted_log import ScriptedLog

if TYPE_CHECKING:
    from trio.testing import MockClock

LIMIT_SECONDS = 10.0


class Following:
    """A reader with its log and projection."""

    def __init__(self, *, version: int = 0) -> None:
        self.log = ScriptedLog()
        self.projection = Projection(SMALL, version, Cooldowns(Rule(10, 0)))
        self.told: list[int] = []
        self.reader = LogReader(self.log, self.projection, lambda: self.told.append(self.projection.version))

    async def append(self, count: int = 1) -> None:
        """Append records of one edit, each with its own colour and place."""
        for _ in range(count):
            _, end = await self.log.bounds()
            await self.log.append(record((end % 5, end // 5 % 3, 1 + end % 3, 0)))

    def canvas(self) -> list[list[int]]:
        """The canvas."""
        return self.projection.canvas.tolist()  # type: ignore[no-any-return]  # numpy types it Any


async def replayed(log: ScriptedLog, *, version: int = 0, feed_records: int = 100) -> tuple[Projection, list[int]]:
    """A projection brought to the log's end, and the progress on the way."""
    subject, progress = Projection(SMALL, version, Cooldowns(Rule(10, 0))), list[int]()
    _, end = await log.bounds()
    with trio.fail_after(LIMIT_SECONDS):
        await replay(log, subject, end=end, feed_records=feed_records, progress=progress.append)
    return subject, progress


async def test_reader_applies_what_there_is_and_what_comes(nursery: trio.Nursery) -> None:
    case = Following()
    await case.append(3)
    nursery.start_soon(case.reader.run)
    await trio.testing.wait_all_tasks_blocked()
    assert case.projection.version == 3
    await case.append(2)
    await trio.testing.wait_all_tasks_blocked()
    assert case.projection.version == 5
    assert case.told[-1] == 5
    expected, _ = await replayed(case.log)
    assert case.canvas() == expected.canvas.tolist()


async def test_log_that_cannot_be_reached_is_tried_again_from_where_the_reader_stood(
    mock_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    case = Following()
    await case.append(2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(case.reader.run)
        await trio.testing.wait_all_tasks_blocked()
        case.log.enter_errors = [LogUnavailable("no route")] * 5
        case.log.receive_errors.append(LogUnavailable("no route"))
        await case.append()  # this record arrives before the next receive fails
        await trio.testing.wait_all_tasks_blocked()
        await case.append(4)
        for _ in range(6):
            assert not case.reader.reachable
            mock_clock.jump(MAX_RETRY_SECONDS)
            await trio.testing.wait_all_tasks_blocked()
        assert case.reader.reachable
        assert case.projection.version == case.projection.feed.version == 7
        nursery.cancel_scope.cancel()
    assert case.log.reads == [0] + [3] * 6
    assert [log["event"] for log in logged(caplog, logging.INFO)] == [
        "the log can't be read",
        "the log can be read again",
    ]
    expected, _ = await replayed(case.log)
    assert case.canvas() == expected.canvas.tolist()


async def test_retries_are_spread_out_up_to_two_seconds(autojump_clock: MockClock) -> None:
    case = Following()
    case.log.enter_errors = [LogUnavailable("no route")] * 20
    with trio.move_on_after(20 * MAX_RETRY_SECONDS):
        await case.reader.run()
    assert len(case.log.reads) == 21
    assert case.reader.reachable


async def test_server_of_a_log_that_stays_away_stays(autojump_clock: MockClock) -> None:
    case = Following()
    case.log.enter_errors = [LogUnavailable("no route")] * 10_000
    with trio.move_on_after(3_600):
        await case.reader.run()
    assert not case.reader.reachable
    assert 7_000 < len(case.log.reads) < 7_300


@pytest.mark.parametrize(
    "error", [LogCorrupt("bits"), OffsetOutOfRange(0, 5, 9), LogClosed("closed")], ids=lambda e: type(e).__name__
)
@pytest.mark.parametrize("where", ["enter", "receive"])
async def test_what_trying_again_cannot_mend_ends_the_reader(error: Exception, where: str) -> None:
    case = Following()
    (case.log.enter_errors if where == "enter" else case.log.receive_errors).append(error)
    with trio.fail_after(LIMIT_SECONDS), pytest.raises(type(error)):
        await case.reader.run()


async def test_record_that_is_not_understood_is_passed(nursery: trio.Nursery) -> None:
    case = Following()
    nursery.start_soon(case.reader.run)
    await case.append()
    await case.log.append(b"\1\7 from a later version")
    await case.append()
    await trio.testing.wait_all_tasks_blocked()
    assert (case.projection.version, case.projection.edits, case.projection.refused) == (3, 2, 1)


@pytest.mark.parametrize("feed_records", [0, 1, 3, 10, 100])
@pytest.mark.parametrize("version", [0, 4, 10])
async def test_replay_ends_at_the_end_with_the_feed_as_far_back_as_asked(version: int, feed_records: int) -> None:
    case = Following()
    await case.append(10)
    whole, _ = await replayed(case.log)
    snapshot, _ = await replayed(case.log)
    snapshot = Projection(SMALL, version, Cooldowns(Rule(10, 0)), canvas=np.zeros_like(whole.canvas))
    for offset in range(version):
        snapshot.canvas[offset // 5 % 3, offset % 5] = 1 + offset % 3
    with trio.fail_after(LIMIT_SECONDS):
        await replay(case.log, snapshot, end=10, feed_records=feed_records, progress=lambda at: None)
    assert snapshot.canvas.tolist() == whole.canvas.tolist()
    assert snapshot.version == snapshot.feed.version == 10
    assert snapshot.feed.first <= max(0, 10 - feed_records)
    assert snapshot.edits == 10 - version


async def test_replay_tells_how_far_it_is() -> None:
    case = Following()
    await case.append(10)
    _, progress = await replayed(case.log)
    assert progress[-1] == 10
    assert progress == sorted(progress)


async def test_replay_does_not_reach_back_before_the_logs_first_record() -> None:
    case = Following()
    await case.append(10)
    case.log.first = 6
    subject, _ = await replayed(case.log, version=8)
    assert case.log.reads == [6]
    assert (subject.feed.first, subject.version) == (6, 10)


async def test_replay_of_nothing_reads_nothing() -> None:
    log = ScriptedLog()
    subject, progress = await replayed(log)
    assert (subject.version, subject.feed.version, log.reads, progress) == (0, 0, [], [])


async def test_replay_ends_at_the_end_as_it_was() -> None:
    case = Following()
    await case.append(5)
    subject = Projection(SMALL, 0, Cooldowns(Rule(10, 0)))
    with trio.fail_after(LIMIT_SECONDS):
        await replay(case.log, subject, end=3, feed_records=100, progress=lambda at: None)
    assert 3 <= subject.version == subject.feed.version <= 5
