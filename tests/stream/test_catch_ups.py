"""Catch-ups share a part of the event loop's time, in either lane and for any number of clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.edit_code import EditCode
from placed.canvas.feed import Feed
from placed.canvas.projection import Projection
from placed.stream.broadcaster import Broadcaster
from placed.stream.catch_ups import CatchUps
from placed.stream.frames import Format
from tests.support.records import SMALL, Edit, batch, record

if TYPE_CHECKING:
    from trio.testing import MockClock

    from placed.canvas.feed import Frame

TURN_SECONDS = 0.001
RECORDS = 30_000  # records of one edit: ten frames


@pytest.fixture
def turns_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each turn take the same time."""
    clock = iter(range(1_000_000))
    monkeypatch.setattr("placed.stream.catch_ups.time.thread_time", lambda: next(clock) * TURN_SECONDS)


def far_behind() -> Broadcaster:
    """A hub whose feed has ten frames."""
    code = EditCode.of(SMALL.width, SMALL.height, SMALL.colors)
    projection = Projection(SMALL, 1, Cooldowns(Rule(10, 0)), feed=Feed(code, 1))
    edits: list[Edit] = [(1, 1, number % 4, 7) for number in range(RECORDS)]
    projection.apply(batch([record(edit) for edit in edits], first=1), 0)
    return Broadcaster(projection, "log-1")


@pytest.mark.usefixtures("turns_take")
async def test_turns_take_a_fifth_of_the_time(autojump_clock: MockClock) -> None:
    catch_ups, had = CatchUps(), 0

    async def have(times: int) -> None:
        nonlocal had
        for _ in range(times):
            async with catch_ups.turn():
                had += 1

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(have, 20)
    assert had == 200
    assert trio.current_time() == pytest.approx(200 * TURN_SECONDS / 0.2, rel=0.1)


@pytest.mark.usefixtures("turns_take")
async def test_those_who_come_back_at_many_versions_share_frames_and_a_fifth_of_the_time(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, made = far_behind(), 0
    since = Feed.since

    def count(feed: Feed, version: int) -> Frame:
        nonlocal made
        made += 1
        return since(feed, version)

    monkeypatch.setattr(Feed, "since", count)

    async def follow(version: int) -> None:
        subscriber = hub.subscribe(version, Format.JSON, None)
        while subscriber.version != hub.version:
            await subscriber.next()

    async with trio.open_nursery() as nursery:
        for number in range(100):
            nursery.start_soon(follow, 1 + 20 * number)
    assert made <= 100 + RECORDS // 3_000 + 1  # one frame of each client's own, and then shared ones
    assert trio.current_time() >= 900 * TURN_SECONDS / 0.2


async def test_who_lacks_less_than_a_frame_is_not_held_up(autojump_clock: MockClock) -> None:
    hub = far_behind()
    hub.catch_ups._free_at = 1_000.0
    subscriber = hub.subscribe(hub.version - 100, Format.CODES, None)
    assert not subscriber.catches_up
    assert await subscriber.next()
    assert trio.current_time() == 0


async def test_catch_ups_are_hurried_when_all_streams_end(autojump_clock: MockClock) -> None:
    hub = far_behind()
    hub.catch_ups._free_at = 1_000.0
    subscriber = hub.subscribe(1, Format.CODES, None)
    hub.close()
    while await subscriber.next() is not None:
        pass
    assert subscriber.version == hub.version
    assert trio.current_time() == 0


async def test_taking_stops_when_it_is_enough_and_goes_on_from_there(autojump_clock: MockClock) -> None:
    hub = far_behind()
    subscriber = hub.subscribe(1, Format.JSON, None)
    first = await subscriber.take(10)
    assert first.count(b"id: ") == 1
    assert first.startswith(b"id: %d\n" % subscriber.version)
    rest = await subscriber.take(1 << 30)
    assert rest.endswith(b"\n\n")
    assert subscriber.version == hub.version
    assert await subscriber.take(1_000) == b""
