"""Followers: streams of edits without a task each, their sockets written to directly.

A generator per stream through Hypercorn costs 15 times what the kernel takes for a send (design.md, section 5). Here a
stream is a file descriptor and a `Subscriber`. One non-blocking write gives it a frame that all share; who can't take
it whole lags, gets the rest and then everything since, merged, in one write when its socket has room again, and is cut
when it takes nothing for long. One selector, awaited by one task, tells of room and of hang-ups.
"""

from __future__ import annotations

import os
import selectors
from typing import TYPE_CHECKING, Final

import trio

from placed.http import sse

if TYPE_CHECKING:
    from placed.broadcaster import Broadcaster, Subscriber

_WRITES_AT_ONCE: Final = 256  # about 2 ms; then other tasks have their turn
_TICK_SECONDS: Final = 1.0
_READ_BYTES: Final = 4_096
_BOTH: Final = selectors.EVENT_READ | selectors.EVENT_WRITE


class _Follower:
    """One stream.

    Attributes:
        fd: its socket; -1 once it's closed.
        rest: what the socket didn't take of the last write.
        lags_since: when it last took anything, on Trio's clock; None while it keeps up.
    """

    __slots__ = ("fd", "lags_since", "rest", "subscriber")

    def __init__(self, fd: int, subscriber: Subscriber) -> None:
        self.fd = fd
        self.subscriber = subscriber
        self.rest: memoryview | bytes = b""
        self.lags_since: float | None = None


