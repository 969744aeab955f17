"""Writes frames to many streams at once, straight to their sockets, without a task for each.

A generator per stream through Hypercorn costs 15 times what the kernel takes for a send (design.md, section 5). Here a
stream is a file descriptor and a `Subscriber`. Streams that keep up stand at one version, in packs of a few hundred. A
broadcast gives each pack, in turn, all that is new by then: non-blocking writes of one shared frame, and nothing else.
So an edit waits until the broadcast comes by, rather than for its end and then for a place in the next one. A stream
that can't take a frame whole lags: it gets the rest, and then everything since, merged, when its socket has room again.
It is cut when it takes nothing for long. A stream that lacks a full frame or more gets one after the other, as
`placed.stream.catch_ups` gives turns. One selector, awaited by one task, tells of room and of hang-ups.
"""

from __future__ import annotations

import contextlib
import os
import selectors
from typing import TYPE_CHECKING, Final

import trio

from placed.stream.chunked import LAST_CHUNK
from placed.stream.pace import Stopwatch
from placed.stream.packs import MOST_MEMBERS, Pack, Packs, SubscriberSocket
from placed.stream.peer_end import has_left
from placed.telemetry.metrics import FAST

if TYPE_CHECKING:
    from placed.stream.broadcaster import Broadcaster
    from placed.stream.subscriber import Subscriber

_WRITES_AT_ONCE: Final = MOST_MEMBERS
_FRAMES_AT_ONCE: Final = 4  # to a pack: where edits come by the ten thousand, they are more than one frame at a time
_FEW_STREAMS: Final = 16  # 0.1 ms: to take the time of a turn, 5 us here, and to rest would cost more than they do
_TICK_SECONDS: Final = 1.0
_READ_BYTES: Final = 4_096
_MOST_HEARD_BYTES: Final = 65_536  # a browser says nothing more; who goes on would keep the server reading


