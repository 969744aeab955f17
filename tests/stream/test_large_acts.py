"""An act that changes more than frames can hold sends each subscriber to the image once, however long it takes."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio
import trio.testing

from placed.canvas.events import PIXEL, Act, Correction
from placed.stream.frames import Format
from tests.stream.test_subscriber_sockets import Hub, running
from tests.support.records import batch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from trio.testing import MockClock

    from placed.stream.subscriber import Subscriber
    from tests.stream.test_subscriber_sockets import Reader

LIMIT_SECONDS = 10.0
CORRECTIONS = 16  # as many as an act on 1000 x 1000 pixels has
SMALL_ENOUGH = 2  # up to this many corrections fit into frames


@contextlib.asynccontextmanager
async def acting() -> AsyncGenerator[Acting]:
    """Such a hub, running."""
    hub = Acting()
    async with running(hub):
        yield hub


@pytest.fixture(autouse=True)
def _few_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placed.canvas.large_acts.MOST_CORRECTED", SMALL_ENOUGH)


class Acting(Hub):
    """A hub with acts in its log."""

    def act(self) -> int:
        """Append an act that paints; return its id."""
        return self._append(Act("wipe", 7, {"area": [0, 0, 5, 3]}).encode())

    def correct(self, act: int) -> None:
        """Append a correction of one pixel."""
        self._append(Correction(act, np.array([(1, 1, 1)], PIXEL)).encode())

    def done(self, act: int) -> None:
        """Append the record that the act is done."""
        self._append(Act("done", 7, {"act": act, "pixels": CORRECTIONS}).encode())

    def _append(self, value: bytes) -> int:
        offset = self.projection.version
        self.projection.apply(batch([value], first=offset), 0)
        self.broadcaster.publish()
        return offset

    def poll(self, version: int) -> Subscriber:
        """A subscriber with a task of its own."""
        return self.broadcaster.subscribe(version, Format.CODES, None)


async def told_until(reader: Reader, version: int) -> list[str]:
    """What a reader gets up to that version, or to its stream's end: ids of frames, names of other events."""
    told = list[str]()
    while (not told or told[-1] != f"id: {version}") and (event := await reader.event()):
        told += [event.partition(b"\n")[0].decode()] * (not event.startswith(b"event: status"))
    return told


def told_now(subscriber: Subscriber) -> bytes:
    """Everything that a subscriber gets without waiting."""
    told = b""
    while data := subscriber.poll():
        told += data
    return told


async def test_those_who_follow_are_sent_to_the_image_once_when_the_act_is_done() -> None:
    async with acting() as hub:
        follower, slow, poll = hub.follow(), hub.follow(), hub.poll(1)
        act = hub.act()
        came: list[Reader] = []
        for _ in range(CORRECTIONS):
            hub.correct(act)
            hub.append((0, 0, 2))  # people paint on
            await trio.testing.wait_all_tasks_blocked()
            came.append(hub.follow(hub.projection.version))  # a client that has loaded an image just now
            assert b"reload" not in told_now(poll)
            assert not hub.broadcaster.reloads["too-old"]
        hub.done(act)
        hub.append((0, 0, 3))
        last = hub.projection.version
        told = [await told_until(reader, last) for reader in (follower, slow, *came)]
        # The last client has loaded an image with the whole act in it.
        assert [each.count("event: reload") for each in told] == [1, 1, *[1] * (CORRECTIONS - 1), 0]
        assert told_now(poll).count(b"event: reload") == 1
        late = hub.follow(last)
        hub.append((1, 0, 1))
        assert await told_until(late, last + 1) == [f"id: {last + 1}"]


async def test_act_that_is_small_enough_comes_as_frames() -> None:
    async with acting() as hub:
        follower = hub.follow()
        act = hub.act()
        for _ in range(SMALL_ENOUGH):
            hub.correct(act)
        hub.done(act)
        assert not hub.projection.large_acts.is_under_way
        told = await told_until(follower, hub.projection.version)
        assert "event: reload" not in told


async def test_those_who_wait_neither_hold_up_the_others_nor_keep_the_server_busy(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    hub = Acting()
    waiting, told = hub.poll(1), list[bytes]()
    act = hub.act()
    for _ in range(SMALL_ENOUGH + 1):
        hub.correct(act)

    async def follow() -> None:
        while data := await waiting.next():
            told.append(data)

    nursery.start_soon(follow)
    with trio.fail_after(LIMIT_SECONDS):
        await trio.testing.wait_all_tasks_blocked()  # with a busy loop this would never return
        current = hub.poll(hub.projection.version)
        hub.append((2, 2, 1))
        assert told_now(current).startswith(b"id: %d\n" % hub.projection.version)
        assert (told_now(waiting), hub.broadcaster.lacks(1, None)) == (b"", 0)
    assert told == []
    nursery.cancel_scope.cancel()


async def test_sockets_that_keep_up_go_on_beside_those_that_wait() -> None:
    async with acting() as hub:
        waiting = hub.follow()
        act = hub.act()
        for _ in range(SMALL_ENOUGH + 1):
            hub.correct(act)
        await trio.testing.wait_all_tasks_blocked()
        current = hub.follow(hub.projection.version)
        for x in range(3):
            hub.append((x, 0, 1))
            version = hub.projection.version
            assert await told_until(current, version) == [f"id: {version}"]
        assert b"reload" not in waiting.has_come()


async def test_act_that_is_broken_off_lets_those_go_who_wait_for_it(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    hub = Acting()
    waiting, told = hub.poll(1), list[tuple[float, bytes]]()
    act = hub.act()
    began = trio.current_time()

    async def follow() -> None:
        while data := await waiting.next():
            told.append((trio.current_time() - began, data))

    nursery.start_soon(hub.broadcaster.run)
    nursery.start_soon(follow)
    for _ in range(2 * SMALL_ENOUGH):
        hub.correct(act)
        await trio.sleep(4)  # each within the time that the server waits for the next one
    await trio.sleep(20)
    assert [seconds for seconds, data in told if b"reload" in data] == [pytest.approx(22.2, abs=0.5)]
    assert hub.broadcaster.waits(1) is False
    assert told_now(hub.poll(hub.projection.version)) == b""  # an image loaded now has the act
    hub.correct(act)  # the act goes on after all
    assert hub.broadcaster.waits(1)