class Followers:
    """All streams of one server that have no task of their own. A context manager around `run`.

    Args:
        broadcaster: what they follow.
        heartbeat_seconds: between two signs of life to one stream when nothing is placed.
        stall_seconds: for a stream that lags to take anything.
        frame_seconds: at least, between the starts of two broadcasts.
    """

    def __init__(
        self, broadcaster: Broadcaster, *, heartbeat_seconds: float, stall_seconds: float, frame_seconds: float
    ) -> None:
        self._broadcaster = broadcaster
        self._slots = max(1, round(heartbeat_seconds / _TICK_SECONDS))
        self._stall_seconds = stall_seconds
        self._frame_seconds = frame_seconds
        self._all: dict[int, _Follower] = {}
        self._lagging: set[_Follower] = set()
        self._selector = selectors.DefaultSelector()
        self._empty = trio.Event()
        self.frames = 0

    def __len__(self) -> int:
        return len(self._all)

    def add(self, fd: int, subscriber: Subscriber) -> None:
        """Serve a stream from here on.

        Args:
            fd: its socket, non-blocking, the response's head sent; closed here.
            subscriber: where it stands; closed here.
        """
        follower = _Follower(fd, subscriber)
        self._all[fd] = follower
        self._selector.register(fd, selectors.EVENT_READ, follower)
        self._catch_up(follower)

    async def run(self) -> None:
        """Serve all of them until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._broadcast_changes)
                nursery.start_soon(self._watch_sockets)
                nursery.start_soon(self._tick)
        finally:
            self.drop_all()
            self._selector.close()

    async def wait_empty(self) -> None:
        """Wait until there is none; the broadcaster has been closed, so that each ends with what it lacks."""
        while self._all:
            await self._empty.wait()

    def drop_all(self) -> None:
        """Close all, whatever they lack."""
        for follower in list(self._all.values()):
            self._drop(follower)

    async def _broadcast_changes(self) -> None:
        hub, seen = self._broadcaster, self._broadcaster.version
        while not hub.closed:
            await hub.wait(lambda: hub.closed or hub.is_behind(seen))  # noqa: B023 - asked before `seen` is set anew
            started = trio.current_time()
            seen = hub.version
            await self._broadcast()
            if not hub.closed:
                await trio.sleep_until(started + self._frame_seconds)
        await self._broadcast()

    async def _broadcast(self) -> None:
        """Give everybody who keeps up what is new. What comes meanwhile is for the next time."""
        self.frames += 1
        write, catch_up = os.write, self._catch_up
        budget = _WRITES_AT_ONCE
        version, form, after, frame = -1, None, -1, b""
        for follower in list(self._all.values()):
            subscriber = follower.subscriber
            if follower.fd < 0 or follower.rest:
                continue
            is_shared = subscriber.version == version and subscriber.form is form and subscriber.is_same_log
            if not is_shared or self._broadcaster.closed:
                came_from, kind = subscriber.version, subscriber.form
                catch_up(follower)
                shared = self._broadcaster.shared_frame(came_from, kind)
                if shared is not None:
                    version, form, (after, frame) = came_from, kind, shared
            else:
                subscriber.version = after
                try:
                    sent = write(follower.fd, frame)
                except BlockingIOError:
                    sent = 0
                except OSError:
                    self._drop(follower)
                    sent = len(frame)
                if sent < len(frame):
                    self._lag(follower, frame, sent)
            budget -= 1
            if not budget:
                budget = _WRITES_AT_ONCE
                await trio.lowlevel.checkpoint()
                version, form = -1, None  # the projection may have moved on

    def _catch_up(self, follower: _Follower) -> None:
        """Write what it lacks, as far as its socket takes it."""
        while True:
            data = follower.rest or follower.subscriber.poll()
            if data is None:
                self._drop(follower)
                return
            if not data:
                if follower.lags_since is not None:
                    follower.lags_since = None
                    self._lagging.discard(follower)
                    self._selector.modify(follower.fd, selectors.EVENT_READ, follower)
                return
            try:
                sent = os.write(follower.fd, data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._drop(follower)
                return
            if sent < len(data):
                self._lag(follower, data, sent)
                return
            follower.rest = b""

    def _lag(self, follower: _Follower, data: bytes | memoryview, sent: int) -> None:
        if follower.lags_since is None:
            self._lagging.add(follower)
            self._selector.modify(follower.fd, _BOTH, follower)
        if sent or follower.lags_since is None:
            follower.lags_since = trio.current_time()
        follower.rest = memoryview(data)[sent:]

    def _drop(self, follower: _Follower) -> None:
        if follower.fd < 0:
            return
        self._selector.unregister(follower.fd)
        del self._all[follower.fd]
        self._lagging.discard(follower)
        os.close(follower.fd)
        follower.fd = -1
        follower.rest = b""
        follower.subscriber.close()
        if not self._all:
            self._empty.set()
            self._empty = trio.Event()

    async def _watch_sockets(self) -> None:
        while True:
            await trio.lowlevel.wait_readable(self._selector.fileno())
            for count, (key, events) in enumerate(self._selector.select(0)):
                follower: _Follower = key.data
                if events & selectors.EVENT_READ and follower.fd >= 0:
                    self._hear(follower)
                if events & selectors.EVENT_WRITE and follower.fd >= 0:
                    self._catch_up(follower)
                if count % _WRITES_AT_ONCE == _WRITES_AT_ONCE - 1:
                    await trio.lowlevel.checkpoint()

    def _hear(self, follower: _Follower) -> None:
        """Notice a hang-up. What else somebody says who asked for a stream is nothing to us."""
        try:
            if not os.read(follower.fd, _READ_BYTES):
                self._drop(follower)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(follower)

    async def _tick(self) -> None:
        """Heartbeats, each second to those whose turn it is, if nothing was sent lately; and cut who stalls."""
        slot, frames = 0, 0
        while True:
            await trio.sleep(_TICK_SECONDS)
            too_old = trio.current_time() - self._stall_seconds
            for follower in [one for one in self._lagging if one.lags_since is not None and one.lags_since < too_old]:
                self._drop(follower)
            slot = (slot + 1) % self._slots
            if frames == self.frames:
                await self._send_heartbeats([one for fd, one in self._all.items() if fd % self._slots == slot])
            frames = self.frames

    async def _send_heartbeats(self, followers: list[_Follower]) -> None:
        for count, follower in enumerate(followers):
            if follower.fd >= 0 and not follower.rest:
                follower.rest = sse.HEARTBEAT
                self._catch_up(follower)
            if count % _WRITES_AT_ONCE == _WRITES_AT_ONCE - 1:
                await trio.lowlevel.checkpoint()