class SubscriberSockets:
    """The subscribers of one server that have no task of their own, by their sockets. A context manager around `run`.

    Args:
        broadcaster: the one that they follow.
        heartbeat_seconds: between two signs of life to one stream when nothing is placed.
        stall_seconds: for a stream that lags to take anything.
        frame_seconds: at least, between the starts of two broadcasts.

    Attributes:
        frames: broadcasts.
        frames_sent: frames given to streams.
        bytes_sent: bytes that their sockets took.
    """

    def __init__(
        self, broadcaster: Broadcaster, *, heartbeat_seconds: float, stall_seconds: float, frame_seconds: float
    ) -> None:
        self._broadcaster = broadcaster
        self._slots = max(1, round(heartbeat_seconds / _TICK_SECONDS))
        self._stall_seconds = stall_seconds
        self._frame_seconds = frame_seconds
        self._all: dict[int, SubscriberSocket] = {}
        self._lagging: set[SubscriberSocket] = set()
        self._ended: set[SubscriberSocket] = set()
        self._packs = Packs()
        self._catching_up: dict[SubscriberSocket, None] = {}  # in the order of their turns
        self._asked = trio.Event()  # for a turn
        self._telling = False
        self._watch = Stopwatch()
        self._selector = selectors.DefaultSelector()
        self._empty = trio.Event()
        self.frames = 0
        self.frames_sent = 0
        self.bytes_sent = 0

    def __len__(self) -> int:
        return len(self._all)

    @property
    def laggards(self) -> int:
        """How many haven't taken all that they were sent."""
        return len(self._lagging)

    def add(self, fd: int, subscriber: Subscriber) -> None:
        """Serve a stream from here on.

        Args:
            fd: its socket, non-blocking, the response's head sent; closed here.
            subscriber: where it stands; closed here.
        """
        socket = SubscriberSocket(fd, subscriber)
        self._all[fd] = socket
        self._packs.loose[socket] = None
        self._watch_for_what_matters(socket)
        self._catch_up(socket)

    async def run(self) -> None:
        """Serve all of them until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._broadcast_changes)
                nursery.start_soon(self._give_turns)
                nursery.start_soon(self._watch_sockets)
                nursery.start_soon(self._tick)
        finally:
            self.drop_all()
            self._selector.close()

    async def wait_empty(self) -> None:
        """Wait until no subscriber is left; the broadcaster has been closed, so each ends once it has got all."""
        while self._all:
            await self._empty.wait()

    def drop_all(self) -> None:
        """Close all, whatever they lack."""
        for socket in list(self._all.values()):
            self._drop(socket)

    async def _broadcast_changes(self) -> None:
        hub, seen, urgent = self._broadcaster, self._broadcaster.version, self._broadcaster.urgent
        while not hub.closed:
            await hub.wait(lambda: hub.closed or hub.is_behind(seen) or urgent < hub.urgent)  # noqa: B023 - asked at once
            started = trio.current_time()
            seen, urgent = hub.version, hub.urgent
            await self._broadcast()
            # A pack may be behind yet: what came after its turn, or more than fits into a frame.
            seen = min((pack.version for pack in self._packs.packs), default=seen)
            if not hub.closed:
                await trio.sleep_until(started + self._frame_seconds)
        await self._broadcast()

    async def _broadcast(self) -> None:
        """Give everybody who keeps up what is new when their turn comes. Who comes meanwhile is for the next time."""
        self.frames += 1
        self._telling = True
        try:
            self._packs.gather()
            await self._tell_packs()
            await self._tell_each([one for one in self._packs.loose if one.is_ready])
            self._packs.merge()
        finally:
            self._telling = False

    async def _tell_packs(self) -> None:
        if len(self._all) < _FEW_STREAMS:
            for pack in list(self._packs.packs):
                self._bring_up_to_date(pack)
            return
        writes = 0
        self._watch.begin_frame()
        for pack in list(self._packs.packs):
            writes += self._bring_up_to_date(pack)
            if writes >= _WRITES_AT_ONCE:
                writes = 0
                await self._rest()
        if writes:
            await self._rest()

    def _bring_up_to_date(self, pack: Pack) -> int:
        """Tell a pack what it lacks, if that can be told; the writes that this took."""
        if self._is_lost(pack):
            self._packs.disband(pack)
        elif self._broadcaster.is_behind(pack.version) or pack.edition < self._broadcaster.urgent:
            writes = len(pack.members)
            self._tell(pack)
            return writes
        return 0

    async def _rest(self) -> None:
        """Let those who paint have their time behind a turn."""
        took = self._watch.end()
        if self._broadcaster.closed:
            await trio.lowlevel.checkpoint()
        else:
            await self._broadcaster.pace.rest(took, self._watch.frame_seconds)
        self._watch.begin()

    def _is_lost(self, pack: Pack) -> bool:
        """Whether its members get no frame, but the end, or are sent back to the image."""
        return self._broadcaster.closed or self._broadcaster.stale(pack.version, None) is not None

    def _tell(self, pack: Pack) -> None:
        hub, after, edition, frames = self._broadcaster, pack.version, self._broadcaster.edition, list[bytes]()
        while hub.is_behind(after) and len(frames) < _FRAMES_AT_ONCE:
            after, frame = hub.frame(after, pack.form)
            frames.append(frame)
        if pack.edition != edition:
            frames.append(hub.status_chunk())
        frame = b"".join(frames)
        write, length, members = os.write, len(frame), pack.members
        for fd in list(members):
            try:
                sent = write(fd, frame)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._drop(members[fd])
                continue
            if sent != length:
                socket = members[fd]
                self._packs.loosen(socket, after, edition)
                self._lag(socket, frame, sent)
                self.frames_sent += 1
                self.bytes_sent += sent
        # Who is a member yet has got it whole: counted once for all.
        self.frames_sent += len(members)
        self.bytes_sent += len(members) * length
        stood, pack.version, pack.edition = pack.version, after, edition
        if members and after != stood:
            self._broadcaster.told(FAST, stood)

    async def _tell_each(self, sockets: list[SubscriberSocket]) -> None:
        for count, socket in enumerate(sockets):
            if socket.is_ready:
                self._catch_up(socket)
            if count % _WRITES_AT_ONCE == _WRITES_AT_ONCE - 1:
                await trio.lowlevel.checkpoint()

    def _catch_up(self, socket: SubscriberSocket) -> None:
        """Write what it lacks, as far as its socket takes it; whatever makes a full frame is for its turns."""
        while socket.rest or not socket.subscriber.catches_up:
            if not self._write(socket):
                return
        self._keeps_up(socket)
        socket.catches_up = True
        self._catching_up[socket] = None
        self._asked.set()

    async def _give_turns(self) -> None:
        """Give a frame to each subscriber that catches up, one after the other, round and round."""
        while True:
            await self._asked.wait()
            self._asked = trio.Event()
            while self._catching_up:
                async with self._broadcaster.catch_ups.turn():
                    self._have_turn()

    def _have_turn(self) -> None:
        socket = next(iter(self._catching_up), None)
        if socket is not None:
            del self._catching_up[socket]
            socket.catches_up = False
            if self._write(socket):
                self._catch_up(socket)

    def _write(self, socket: SubscriberSocket) -> bool:
        """Write the rest, or what comes next; whether it was something, and the socket took it whole."""
        data = socket.rest or self._next_of(socket)
        if data is None:
            self._drop(socket)
            return False
        if not data:
            self._keeps_up(socket)
            return False
        self.frames_sent += not socket.rest
        try:
            sent = os.write(socket.fd, data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(socket)
            return False
        self.bytes_sent += sent
        if sent < len(data):
            self._lag(socket, data, sent)
            return False
        socket.rest = b""
        return True

    def _keeps_up(self, socket: SubscriberSocket) -> None:
        if socket.lags_since is not None:
            socket.lags_since = None
            self._lagging.discard(socket)
            self._watch_for_what_matters(socket)

    def _next_of(self, socket: SubscriberSocket) -> bytes | None:
        """The bytes that it lacks; None at the end of its stream, which was told already if its socket had room for
        that.
        """
        chunks = socket.subscriber.poll_chunks()
        if chunks is not None:
            return b"".join(chunks)
        with contextlib.suppress(OSError):
            os.write(socket.fd, LAST_CHUNK)
        return None

    def _lag(self, socket: SubscriberSocket, data: bytes | memoryview, sent: int) -> None:
        if socket.lags_since is None:
            self._lagging.add(socket)
            socket.lags_since = trio.current_time()
            self._watch_for_what_matters(socket)
        elif sent:
            socket.lags_since = trio.current_time()
        socket.rest = memoryview(data)[sent:]

    def _watch_for_what_matters(self, socket: SubscriberSocket) -> None:
        """Watch a lagging one for room, and each for input, until its peer has ended its side."""
        events = 0 if socket.ended else selectors.EVENT_READ
        events |= 0 if socket.lags_since is None else selectors.EVENT_WRITE
        if not events:
            self._stop_watching(socket)
        elif socket.fd in self._selector.get_map():
            self._selector.modify(socket.fd, events, socket)
        else:
            self._selector.register(socket.fd, events, socket)

    def _stop_watching(self, socket: SubscriberSocket) -> None:
        if socket.fd in self._selector.get_map():
            self._selector.unregister(socket.fd)

    def _drop(self, socket: SubscriberSocket) -> None:
        if socket.fd < 0:
            return
        self._stop_watching(socket)
        self._ended.discard(socket)
        del self._all[socket.fd]
        self._packs.remove(socket)
        self._catching_up.pop(socket, None)
        self._lagging.discard(socket)
        os.close(socket.fd)
        socket.fd = -1
        socket.rest = b""
        socket.subscriber.close()
        if not self._all:
            self._empty.set()
            self._empty = trio.Event()

    async def _watch_sockets(self) -> None:
        while True:
            await trio.lowlevel.wait_readable(self._selector.fileno())
            for count, (key, events) in enumerate(self._selector.select(0)):
                socket: SubscriberSocket = key.data
                if events & selectors.EVENT_READ and socket.fd >= 0:
                    self._hear(socket)
                if events & selectors.EVENT_WRITE and socket.fd >= 0:
                    self._catch_up(socket)
                if count % _WRITES_AT_ONCE == _WRITES_AT_ONCE - 1:
                    await trio.lowlevel.checkpoint()

    def _hear(self, socket: SubscriberSocket) -> None:
        """Notice the end. What else somebody says who asked for a stream is nothing to us, and much ends it."""
        try:
            heard = os.read(socket.fd, _READ_BYTES)
            socket.heard_bytes += len(heard)
            if socket.heard_bytes > _MOST_HEARD_BYTES:
                self._drop(socket)
            elif not heard:
                self._hear_the_end(socket)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(socket)

    def _hear_the_end(self, socket: SubscriberSocket) -> None:
        """Its peer says no more: it has left, or has only ended its own side. Who has left resets what it is sent."""
        socket.ended = True
        self._ended.add(socket)
        self._watch_for_what_matters(socket)
        if socket.is_ready and not self._telling:
            self._send_heartbeat(socket)

    async def _tick(self) -> None:
        """Each second send heartbeats to some silent streams, in turns, and cut those that stall or have left."""
        slot, frames = 0, 0
        while True:
            await trio.sleep(_TICK_SECONDS)
            too_old = trio.current_time() - self._stall_seconds
            await self._cut([one for one in self._lagging if one.lags_since is not None and one.lags_since < too_old])
            for socket in [one for one in self._ended if has_left(one.fd)]:
                self._drop(socket)
            slot = (slot + 1) % self._slots
            if frames == self.frames and not self._telling:
                await self._send_heartbeats([one for fd, one in self._all.items() if fd % self._slots == slot])
            frames = self.frames

    async def _cut(self, sockets: list[SubscriberSocket]) -> None:
        for count, socket in enumerate(sockets):
            if socket.rest:  # it may have taken something meanwhile, or be gone
                self._drop(socket)
            if count % _WRITES_AT_ONCE == _WRITES_AT_ONCE - 1:
                await trio.lowlevel.checkpoint()

    async def _send_heartbeats(self, sockets: list[SubscriberSocket]) -> None:
        for count, socket in enumerate(sockets):
            if self._telling:  # everybody gets a frame
                return
            if socket.is_ready:
                self._send_heartbeat(socket)
            if count % _WRITES_AT_ONCE == _WRITES_AT_ONCE - 1:
                await trio.lowlevel.checkpoint()

    def _send_heartbeat(self, socket: SubscriberSocket) -> None:
        if socket.pack is not None:
            self._packs.loosen(socket, socket.pack.version, socket.pack.edition)
        socket.rest = socket.subscriber.heartbeat_chunk()
        self._catch_up(socket)
