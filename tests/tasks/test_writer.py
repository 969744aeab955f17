"""The writer: waiting edits become one record, and each caller learns the result of their edit."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio
import trio.testing

from placed.backends import LogClosed, LogUnavailable, OutcomeUnknown
from placed.canvas.events import PIXEL, Act, Correction, Edits
from placed.tasks.writer import MAX_OTHERS, Writer, WriterClosed, WriterFull
from tests.support.records import edits, record
from tests.support.scripted_log import ScriptedLog

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from trio.testing import MockClock

LIMIT_SECONDS = 10.0


@pytest.fixture
def log() -> ScriptedLog:
    """An empty log that accepts everything."""
    return ScriptedLog()


@pytest.fixture
async def writer(log: ScriptedLog, nursery: trio.Nursery) -> AsyncGenerator[Writer]:
    """A running writer that takes at most 5 waiting edits."""
    subject = Writer(log, max_waiting=5)
    nursery.start_soon(subject.run)
    yield subject
    log.gate.set()
    with trio.fail_after(LIMIT_SECONDS):
        await subject.close()


class Placing:
    """Edits placed by separate tasks, and the result of each: a version or an exception."""

    def __init__(self, writer: Writer, nursery: trio.Nursery) -> None:
        self._writer = writer
        self._nursery = nursery
        self.results: dict[int, int | Exception] = {}

    async def __call__(self, *authors: int) -> None:
        """Place one edit for each author, and let all tasks run that can."""
        for author in authors:
            self._nursery.start_soon(self._place, author)
            await trio.testing.wait_all_tasks_blocked()

    async def _place(self, author: int) -> None:
        try:
            self.results[author] = await self._writer.place(0, 0, 1, author)
        except Exception as error:  # noqa: BLE001 - the test looks at any exception
            self.results[author] = error


@pytest.fixture
def place(writer: Writer, nursery: trio.Nursery) -> Placing:
    """Places edits with the running writer."""
    return Placing(writer, nursery)


def edits_of(*authors: int) -> Edits:
    """An edit of each author."""
    return Edits(edits(*((0, 0, 1, author) for author in authors)))


def of(*authors: int) -> bytes:
    """The record of these authors' edits."""
    return edits_of(*authors).encode()


async def test_edit_is_one_record_and_answered_with_the_version_that_shows_it(log: ScriptedLog, writer: Writer) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        assert await writer.place(3, 2, 1, 2**64 - 1) == 1
        assert await writer.place(1, 1, 1, 1) == 2
    assert log.appended == [record((3, 2, 1, 2**64 - 1)), of(1).replace(b"\0\0\0\0\1", b"\1\0\1\0\1", 1)]
    assert writer.last_version == 2


async def test_edits_that_wait_for_an_append_become_one_record(
    log: ScriptedLog, writer: Writer, place: Placing
) -> None:
    log.gate = trio.Event()
    await place(1, 2, 3, 4)
    assert log.appended == [of(1)]
    assert writer.waiting == 3
    log.gate.set()
    await trio.testing.wait_all_tasks_blocked()
    assert log.appended == [of(1), of(2, 3, 4)]
    assert place.results == {1: 1, 2: 2, 3: 2, 4: 2}
    assert writer.waiting == 0


async def test_full_writer_refuses_and_keeps_nothing_of_the_edit(
    log: ScriptedLog, writer: Writer, place: Placing
) -> None:
    log.gate = trio.Event()
    await place(1, 2, 3, 4, 5, 6, 7, 8)
    assert writer.waiting == 5
    assert isinstance(place.results[7], WriterFull)
    assert isinstance(place.results[8], WriterFull)
    log.gate.set()
    await trio.testing.wait_all_tasks_blocked()
    assert log.appended == [of(1), of(2, 3, 4, 5, 6)]
    await place(9)
    assert place.results[9] == 3


async def test_edits_that_come_together_are_in_one_record_or_none(
    log: ScriptedLog, writer: Writer, place: Placing
) -> None:
    log.gate = trio.Event()
    await place(1, 2, 3)
    with pytest.raises(WriterFull):
        writer.add(edits_of(4, 5, 6, 7))
    together = writer.add(edits_of(8, 9, 10))
    log.gate.set()
    await trio.testing.wait_all_tasks_blocked()
    assert log.appended == [of(1), of(2, 3, 8, 9, 10)]
    assert together.version() == 2


