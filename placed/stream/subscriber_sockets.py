"""Writes frames to many streams at once, straight to their sockets, without a task for each.

To send through a generator for each stream and Hypercorn takes 15 times as long as the kernel's send alone (design.md,
section 5). Here a stream is a file descriptor and a `Subscriber`. Streams that keep up stand at one version, in packs
of up to 256. A broadcast visits one pack after the other, and gives each all edits that are new by then: non-blocking
writes of one shared frame, and nothing else. So an edit that comes during a broadcast reaches the packs that are still
to be visited, and needn't wait for the next broadcast. A stream that can't take a frame whole lags: when its socket has
room again, it gets the rest, and then everything since, merged. It is cut when it takes nothing for long. A stream that
lacks a full frame or more gets one after the other, in the turns of `placed.stream.catch_ups`.
`placed.stream.watched_sockets` reports which sockets have room and which peers have left.

    IDLE     keeps up, and gets new edits with its pack
    BUSY     lacks a full frame or more, and waits for its turn to get one
    STALLED  lags: its socket didn't take the last write whole
    GONE     closed: it has left, stalled for too long, or got the end of its stream
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

import trio

from placed.stream.chunked import LAST_CHUNK
from placed.stream.pace import Stopwatch
from placed.stream.packs import MOST_MEMBERS, Pack, Packs, SubscriberSocket
from placed.stream.peer_end import has_left
from placed.stream.watched_sockets import BUSY, GONE, IDLE, STALLED, TICK_SECONDS, WatchedSockets
from placed.telemetry.metrics import FAST

if TYPE_CHECKING:
    from collections.abc import Container

    from placed.stream.broadcaster import Broadcaster
    from placed.stream.subscriber import Subscriber
    from placed.stream.watched_sockets import State

_WRITES_AT_ONCE: Final = MOST_MEMBERS
_FRAMES_AT_ONCE: Final = 4  # to a pack: with ten thousand edits a second, several frames become due at a time
_FEW_STREAMS: Final = 16  # they take 0.1 ms; to measure the turn's time, 5 us, and to rest would cost more than that
_READ_BYTES: Final = 4_096
_MOST_HEARD_BYTES: Final = 65_536  # a browser sends nothing more; a client that does would keep the server reading


class SubscriberSockets:
    """The sockets of one server's subscribers that have no task of their own.

    Args:
        broadcaster: the broadcaster that the subscribers follow.
        heartbeat_seconds: the time between two heartbeats to one stream while nobody paints.
        stall_seconds: the time in which a stream that lags must take anything.
        frame_seconds: the least time between the starts of two broadcasts.

    Attributes:
        frames: how many broadcasts there were.
        frames_sent: how many frames were given to streams.
        bytes_sent: how many bytes the sockets took.
    """

    def __init__(
        self, broadcaster: Broadcaster, *, heartbeat_seconds: float, stall_seconds: float, frame_seconds: float
    ) -> None:
        self._broadcaster = broadcaster
        self._slots = max(1, round(heartbeat_seconds / TICK_SECONDS))
        self._slot = 0
        self._frames_at_tick = 0
        self._stall_seconds = stall_seconds
        self._frame_seconds = frame_seconds
        self._sockets = WatchedSockets[SubscriberSocket](
            turn=_WRITES_AT_ONCE, hear=self._hear, resume=self._catch_up, end=self._drop, tick=self._look_after
        )
        self._lagging: set[SubscriberSocket] = set()
        self._packs = Packs()
        self._catching_up: dict[SubscriberSocket, None] = {}  # in the order of their turns
        self._asked = trio.Event()  # set when a socket needs a turn
        self._telling = False
        self._watch = Stopwatch()
        self.frames = 0
        self.frames_sent = 0
        self.bytes_sent = 0

    def __len__(self) -> int:
        return len(self._sockets)

    @property
    def laggards(self) -> int:
        """How many streams haven't taken all bytes that they were given."""
        return len(self._lagging)

    def add(self, fd: int, subscriber: Subscriber) -> None:
        """Serve a stream from here on.

        Args:
            fd: its socket, non-blocking, to which the response's head has been sent; closed here.
            subscriber: the stream's subscriber; closed here.
        """
        socket = SubscriberSocket(fd, subscriber)
        self._sockets.add(socket)
        self._packs.loose[socket] = None
        self._sockets.attempt(self._catch_up, socket)

    def end(self, subscribers: Container[Subscriber]) -> None:
        """End the streams of these subscribers, which are over: at once, or when the socket has room for the end."""
        for socket in [one for one in self._sockets if one.subscriber in subscribers]:
            if socket.pack is not None:
                self._packs.loosen(socket, socket.pack.version, socket.pack.edition)
            if socket.is_ready:
                self._sockets.attempt(self._catch_up, socket)

    async def run(self) -> None:
        """Serve all streams until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._broadcast_changes)
            nursery.start_soon(self._give_turns)
            nursery.start_soon(self._sockets.run)

    async def wait_empty(self) -> None:
        """Wait until no subscriber is left. Close the broadcaster first; each stream then ends once it has got all."""
        await self._sockets.wait_empty()

    async def _broadcast_changes(self) -> None:
        hub, seen, urgent = self._broadcaster, self._broadcaster.version, self._broadcaster.urgent
        behind = seen

        def is_news() -> bool:
            return hub.closed or hub.version != seen or hub.is_behind(behind) or urgent < hub.urgent

        while not hub.closed:
            await hub.wait(is_news)
            started = trio.current_time()
            seen, urgent = hub.version, hub.urgent
            await self._broadcast()
            # A pack may still be behind: edits came after its turn, or more of them than it gets at once. A pack that
            # waits for the end of an act doesn't count, since there is nothing to send to it.
            behind = min((pack.version for pack in self._packs.packs if not hub.waits(pack.version)), default=seen)
            if not hub.closed:
                await trio.sleep_until(started + self._frame_seconds)
        # The broadcaster may have been closed during the last broadcast. This one gives each stream the edits that it
        # still lacks, and its end.
        await self._broadcast()

    async def _broadcast(self) -> None:
        """Bring each stream that keeps up to the newest version at its turn; a stream that begins meanwhile waits for
        the next broadcast."""
        self.frames += 1
        self._telling = True  # no heartbeats meanwhile: the streams are about to get a frame
        try:
            self._packs.gather()
            await self._tell_packs()
            await self._sockets.in_turns([one for one in self._packs.loose if one.is_ready], self._tell_one)
            self._packs.merge()
        finally:
            self._telling = False

    async def _tell_packs(self) -> None:
        if len(self) < _FEW_STREAMS:
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
        """Send a pack the frames that it lacks, if there are any for it; return how many writes that took."""
        if self._is_lost(pack):
            self._packs.disband(pack)
        elif self._broadcaster.is_behind(pack.version) or pack.edition < self._broadcaster.urgent:
            writes = len(pack.members)
            self._tell(pack)
            return writes
        return 0

    async def _rest(self) -> None:
        """Give the clients that paint their time after a turn."""
        took = self._watch.end()
        if self._broadcaster.closed:  # the server's end waits for this, and nobody paints any more
            await trio.lowlevel.checkpoint()
        else:
            await self._broadcaster.pace.rest(took, self._watch.frame_seconds)
        self._watch.begin()

    def _is_lost(self, pack: Pack) -> bool:
        """Whether its members get no more frames, because their streams end, or they are sent back to the image."""
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
        # Nothing but a write for each: with 10,000 subscribers this loop runs 10,000 times for each edit. The list is a
        # copy, because a subscriber that lags or has left is removed from the members.
        for fd in list(members):
            try:
                sent = write(fd, frame)
            except BlockingIOError:  # the socket's buffer is still full; to wait for room would hold up all others
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
        # The members that are left have got it whole, and are counted together.
        self.frames_sent += len(members)
        self.bytes_sent += len(members) * length
        stood, pack.version, pack.edition = pack.version, after, edition
        if members and after != stood:
            self._broadcaster.told(FAST, stood)

    def _tell_one(self, socket: SubscriberSocket) -> None:
        if socket.is_ready:
            self._catch_up(socket)

    def _catch_up(self, socket: SubscriberSocket) -> None:
        """Write the bytes that it lacks, as far as its socket takes them; if it lacks a full frame, let it wait for a
        turn."""
        while socket.rest or not socket.subscriber.catches_up:
            if not self._write(socket):
                return
        self._lags_no_more(socket, BUSY)
        self._catching_up[socket] = None
        self._asked.set()

    async def _give_turns(self) -> None:
        """Give a frame to each subscriber that catches up, one after the other, round and round."""
        while True:
            await self._asked.wait()
            self._asked = trio.Event()
            while self._catching_up:
                async with self._broadcaster.catch_ups.turn():
                    # Choose the socket now, after the wait: the first in line may have left meanwhile.
                    self._have_turn()

    def _have_turn(self) -> None:
        socket = next(iter(self._catching_up), None)
        if socket is not None:
            del self._catching_up[socket]
            self._sockets.change(socket, IDLE)
            self._sockets.attempt(self._write_one, socket)

    def _write_one(self, socket: SubscriberSocket) -> None:
        if self._write(socket):
            self._catch_up(socket)

    def _write(self, socket: SubscriberSocket) -> bool:
        """Write the rest of the last write, or the next bytes; whether there were any, and the socket took them all."""
        data = socket.rest or self._next_of(socket)
        if data is None:
            self._drop(socket)
            return False
        if not data:
            self._lags_no_more(socket, IDLE)
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

    def _lags_no_more(self, socket: SubscriberSocket, state: State) -> None:
        socket.lags_since = None
        self._lagging.discard(socket)
        self._sockets.change(socket, state)

    def _next_of(self, socket: SubscriberSocket) -> bytes | None:
        """The bytes that it lacks; None at the end of its stream, after the last chunk was sent if there was room."""
        chunks = socket.subscriber.poll_chunks()
        if chunks is not None:
            return b"".join(chunks)
        # Without the last chunk a client would take the end for a broken connection. One attempt is enough: a client
        # whose socket has no room for 5 bytes lags, and finds the end when it reads on.
        with contextlib.suppress(OSError):
            os.write(socket.fd, LAST_CHUNK)
        return None

    def _lag(self, socket: SubscriberSocket, data: bytes | memoryview, sent: int) -> None:
        if socket.state is not STALLED:
            self._lagging.add(socket)
            self._sockets.change(socket, STALLED)
            socket.lags_since = trio.current_time()
        elif sent:  # slow, but alive: only a stream that takes nothing at all is cut
            socket.lags_since = trio.current_time()
        socket.rest = memoryview(data)[sent:]

    def _drop(self, socket: SubscriberSocket) -> None:
        if socket.state is GONE:
            return
        # Everything that knows the descriptor must forget it before it is closed: the next connection may get the same
        # number, and would be sent this one's frames.
        self._packs.remove(socket)
        self._catching_up.pop(socket, None)
        self._lagging.discard(socket)
        os.close(self._sockets.release(socket))
        socket.rest = b""
        socket.subscriber.close()

    def _hear(self, socket: SubscriberSocket) -> None:
        """Notice that the peer has ended its side. Ignore any other input, and cut a client that sends much of it."""
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
        """The peer has ended its side: it has left, or may still read (`placed.stream.peer_end`)."""
        self._sockets.end_input(socket)
        # A peer that has left resets the connection when it is sent something. So send something now, or a peer that
        # has left would keep its place until the next edit.
        if not self._telling:
            self._send_heartbeat(socket)

    async def _look_after(self) -> None:
        """Each second, cut streams that stall or have left, and send heartbeats to a share of the silent ones."""
        too_old = trio.current_time() - self._stall_seconds
        late = [one for one in self._lagging if one.lags_since is not None and one.lags_since < too_old]
        await self._sockets.in_turns(late, self._cut)
        for socket in [one for one in self._sockets.ended if has_left(one.fd)]:
            self._drop(socket)
        self._slot = (self._slot + 1) % self._slots
        if self._frames_at_tick == self.frames:
            # The descriptor's number decides in which second a stream has its heartbeat, so no list has to be kept.
            silent = [one for one in self._sockets if one.fd % self._slots == self._slot]
            await self._sockets.in_turns(silent, self._send_heartbeat_unless_told)
        self._frames_at_tick = self.frames

    def _cut(self, socket: SubscriberSocket) -> None:
        if socket.rest:  # it may have taken all bytes meanwhile
            self._drop(socket)

    def _send_heartbeat_unless_told(self, socket: SubscriberSocket) -> None:
        if not self._telling:  # during a broadcast everybody gets a frame
            self._send_heartbeat(socket)

    def _send_heartbeat(self, socket: SubscriberSocket) -> None:
        if not socket.is_ready:
            return
        if socket.pack is not None:
            self._packs.loosen(socket, socket.pack.version, socket.pack.edition)
        socket.rest = socket.subscriber.heartbeat_chunk()
        self._catch_up(socket)
