"""The broadcaster: every stream resumes exactly, tells a client to reload when it can't, and ends when all do."""

from __future__ import annotations

import json
from base64 import b64decode
from itertools import pairwise
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.feed import Feed
from placed.canvas.projection import Projection
from placed.stream.broadcaster import Broadcaster
from placed.stream.frames import Format
from tests.support.records import SMALL, Edit, any_edit, batch, blank, code_of, record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from trio.testing import MockClock

    from placed.canvas.feed import Frame
    from placed.stream.subscriber import Subscriber

LIMIT_SECONDS = 10.0


class Server:
    """A projection with a broadcaster, which takes appends without a log."""

    def __init__(self, *, version: int = 1, max_records: int = 1_000, heartbeat_seconds: float = 15.0) -> None:
        feed = Feed(code_of(SMALL), version, max_records=max_records)
        self.projection = Projection(SMALL, version, Cooldowns(Rule(10, 0)), feed=feed)
        self.writable = True
        self.hub = Broadcaster(
            self.projection, "log-1", heartbeat_seconds=heartbeat_seconds, is_writable=lambda: self.writable
        )

    def append(self, *several: Edit) -> None:
        """Apply one record and publish it, as the reader does."""
        self.projection.apply(batch([record(*several)], first=self.projection.version), 0)
        self.hub.publish()

    def follow(self, version: int, form: Format = Format.CODES, log_id: str | None = None) -> Subscriber:
        """Make a new subscriber."""
        return self.hub.subscribe(version, form, log_id)


@attrs.frozen
class Event:
    """One event of a stream, as a browser would understand it."""

    name: str
    id: str
    data: str
    retry: str = ""


def parse(data: bytes | None) -> Event:
    """The one event in `data`."""
    assert data is not None
    assert data.endswith(b"\n\n")
    fields = dict(line.split(": ", 1) for line in data.decode().removesuffix("\n\n").split("\n"))
    return Event(fields.get("event", "message"), fields.get("id", ""), fields["data"], fields.get("retry", ""))


async def following(subscriber: Subscriber) -> bytes | None:
    """The next data, which must come soon."""
    with trio.fail_after(LIMIT_SECONDS):
        return await subscriber.next()


def draw(canvas: NDArray[np.uint8], codes: bytes) -> None:
    """Paint a frame's edit codes."""
    x, y, color = code_of(SMALL).unpack(codes)
    canvas[y, x] = color


async def test_stream_begins_with_what_its_version_lacks_and_goes_on_from_there() -> None:
    server = Server()
    server.append((0, 0, 1, 0))
    server.append((1, 0, 2, 0), (2, 0, 3, 0))
    subscriber = server.follow(2)
    first = parse(await following(subscriber))
    assert first.id == "3"
    assert b64decode(first.data) == server.projection.feed.since(2).codes
    server.append((3, 0, 1, 0))
    assert parse(await following(subscriber)).id == "4"


async def test_subscriber_waits_until_something_comes(nursery: trio.Nursery) -> None:
    server, got = Server(), list[bytes | None]()
    subscriber = server.follow(1)

    async def follow() -> None:
        got.append(await subscriber.next())

    nursery.start_soon(server.hub.run)
    nursery.start_soon(follow)
    await trio.testing.wait_all_tasks_blocked()
    assert got == []
    server.append((0, 0, 1, 0))
    await trio.testing.wait_all_tasks_blocked()
    assert [(each or b"")[:6] for each in got] == [b"id: 2\n"]


async def test_slow_subscriber_gets_all_it_missed_as_one_frame() -> None:
    server = Server()
    subscriber = server.follow(1)
    for color in (1, 2, 3):
        server.append((color, 0, color, 0))
    event = parse(await following(subscriber))
    assert event.id == "4"
    assert len(b64decode(event.data)) == 3 * server.projection.code.size_bytes


async def test_json_is_for_people() -> None:
    server = Server()
    server.append((4, 2, 3, 99), (0, 1, 2, 99))
    event = parse(await following(server.follow(1, Format.JSON)))
    assert json.loads(event.data) == {"v": 2, "edits": [[4, 2, 3], [0, 1, 2]]}
    assert event.id == "2"


async def test_record_without_edits_moves_the_version() -> None:
    server = Server()
    server.projection.apply(batch([b"\1\7x"], first=1), 0)
    server.hub.publish()
    assert await following(server.follow(1)) == b"id: 2\ndata: \n\n"