async def test_other_events_are_bounded_and_no_longer_than_a_record(log: ScriptedLog, writer: Writer) -> None:
    log.gate = trio.Event()
    await trio.testing.wait_all_tasks_blocked()
    with pytest.raises(ValueError, match="allowed are 1000000"):
        writer.add(Correction(1, np.zeros(200_000, PIXEL)))
    for act in range(MAX_OTHERS):
        writer.add(Act("ban", act))
    with pytest.raises(WriterFull, match=f"{MAX_OTHERS} events other than edits"):
        writer.add(Act("ban", 1))
    edit = writer.add(edits_of(1))
    log.gate.set()
    await trio.testing.wait_all_tasks_blocked()
    assert (len(log.appended), edit.version()) == (MAX_OTHERS + 1, MAX_OTHERS + 1)
    assert writer.add(Act("ban", 1)).offset is None


async def test_failing_append_tells_all_that_waited_and_the_next_succeeds(
    log: ScriptedLog, writer: Writer, place: Placing
) -> None:
    log.gate = trio.Event()
    log.append_errors = [None, LogUnavailable("no room")]
    await place(1, 2, 3)
    log.gate.set()
    await trio.testing.wait_all_tasks_blocked()
    assert place.results[1] == 1
    assert [str(place.results[author]) for author in (2, 3)] == ["no room"] * 2
    assert all(type(place.results[author]) is LogUnavailable for author in (2, 3))
    await place(4)
    assert place.results[4] == 2
    assert writer.last_version == 2


async def test_tasks_that_failed_together_do_not_share_an_exception(log: ScriptedLog, place: Placing) -> None:
    # Each raise of a shared exception would make its traceback longer, and keep all the frames.
    log.gate = trio.Event()
    log.append_errors = [None, OutcomeUnknown("the disk went away")]
    await place(1, 2, 3)
    log.gate.set()
    await trio.testing.wait_all_tasks_blocked()
    assert place.results[2] is not place.results[3]
    assert {type(place.results[author]) for author in (2, 3)} == {OutcomeUnknown}
    assert str(place.results[2]) == str(place.results[3]) == "the disk went away"


@pytest.mark.parametrize("error", [OutcomeUnknown("?"), LogClosed("closed")], ids=lambda error: type(error).__name__)
async def test_named_errors_of_the_log_reach_the_client(log: ScriptedLog, place: Placing, error: Exception) -> None:
    log.append_errors = [error]
    await place(1)
    assert type(place.results[1]) is type(error)


