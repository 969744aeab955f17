"""Subscribers without a task: shared frames, slow readers, heartbeats, hang-ups and the end, over real sockets."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from bench.people.chunks import Chunks
from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.feed import Feed
from placed.canvas.projection import Projection
from placed.stream.broadcaster import Broadcaster
from placed.stream.chunked import data_of
from placed.stream.frames import Format
from placed.stream.subscriber import Subscriber
from placed.stream.subscriber_sockets import SubscriberSockets
from tests.support.records import SMALL, batch, code_of, record

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

LIMIT_SECONDS = 10.0
MANY = 300  # more sockets than are written to between two checkpoints


class Hub:
    """The subscribers of a projection without a log."""

    def __init__(
        self,
        *,
        heartbeat_seconds: float = 15.0,
        stall_seconds: float = 30.0,
        frame_seconds: float = 0.0,
        max_records: int = 1_000,
    ) -> None:
        feed = Feed(code_of(SMALL), 1, max_records=max_records)
        self.projection = Projection(SMALL, 1, Cooldowns(Rule(10, 0)), feed=feed)
        self.writable = True
        self.broadcaster = Broadcaster(self.projection, "log-1", is_writable=lambda: self.writable)
        self.readers: list[Reader] = []
        self.sockets = SubscriberSockets(
            self.broadcaster,
            heartbeat_seconds=heartbeat_seconds,
            stall_seconds=stall_seconds,
            frame_seconds=frame_seconds,
        )

    def append(self, *several: tuple[int, int, int]) -> None:
        """Apply one record of x, y and color, and publish it, as the reader does."""
        edits = [(x, y, color, 7) for x, y, color in several]
        self.projection.apply(batch([record(*edits)], first=self.projection.version), 0)
        self.broadcaster.publish()

    def follow(self, version: int = 1, *, form: Format = Format.CODES, log_id: str | None = None) -> Reader:
        """Make a new subscriber; return the other end of its socket, with small buffers."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        self.readers.append(Reader(theirs))
        self.sockets.add(ours.detach(), self.broadcaster.subscribe(version, form, log_id))
        return self.readers[-1]


class Reader:
    """The other end of a subscriber's socket."""

    def __init__(self, theirs: socket.socket) -> None:
        theirs.setblocking(False)
        self._socket = theirs
        self._text = b""
        self._chunks = Chunks()
        self.is_whole = False
        self.received_bytes = 0

    async def event(self) -> bytes:
        """The next event; empty at the end."""
        with trio.fail_after(LIMIT_SECONDS):
            while b"\n\n" not in self._text:
                await trio.lowlevel.wait_readable(self._socket)
                data = self._socket.recv(65_536)
                if not data:
                    self.is_whole = self._chunks.is_whole
                    return b""
                self._text += self._chunks.feed(data)
        event, _, self._text = self._text.partition(b"\n\n")
        return event + b"\n\n"

    def has_come(self) -> bytes:
        """Everything that has arrived, without waiting."""
        with contextlib.suppress(BlockingIOError):
            data = self._socket.recv(65_536)
            self.received_bytes += len(data)
            return self._chunks.feed(data)
        return b""

    def hang_up(self) -> None:
        """Close the connection."""
        self._socket.close()


def readers_frame(hub: Hub) -> bytes:
    """The frame that leads from version 1 to the present."""
    return frame_from(hub, 1)


def frame_from(hub: Hub, version: int) -> bytes:
    """The frame that begins at `version`."""
    return data_of(hub.broadcaster.frame(version, Format.CODES)[1])