@pytest.mark.parametrize(
    ("version", "log_id", "code"),
    [(0, None, "too-old"), (6, None, "future"), (2**63 - 1, "log-1", "future"), (5, "log-2", "other-log")],
)
async def test_stream_that_cannot_be_brought_up_to_date_is_told_to_reload_and_ends(
    version: int, log_id: str | None, code: str
) -> None:
    server = Server()
    for _ in range(4):
        server.append((0, 0, 1, 0))
    subscriber = server.follow(version, log_id=log_id)
    event = parse(await following(subscriber))
    assert (event.name, event.id) == ("reload", "")
    assert json.loads(event.data) == {"code": code, "v": 5, "log": "log-1"}
    assert await following(subscriber) is None
    assert await following(subscriber) is None
    assert server.hub.reloads == {"too-old": 0, "future": 0, "other-log": 0, "canvas": 0, code: 1}


@pytest.mark.parametrize("version", [1, 5])
async def test_both_ends_of_the_range_are_not_stale(version: int) -> None:
    server = Server()
    for _ in range(4):
        server.append((0, 0, 1, 0))
    assert server.hub.stale(version, "log-1") is None


async def test_subscriber_whom_the_feed_leaves_behind_is_told_to_reload() -> None:
    server = Server(max_records=3)
    subscriber = server.follow(1)
    for _ in range(4):
        server.append((0, 0, 1, 0))
    assert json.loads(parse(await following(subscriber)).data)["code"] == "too-old"
    assert await following(subscriber) is None


async def test_silence_is_broken_by_the_status_every_fifteen_seconds(autojump_clock: MockClock) -> None:
    server = Server()
    subscriber = server.follow(1)
    for _ in range(3):
        began = trio.current_time()
        assert await subscriber.next() == server.hub.status()
        assert 12.0 <= trio.current_time() - began <= 15.0
    server.append((0, 0, 1, 0))
    assert parse(await subscriber.next()).id == "2"