async def test_log_that_does_not_answer_leaves_the_outcome_unknown(autojump_clock: MockClock) -> None:
    log = ScriptedLog()
    log.gate = trio.Event()
    writer = Writer(log, append_seconds=5.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        began = trio.current_time()
        with pytest.raises(OutcomeUnknown, match="5 s"):
            await writer.place(0, 0, 1, 1)
        assert trio.current_time() - began == pytest.approx(5.0)
        with pytest.raises(OutcomeUnknown):  # this edit waits for the first append
            await writer.place(0, 0, 1, 2)
        log.gate.set()
        await writer.close()
    assert log.appended == [of(1), of(2)]  # both landed, as the error said they might


async def test_close_flushes_what_waits_and_refuses_what_comes(
    log: ScriptedLog, writer: Writer, place: Placing, nursery: trio.Nursery
) -> None:
    log.gate = trio.Event()
    await place(1, 2, 3)
    closed = trio.Event()

    async def close() -> None:
        await writer.close()
        closed.set()

    nursery.start_soon(close)
    await trio.testing.wait_all_tasks_blocked()
    assert not closed.is_set()
    await place(4)
    assert isinstance(place.results[4], WriterClosed)
    log.gate.set()
    with trio.fail_after(LIMIT_SECONDS):
        await closed.wait()
    await trio.testing.wait_all_tasks_blocked()
    assert log.appended == [of(1), of(2, 3)]
    assert place.results[3] == 2


async def test_close_of_an_idle_writer_is_quick_and_idempotent(log: ScriptedLog, writer: Writer) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        await writer.close()
        await writer.close()
    assert log.appended == []


async def test_close_ends_also_when_the_last_append_fails(log: ScriptedLog, writer: Writer, place: Placing) -> None:
    log.gate = trio.Event()
    log.append_errors = [None, LogUnavailable("gone")]
    await place(1, 2)
    log.gate.set()
    with trio.fail_after(LIMIT_SECONDS):
        await writer.close()
    await trio.testing.wait_all_tasks_blocked()
    assert str(place.results[2]) == "gone"


async def test_cancelled_client_does_not_take_its_edit_back(log: ScriptedLog, writer: Writer, place: Placing) -> None:
    log.gate = trio.Event()
    await place(1)
    with trio.CancelScope() as scope:
        scope.cancel()
        await writer.place(0, 0, 1, 2)
    await place(3)
    log.gate.set()
    await trio.testing.wait_all_tasks_blocked()
    assert log.appended == [of(1), of(2, 3)]
    assert place.results == {1: 1, 3: 2}


@pytest.mark.parametrize("by_fault", [False, True])
async def test_writer_that_ends_early_tells_each_client_at_once_what_it_knows(by_fault: bool) -> None:
    log = ScriptedLog()
    log.gate = trio.Event()
    log.append_errors = [ZeroDivisionError("a bug")]
    writer = Writer(log)
    async with trio.open_nursery() as nursery:
        task = trio.CancelScope()

        async def run() -> None:
            with task, contextlib.suppress(ZeroDivisionError):
                await writer.run()

        nursery.start_soon(run)
        placing = Placing(writer, nursery)
        await placing(1, 2)
        act = writer.add(Act("announce", 9, {"text": "x"}))
        _ = log.gate.set() if by_fault else task.cancel()
        await trio.testing.wait_all_tasks_blocked()
        assert type(placing.results[1]) is OutcomeUnknown  # the edit was in flight
        assert type(placing.results[2]) is LogUnavailable
        assert act.done.is_set()
        await placing(3)
        assert isinstance(placing.results[3], WriterClosed)
        with trio.fail_after(LIMIT_SECONDS):
            await writer.close()
    assert log.appended == [of(1)]


async def test_load_makes_bigger_records_and_not_more_of_them(nursery: trio.Nursery) -> None:
    log = ScriptedLog()
    told: list[int] = []
    writer = Writer(log, on_append=lambda edits, size_bytes, seconds: told.append(edits))
    nursery.start_soon(writer.run)
    log.gate = trio.Event()
    async with trio.open_nursery() as clients:
        for author in range(1_000):
            clients.start_soon(partial(writer.place, 0, 0, 1, author))
        await trio.testing.wait_all_tasks_blocked()
        log.gate.set()
    assert sum(told) == 1_000
    assert len(told) == len(log.appended) <= 2
    with trio.fail_after(LIMIT_SECONDS):
        await writer.close()


async def test_log_that_refused_is_believed_for_ten_seconds_and_then_may_be_tried(
    log: ScriptedLog, writer: Writer, autojump_clock: MockClock
) -> None:
    def is_writable() -> bool:
        return writer.is_writable

    assert is_writable()
    log.append_errors.append(LogUnavailable("it is away"))
    with pytest.raises(LogUnavailable):
        await writer.place(0, 0, 1, 1)
    assert not is_writable()
    await trio.sleep(9.9)
    assert not is_writable()
    await trio.sleep(0.2)
    assert is_writable()  # only another try can show whether the log is back
    log.append_errors.append(LogUnavailable("it still is"))
    with pytest.raises(LogUnavailable):
        await writer.place(0, 0, 1, 1)
    assert not is_writable()
    await writer.place(0, 0, 1, 1)
    assert is_writable()
    await writer.close()
    assert not is_writable()


@pytest.mark.parametrize("error", [None, LogUnavailable("no log")])
async def test_record_in_flight_is_told(
    log: ScriptedLog, writer: Writer, nursery: trio.Nursery, error: Exception | None
) -> None:
    placing = Placing(writer, nursery)
    log.gate = trio.Event()
    log.append_errors.append(error)
    await placing(1, 2)
    assert (writer.in_flight, writer.waiting) == (1, 1)
    log.gate.set()
    await trio.testing.wait_all_tasks_blocked()
    assert (writer.in_flight, writer.waiting) == (0, 0)


async def test_one_that_appends_is_busy_though_nothing_waits(log: ScriptedLog, writer: Writer, place: Placing) -> None:
    told = [writer.is_busy]
    log.gate = trio.Event()
    await place(1)
    told.append(writer.is_busy)
    assert writer.waiting == 0
    log.gate.set()
    await trio.testing.wait_all_tasks_blocked()
    told.append(writer.is_busy)
    assert told == [False, True, False]
