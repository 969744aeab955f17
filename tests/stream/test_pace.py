"""The pace: frames take only their share of the time from people who paint; with time to spare nobody waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio
import trio.testing

from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.projection import Projection
from placed.stream import pace as paces
from placed.stream.broadcaster import Broadcaster
from placed.stream.frames import Format
from placed.stream.pace import Pace, Stopwatch, Waiters
from placed.stream.subscriber_sockets import SubscriberSockets
from tests.support.records import SMALL, batch, record

if TYPE_CHECKING:
    from trio.testing import MockClock

LIMIT_SECONDS = 10.0


async def seconds_of_rest(pace: Pace, turn_seconds: float, frame_seconds: float) -> float:
    """How long the pace rests, on a clock that only moves by waiting."""
    began = trio.current_time()
    await pace.rest(turn_seconds, frame_seconds)
    return trio.current_time() - began


async def test_rest_takes_no_time_where_there_is_nothing_to_do(autojump_clock: MockClock) -> None:
    pace = Pace()
    pace.watch(others=True)
    assert await seconds_of_rest(pace, 5.0, 5.0) == 0


@pytest.mark.parametrize(
    ("turn_seconds", "frame_seconds", "expected"),
    [
        (0.003, 0.012, 0.009),  # a quarter of the time for frames
        (0.003, 0.04, 0.0045),  # a longer rest would make fewer than 10 a second
        (0.003, 0.12, 0.003),  # half of the time, although that makes fewer
        (0.0003, 0.0003, 0.0009),
        (0.0001, 0.0001, 0),  # too little to matter
    ],
)
async def test_rest_is_longer_than_the_turn_while_edits_wait_and_bounded(
    autojump_clock: MockClock, turn_seconds: float, frame_seconds: float, expected: float
) -> None:
    pace = Pace(lambda: True)
    assert await seconds_of_rest(pace, turn_seconds, frame_seconds) == pytest.approx(expected)


async def test_rest_ends_as_soon_as_no_edit_waits(autojump_clock: MockClock) -> None:
    answers = iter([True, True, True, True, False])
    assert await seconds_of_rest(Pace(lambda: next(answers)), 1.0, 1.0) == pytest.approx(0.003)


async def test_rest_takes_no_time_where_all_is_quiet_at_the_second_look(autojump_clock: MockClock) -> None:
    answers = iter([True, False])
    assert await seconds_of_rest(Pace(lambda: next(answers)), 1.0, 1.0) == 0


async def test_rest_lasts_while_others_have_something_to_do(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    pace, done = Pace(), trio.Event()

    async def work() -> None:
        for _ in range(200):
            await trio.lowlevel.checkpoint()
        done.set()

    pace.watch(others=True)
    nursery.start_soon(work)
    with trio.fail_after(LIMIT_SECONDS):
        while not done.is_set():
            assert not await pace._is_quiet()
        assert await pace._is_quiet()


async def test_what_tasks_do_is_counted_only_while_somebody_is_told_of_edits(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    hub = Told().hub

    async def steps() -> int:
        await trio.sleep(1)
        before = hub.pace._steps.count
        await trio.sleep(1)
        return hub.pace._steps.count - before

    nursery.start_soon(hub.run)
    assert await steps() == 0
    subscriber = hub.subscribe(1, Format.CODES, None)
    assert await steps() > 0
    subscriber.close()
    assert await steps() == 0


async def test_stopwatch_adds_up_the_turns_of_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 1.0, 5.0, 7.0, 7.0])
    monkeypatch.setattr("placed.stream.pace.time.thread_time", lambda: next(times))
    watch = Stopwatch()
    watch.begin_frame()
    assert watch.end() == 1
    watch.begin()
    assert watch.end() == 2
    watch.begin_frame()
    assert watch.frame_seconds == 3


async def test_those_who_wait_are_woken_a_few_at_a_time(nursery: trio.Nursery) -> None:
    waiters, woken, most, before = Waiters(), 0, 0, 0

    async def wait() -> None:
        nonlocal woken
        await waiters.wait()
        woken += 1

    for _ in range(100):
        nursery.start_soon(wait)
    await trio.testing.wait_all_tasks_blocked()
    nursery.start_soon(waiters.wake, Pace())
    with trio.fail_after(LIMIT_SECONDS):
        while woken < 100:
            await trio.lowlevel.checkpoint()
            most, before = max(most, woken - before), woken
    assert most <= 2 * paces._WOKEN_AT_ONCE
    assert not waiters._waiting


async def test_task_that_wakes_them_sleeps_through_news_while_nobody_waits(nursery: trio.Nursery) -> None:
    told, steps = Told(), StepsOf("_wake_waiters")
    nursery.start_soon(told.hub.run)
    await trio.testing.wait_all_tasks_blocked()
    trio.lowlevel.add_instrument(steps)
    for _ in range(5):
        told.append()
        await trio.testing.wait_all_tasks_blocked()
    assert steps.count == 0
    subscriber = told.hub.subscribe(told.projection.version, Format.CODES, None)
    nursery.start_soon(subscriber.next)
    await trio.testing.wait_all_tasks_blocked()
    told.append()
    await trio.testing.wait_all_tasks_blocked()
    assert steps.count > 0
    with trio.fail_after(LIMIT_SECONDS):
        while subscriber.version < told.projection.version:
            await trio.lowlevel.checkpoint()


class StepsOf(trio.abc.Instrument):
    """Counts the steps of one task."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.count += task.name.endswith(self.name)