async def test_heartbeat_loses_no_edit_that_comes_with_it(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    server, got = Server(), list[bytes | None]()
    subscriber = server.follow(1)

    async def follow() -> None:
        got.extend([await subscriber.next(), await subscriber.next()])

    nursery.start_soon(server.hub.run)
    nursery.start_soon(follow)
    await trio.sleep(15.0)
    server.append((0, 0, 1, 0))
    await trio.testing.wait_all_tasks_blocked()
    assert got[-1] is not None
    assert parse(got[-1] if got[-1].startswith(b"id") else await subscriber.next()).id == "2"


async def test_status_tells_version_viewers_and_whether_edits_are_taken() -> None:
    server = Server(version=7)
    subscribers = [server.follow(7) for _ in range(3)]
    event = parse(subscribers[-1].opening(1_234))
    assert (event.name, event.id, event.retry) == ("status", "", "1234")
    assert json.loads(event.data) == {"v": 7, "viewers": 3, "writable": True}


async def test_who_must_reload_is_told_so_in_the_first_event_and_nothing_more() -> None:
    server = Server(version=7)
    subscriber = server.follow(8)
    event = parse(subscriber.opening(1_234))
    assert (event.name, event.retry, json.loads(event.data)["code"]) == ("reload", "1234", "future")
    assert subscriber.is_over
    assert subscriber.poll() is await following(subscriber) is None
    assert server.hub.reloads["future"] == 1


async def test_status_that_changed_rides_on_a_frame_at_most_every_five_seconds(autojump_clock: MockClock) -> None:
    server = Server()
    subscriber, viewers = server.follow(1), list[int]()
    others = []
    for seconds in range(20):
        others.append(server.follow(1))
        server.hub.look()
        server.append((seconds % 5, 0, 1, 0))
        data = await following(subscriber)
        assert data is not None
        _, *status = data.decode().split("event: status\ndata: ")
        viewers += [json.loads(told)["viewers"] for told in status]
        await trio.sleep(1)
    assert viewers == [2, 7, 12, 17]


async def test_whether_edits_are_taken_is_told_at_once_and_at_most_once_a_second(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    server, told = Server(), list[tuple[float, bool]]()
    subscriber = server.follow(1)

    async def follow() -> None:
        while (data := await subscriber.next()) is not None:
            told.append((round(trio.current_time() - began, 1), json.loads(parse(data).data)["writable"]))

    began = trio.current_time()
    nursery.start_soon(server.hub.run)
    nursery.start_soon(follow)
    await trio.sleep(1.1)
    for _ in range(4):  # in about a second
        server.writable = not server.writable
        await trio.sleep(0.3)
    server.writable = False
    await trio.sleep(5)
    assert told[0] == (1.2, False)
    assert told[-1][1] is False
    assert len(told) <= 5
    assert all(later - earlier >= 1 for (earlier, _), (later, _) in pairwise(told))


async def test_status_that_could_not_wait_comes_also_to_one_who_has_edits_to_come() -> None:
    server = Server()
    subscriber = server.follow(1)
    server.append((0, 0, 1, 0))
    server.writable = False
    server.hub.look()
    data = await following(subscriber)
    assert data is not None
    assert data.startswith(b"id: 2\n")
    assert data.endswith(server.hub.status())
    assert subscriber.poll() == b""


async def test_close_ends_all_streams_at_once_and_those_that_come_later(nursery: trio.Nursery) -> None:
    server, ended = Server(), list[bytes | None]()

    async def follow(subscriber: Subscriber) -> None:
        ended.append(await subscriber.next())

    for _ in range(3):
        nursery.start_soon(follow, server.follow(1))
    await trio.testing.wait_all_tasks_blocked()
    server.hub.close()
    server.hub.close()
    await trio.testing.wait_all_tasks_blocked()
    assert ended == [None] * 3
    assert await following(server.follow(1)) is None


async def test_stream_gets_the_last_edit_also_when_the_close_comes_right_behind_it(nursery: trio.Nursery) -> None:
    server, got = Server(), list[bytes | None]()
    subscriber = server.follow(1)

    async def follow() -> None:
        got.extend([await subscriber.next(), await subscriber.next()])

    nursery.start_soon(follow)
    await trio.testing.wait_all_tasks_blocked()
    server.append((0, 0, 1, 0))
    server.hub.close()  # before the subscriber's task has run
    await trio.testing.wait_all_tasks_blocked()
    assert parse(got[0]).id == "2"
    assert got[1] is None


async def test_cancelled_wait_loses_nothing() -> None:
    server = Server()
    subscriber = server.follow(1)
    with trio.CancelScope() as scope:
        scope.cancel()
        await subscriber.next()
    server.append((0, 0, 1, 0))
    assert parse(await following(subscriber)).id == "2"


async def test_frame_is_built_once_for_all_who_stand_at_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    server, built = Server(), list[int]()
    since = server.projection.feed.since

    def count(version: int) -> Frame:
        built.append(version)
        return since(version)

    monkeypatch.setattr(server.projection.feed, "since", count)
    server.append((0, 0, 1, 0))
    for _ in range(100):
        await following(server.follow(1))
    assert built == [1]
    server.append((0, 0, 1, 0))
    assert parse(await following(server.follow(1))).id == "3"


async def test_frames_kept_are_bounded() -> None:
    server = Server()
    for _ in range(500):
        server.append((0, 0, 1, 0))
    for version in range(1, 501):
        await following(server.follow(version))
    assert len(server.hub._frames._new) <= 64


async def test_subscribers_are_counted_until_they_close() -> None:
    server = Server()
    subscribers = [server.follow(1) for _ in range(3)]
    assert server.hub.subscribers == 3
    for subscriber in subscribers:
        subscriber.close()
        subscriber.close()
    assert server.hub.subscribers == 0


async def test_wait_is_over_when_what_was_waited_for_is_there(nursery: trio.Nursery) -> None:
    server, done = Server(), trio.Event()

    async def wait() -> None:
        await server.hub.wait(lambda: server.projection.version >= 3)
        done.set()

    nursery.start_soon(wait)
    for expected in (False, True):
        server.append((0, 0, 1, 0))
        await trio.testing.wait_all_tasks_blocked()
        assert done.is_set() is expected


@given(st.lists(st.one_of(any_edit(), st.integers(0, 3)), max_size=40))
def test_any_number_of_streams_that_read_when_they_like_end_with_the_canvas(steps: list[Edit | int]) -> None:
    async def run() -> None:
        server = Server(max_records=6)
        subscribers = [server.follow(1) for _ in range(4)]
        canvases = [blank() for _ in subscribers]

        async def read(index: int) -> None:
            event = parse(await following(subscribers[index]))
            if event.name == "reload":
                canvases[index] = server.projection.canvas.copy()
                subscribers[index] = server.follow(json.loads(event.data)["v"])
            else:
                draw(canvases[index], b64decode(event.data))

        for step in steps:
            if isinstance(step, tuple):
                server.append(step)
            elif subscribers[step].version != server.projection.version:
                await read(step)
        for index, subscriber in enumerate(subscribers):
            while subscribers[index].version != server.projection.version:
                await read(index)
            subscriber.close()
            assert (canvases[index] == server.projection.canvas).all()

    trio.run(run)


async def test_times_of_old_versions_are_forgotten() -> None:
    server = Server()
    for x in range(3_000):
        server.append((x % 8, 0, 1, 0))
    assert len(server.hub._old_since) == 1_024
    assert min(server.hub._old_since) == server.projection.version - 1_024