@contextlib.asynccontextmanager
async def running(hub: Hub) -> AsyncGenerator[Hub]:
    """The hub, running; cancelled at the end."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hub.sockets.run)
        await trio.testing.wait_all_tasks_blocked()
        try:
            yield hub
        finally:
            nursery.cancel_scope.cancel()
            for reader in hub.readers:
                reader.hang_up()


async def until_empty(hub: Hub) -> None:
    """Wait until it has no subscribers."""
    with trio.fail_after(LIMIT_SECONDS):
        await hub.sockets.wait_empty()


async def test_many_get_each_frame() -> None:
    async with running(Hub()) as hub:
        readers = [hub.follow(form=Format.JSON if number % 3 else Format.CODES) for number in range(MANY)]
        for x in range(3):
            hub.append((x, 0, 1))
            for reader in readers:
                event = await reader.event()
                assert event.startswith(b"id: %d\n" % (x + 2))
        assert len(hub.sockets) == hub.broadcaster.subscribers == MANY


async def test_others_have_their_turn_while_many_get_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    writes, most = [0], 0
    write = os.write

    def counted(fd: int, data: bytes) -> int:
        writes[0] += 1
        return write(fd, data)

    async with running(Hub()) as hub:
        readers = [hub.follow() for _ in range(4 * MANY)]
        monkeypatch.setattr("placed.stream.subscriber_sockets.os.write", counted)
        hub.append((1, 1, 1))
        total = 0
        with trio.fail_after(LIMIT_SECONDS):
            while total < len(readers):
                await trio.lowlevel.checkpoint()
                most, total, writes[0] = max(most, writes[0]), total + writes[0], 0
        monkeypatch.undo()
        assert most <= 2 * 256 < total  # two turns at most lie between two of another task
        assert {await reader.event() for reader in readers} == {readers_frame(hub)}


async def test_edit_that_comes_during_a_broadcast_is_in_the_frames_that_are_still_to_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = os.write
    monkeypatch.setattr("placed.stream.subscriber_sockets._WRITES_AT_ONCE", 2)
    monkeypatch.setattr("placed.stream.packs.MOST_MEMBERS", 2)
    async with running(Hub()) as hub:
        readers = [hub.follow() for _ in range(4)]

        def place_and_write(fd: int, data: bytes) -> int:
            if hub.projection.version == 2:
                hub.append((2, 2, 2))
            return write(fd, data)

        monkeypatch.setattr("placed.stream.subscriber_sockets.os.write", place_and_write)
        hub.append((1, 1, 1))
        assert [(await reader.event())[:6] for reader in readers] == [b"id: 2\n"] * 2 + [b"id: 3\n"] * 2
        assert [(await reader.event())[:6] for reader in readers[:2]] == [b"id: 3\n"] * 2
        assert {reader.has_come() for reader in readers} == {b""}


async def test_edits_that_come_faster_than_frames_may_are_merged(autojump_clock: trio.testing.MockClock) -> None:
    async with running(Hub(frame_seconds=0.25)) as hub:
        reader = hub.follow()
        hub.append((0, 0, 1))
        assert (await reader.event()).startswith(b"id: 2\n")
        for x in range(5):
            await trio.sleep(0.01)
            hub.append((x, 1, 1))
        assert reader.has_come() == b""
        began = trio.current_time()
        assert (await reader.event()).startswith(b"id: 7\n")
        assert 0.15 < trio.current_time() - began <= 0.25
        assert hub.sockets.frames == 2


async def test_newcomer_is_caught_up_at_once() -> None:
    async with running(Hub()) as hub:
        hub.append((1, 1, 1))
        hub.append((2, 1, 1))
        reader = hub.follow(1, form=Format.JSON)
        assert await reader.event() == b'id: 3\ndata: {"v":3,"edits":[[1,1,1],[2,1,1]]}\n\n'


@pytest.mark.parametrize(("version", "log_id", "code"), [(9, None, b"future"), (1, "other", b"other-log")])
async def test_who_cannot_be_caught_up_is_told_to_reload_and_ended(
    version: int, log_id: str | None, code: bytes
) -> None:
    async with running(Hub()) as hub:
        reader = hub.follow(version, log_id=log_id)
        event = await reader.event()
        assert event.startswith(b"event: reload\n")
        assert code in event
        assert await reader.event() == b""
        assert len(hub.sockets) == hub.broadcaster.subscribers == 0


async def test_laggard_gets_the_rest_and_then_everything_merged() -> None:
    async with running(Hub()) as hub:
        slow, quick = hub.follow(form=Format.JSON), hub.follow(form=Format.JSON)
        for number in range(900):
            hub.append((number % SMALL.width, number // SMALL.width % SMALL.height, 1))
            assert (await quick.event()).startswith(b"id: %d\n" % (number + 2))
        events = []
        version = 1
        while version < 901:
            events.append(await slow.event())
            version = int(events[-1][4 : events[-1].index(b"\n")])
        assert len(events) < 900
        hub.append((0, 0, 2))
        for reader in (slow, quick):
            assert b"[0,0,2]" in await reader.event()


async def test_laggard_whom_the_feed_has_left_behind_is_told_to_reload() -> None:
    async with running(Hub(max_records=10)) as hub:
        slow, quick = hub.follow(form=Format.JSON), hub.follow(form=Format.JSON)
        for number in range(900):
            hub.append((number % SMALL.width, 0, 1))
            await quick.event()
        while not (event := await slow.event()).startswith(b"event: reload"):
            assert event
        assert b"too-old" in event
        assert await slow.event() == b""
        assert len(hub.sockets) == 1


async def test_hang_up_is_noticed_without_sending() -> None:
    async with running(Hub()) as hub:
        readers = [hub.follow() for _ in range(MANY)]
        for reader in readers:
            reader.hang_up()
        await until_empty(hub)
        assert hub.broadcaster.subscribers == 0


async def test_stream_ends_with_the_last_edit() -> None:
    async with running(Hub()) as hub:
        readers = [hub.follow() for _ in range(MANY)]
        hub.append((1, 1, 1))
        hub.broadcaster.close()
        for reader in readers:
            assert (await reader.event()).startswith(b"id: 2\n")
            assert await reader.event() == b""
        await until_empty(hub)


async def test_heartbeats_come_in_turn_while_nothing_is_placed(autojump_clock: trio.testing.MockClock) -> None:
    async with running(Hub(heartbeat_seconds=15)) as hub:
        readers = [hub.follow() for _ in range(30)]
        await trio.sleep(7.5)
        early = [reader.has_come() for reader in readers]
        beat = hub.broadcaster.status()
        assert set(early) == {b"", beat}
        await trio.sleep(8)
        late = [reader.has_come() for reader in readers]
        assert [one + other for one, other in zip(early, late, strict=True)] == [beat] * 30


async def test_no_heartbeat_where_edits_come(autojump_clock: trio.testing.MockClock) -> None:
    async with running(Hub(heartbeat_seconds=15)) as hub:
        reader = hub.follow()
        for _ in range(60):
            await trio.sleep(0.5)
            hub.append((1, 1, 1))
        await trio.testing.wait_all_tasks_blocked()
        assert b"event: status" not in reader.has_come()


async def test_status_rides_on_the_next_frame_and_only_there(autojump_clock: trio.testing.MockClock) -> None:
    async with running(Hub()) as hub:
        readers = [hub.follow() for _ in range(MANY)]
        hub.append((1, 1, 1))
        await trio.testing.wait_all_tasks_blocked()
        assert {reader.has_come() for reader in readers} == {readers_frame(hub)}
        hub.broadcaster.look()
        await trio.testing.wait_all_tasks_blocked()
        assert {reader.has_come() for reader in readers} == {b""}
        hub.append((2, 2, 2))
        await trio.testing.wait_all_tasks_blocked()
        frame = frame_from(hub, 2)
        assert {reader.has_come() for reader in readers} == {frame + hub.broadcaster.status()}
        assert b'"viewers": %d' % MANY in hub.broadcaster.status()
        hub.append((3, 3, 3))
        await trio.testing.wait_all_tasks_blocked()
        assert {reader.has_come() for reader in readers} == {frame_from(hub, 3)}


async def test_all_are_told_at_once_that_edits_are_not_taken_and_who_lags_afterwards() -> None:
    async with running(Hub()) as hub:
        slow = hub.follow(form=Format.JSON)
        readers = [hub.follow() for _ in range(5)]
        for number in range(900):  # more than fits into the buffers of a client that doesn't read
            hub.append((number % SMALL.width, 0, 1))
            for reader in readers:
                await reader.event()
        hub.writable = False
        hub.broadcaster.look()
        await trio.testing.wait_all_tasks_blocked()
        assert b'"writable": false' in hub.broadcaster.status()
        assert {reader.has_come() for reader in readers} == {hub.broadcaster.status()}
        events = [await slow.event()]
        while not events[-1].startswith(b"event: status"):
            events.append(await slow.event())
        assert events[-1] == hub.broadcaster.status()


async def test_newcomer_who_knows_the_status_is_not_told_again() -> None:
    async with running(Hub()) as hub:
        first = hub.follow()
        hub.append((1, 1, 1))
        await first.event()
        hub.broadcaster.look()
        late = hub.follow(2)
        hub.append((2, 2, 2))
        await trio.testing.wait_all_tasks_blocked()
        frame = frame_from(hub, 2)
        assert first.has_come() == frame + hub.broadcaster.status()
        assert late.has_come() == frame


async def test_subscriber_for_whom_there_is_no_memory_ends_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(Hub()) as hub:
        slow, quick = hub.follow(form=Format.JSON), hub.follow(form=Format.JSON)
        while not hub.sockets.laggards:
            hub.append(*[(x % SMALL.width, 0, 1) for x in range(1_000)])
            await quick.event()
        with monkeypatch.context() as patched:
            patched.setattr(Subscriber, "poll_chunks", lambda _: bytes(1 << 60))  # more than any machine has
            while len(hub.sockets) > 1:  # the rest of the frame is read first
                await slow.event()
        hub.append((1, 1, 2))
        assert b"[1,1,2]" in await quick.event()


async def test_stalled_stream_is_cut(autojump_clock: trio.testing.MockClock) -> None:
    async with running(Hub(stall_seconds=30)) as hub:
        stalled = hub.follow(form=Format.JSON)
        for number in range(900):
            hub.append((number % SMALL.width, 0, 1))
            await trio.lowlevel.checkpoint()
        await trio.testing.wait_all_tasks_blocked()
        assert len(hub.sockets) == 1
        await trio.sleep(40)
        assert len(hub.sockets) == hub.broadcaster.subscribers == 0
        stalled.hang_up()


async def test_frames_and_bytes_are_counted_once_however_often_a_frame_is_written() -> None:
    hub = Hub()
    async with running(hub):
        slow, quick = hub.follow(), hub.follow()
        frames, came = 0, b""
        while not hub.sockets.laggards:
            # larger than half of a socket's buffer
            hub.append(*[(x % SMALL.width, 0, frames % 4) for x in range(1_000)])
            frames += 1
            await trio.testing.wait_all_tasks_blocked()
            came += quick.has_come()
        assert hub.sockets.frames_sent == 2 * frames
        assert hub.sockets.bytes_sent < 2 * quick.received_bytes
        late = b""
        with trio.fail_after(LIMIT_SECONDS):
            while hub.sockets.laggards:
                late += slow.has_come()
                await trio.testing.wait_all_tasks_blocked()
        late += slow.has_come()
        assert late == came
        assert hub.sockets.frames_sent == 2 * frames
        assert hub.sockets.bytes_sent == 2 * quick.received_bytes