class Told:
    """A hub with edits that wait, or not."""

    def __init__(self) -> None:
        self.edits_wait = True
        self.projection = Projection(SMALL, 1, Cooldowns(Rule(10, 0)))
        self.hub = Broadcaster(self.projection, "log-1", pace=Pace(lambda: self.edits_wait), frame_seconds=0.004)

    async def place(self, seconds: float) -> None:
        """Append an edit each ms, for `seconds`."""
        until = trio.current_time() + seconds
        while trio.current_time() < until:
            self.append()
            await trio.sleep(0.001)

    def append(self) -> None:
        """Append one edit."""
        self.projection.apply(batch([record((1, 1, 1, 7))], first=self.projection.version), 0)
        self.hub.publish()


@pytest.mark.parametrize(
    ("lane", "is_few", "edits_wait", "is_rarer"),
    [
        ("fast", False, False, False),
        ("fast", False, True, True),
        ("fast", True, True, False),  # they take almost no time
        ("slow", False, False, False),
        ("slow", False, True, True),
    ],
)
async def test_frames_are_rarer_while_edits_wait(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
    lane: str,
    is_few: bool,
    edits_wait: bool,
    is_rarer: bool,
) -> None:
    if not is_few:
        monkeypatch.setattr("placed.stream.subscriber_sockets._FEW_STREAMS", 1)
    monkeypatch.setattr(Stopwatch, "end", lambda self: 0.02)  # the time of a turn
    told, frames = Told(), 0
    told.edits_wait = edits_wait
    monkeypatch.setattr(Stopwatch, "frame_seconds", 0.02, raising=False)
    nursery.start_soon(told.hub.run)
    ours, theirs = trio.socket.socketpair()
    if lane == "fast":
        sockets = SubscriberSockets(told.hub, heartbeat_seconds=15, stall_seconds=30, frame_seconds=0.004)
        nursery.start_soon(sockets.run)
        await trio.testing.wait_all_tasks_blocked()
        sockets.add(ours.detach(), told.hub.subscribe(1, Format.CODES, None))
        await told.place(1.0)
        frames = sockets.frames
    else:
        subscriber = told.hub.subscribe(1, Format.CODES, None)

        async def follow() -> None:
            nonlocal frames
            while await subscriber.next():
                frames += 1

        nursery.start_soon(follow)
        await told.place(1.0)
    nursery.cancel_scope.cancel()
    theirs.close()
    ours.close()
    if is_rarer:
        assert 10 <= frames <= 20
    else:
        assert frames >= 200


async def test_heartbeats_of_those_who_got_the_same_frame_come_one_after_the_other(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    told, moments = Told(), list[float]()
    told.edits_wait = False

    async def follow() -> None:
        subscriber = told.hub.subscribe(1, Format.CODES, None)
        await subscriber.next()
        await subscriber.next()
        moments.append(trio.current_time() - began)

    nursery.start_soon(told.hub.run)
    for _ in range(300):
        nursery.start_soon(follow)
    await trio.testing.wait_all_tasks_blocked()
    began = trio.current_time()
    await told.place(0.0005)  # one edit
    await trio.sleep(15.1)
    assert len(moments) == 300
    assert min(moments) >= 12.0
    most = max(sum(begin <= moment < begin + 0.1 for moment in moments) for begin in np.arange(12.0, 15.0, 0.05))
    assert most <= 20  # of 300 in 3 s
