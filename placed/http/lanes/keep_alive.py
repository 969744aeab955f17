"""Keep-alive: watches connections between two requests, and answers plain hot requests at once.

A request with a task of its own costs several turns of the scheduler, and a system call for each wait. That is more
than all else that an edit costs. Here the task of a connection sleeps, and one selector watches all connections. A
plain hot request that came whole is answered without waking its task: an image from memory, an edit as soon as its
record is in the log. For everything else the task is woken, with the bytes.

    sleeping --an edit came--> busy --its record is settled, and the answer sent--> sleeping
       |                        +--the answer can't be sent whole--+
       +--anything else came, idle for too long, the peer left-----+--> the task wakes

A connection has at most one edit under way. What it sends meanwhile is read afterwards, so answers keep their order.
Bounded by the connections, which the front limits.
"""

from __future__ import annotations

import os
import selectors
from typing import TYPE_CHECKING, Final

import trio

from placed.http.lanes.hot_request import whole_request
from placed.http.lanes.wire import response_of
from placed.http.lanes.writing import write_both
from placed.telemetry.metrics import FAST

if TYPE_CHECKING:
    from placed.http.answer import Answer, Body, Request
    from placed.http.api import Admission, Api
    from placed.http.lanes.deadline_stream import DeadlineStream
    from placed.http.lanes.hot_request import Head
    from placed.tasks.writer import PendingRecord

RECEIVE_BYTES: Final = 16_384
_AT_ONCE: Final = 64  # requests, about 3 ms; then other tasks have their turn
_TICK_SECONDS: Final = 1.0


class _Sleeper:
    """One connection whose task sleeps.

    Attributes:
        fd: its socket; -1 once the task is awake.
        woken: wakes the task.
        data: the bytes for which the task is woken.
        rest: of an answer that the socket didn't take whole: of its own bytes, and from where on of those that follow.
        is_over: whether nothing more can come.
        is_busy: whether an edit is under way.
        is_deaf: whether it isn't watched, as something came while it was busy.
        since: when it last began to sleep, on Trio's clock.
    """

    __slots__ = ("data", "fd", "is_busy", "is_deaf", "is_over", "peer", "rest", "since", "woken")

    def __init__(self, fd: int, peer: str) -> None:
        self.fd = fd
        self.peer = peer
        self.woken = trio.Event()
        self.data = b""
        self.rest: tuple[memoryview, Body, int] | None = None
        self.is_over = self.is_busy = self.is_deaf = False
        self.since = trio.current_time()


class _Asked:
    """An edit under way, and who waits for its answer."""

    __slots__ = ("admission", "head", "request", "sleeper")

    def __init__(self, sleeper: _Sleeper, head: Head, request: Request, admission: Admission) -> None:
        self.sleeper = sleeper
        self.head = head
        self.request = request
        self.admission = admission


class KeepAlive:
    """All connections of one server's fast lane that wait for a request.

    Args:
        api: answers the requests.
        idle_seconds: for the next request to begin.
    """

    def __init__(self, api: Api, idle_seconds: float) -> None:
        self._api = api
        self._idle_seconds = idle_seconds
        self._selector = selectors.DefaultSelector()
        self._sleepers: dict[int, _Sleeper] = {}
        self._asked: dict[PendingRecord, list[_Asked]] = {}
        self._nursery: trio.Nursery | None = None
        self._is_winding_down = False
        self._stopping = False

    async def run(self) -> None:
        """Watch them until cancelled."""
        try:
            async with trio.open_nursery() as self._nursery:
                self._nursery.start_soon(self._watch)
                self._nursery.start_soon(self._tick)
        finally:
            self.abort()
            self._selector.close()

    def wind_down(self) -> None:
        """End each connection with its next answer, which says so. Idempotent."""
        self._is_winding_down = True

    def stop(self) -> None:
        """End idle connections at once, and those that wait for an answer with that answer. Idempotent."""
        self._stopping = True
        for sleeper in [one for one in self._sleepers.values() if not one.is_busy]:
            self._hear(sleeper)  # to close a socket that holds a request would reset the connection
            if sleeper.fd >= 0 and not sleeper.is_busy:
                self._end(sleeper)

    def abort(self) -> None:
        """Wake all connections, also those that wait for an answer."""
        self._stopping = True
        for sleeper in list(self._sleepers.values()):
            self._end(sleeper)

    async def next_request(self, stream: DeadlineStream, peer: str) -> bytes:
        """Sleep until there is a request for the connection's own task, and return its first bytes; empty at the end.

        Raises:
            trio.BrokenResourceError, trio.ClosedResourceError: as the stream's `send_all`.
        """
        while not self._stopping and stream.socket.fileno() >= 0:
            sleeper = _Sleeper(stream.socket.fileno(), peer)
            self._sleepers[sleeper.fd] = sleeper
            self._selector.register(sleeper.fd, selectors.EVENT_READ, sleeper)
            try:
                await sleeper.woken.wait()
            finally:
                self._release(sleeper)
            if sleeper.rest is not None:
                await stream.send_answer(*sleeper.rest)
            if sleeper.data or sleeper.is_over:
                return sleeper.data
        return b""

    async def _watch(self) -> None:
        while True:
            await trio.lowlevel.wait_readable(self._selector.fileno())
            for count, (key, _) in enumerate(self._selector.select(0)):
                if key.data.fd >= 0:
                    self._hear_or_end(key.data)
                if count % _AT_ONCE == _AT_ONCE - 1:
                    await trio.lowlevel.checkpoint()

    def _hear_or_end(self, sleeper: _Sleeper) -> None:
        try:
            self._hear(sleeper)
        except MemoryError:  # it ends who asked for too much, and not the task that watches everybody
            self._end(sleeper)

    def _hear(self, sleeper: _Sleeper) -> None:
        if sleeper.is_busy:
            self._selector.unregister(sleeper.fd)
            sleeper.is_deaf = True
            return
        try:
            data = os.read(sleeper.fd, RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        whole = whole_request(data)
        is_ours = whole is not None and not whole[0].closes and self._api.hosts.takes(whole[0].headers, sleeper.peer)
        if whole is None or not is_ours or not self._is_answered(sleeper, *whole):
            sleeper.data = data
            sleeper.is_over = not data
            self._wake(sleeper)

    def _is_answered(self, sleeper: _Sleeper, head: Head, body: bytes) -> bool:
        """Whether the request was answered, or will be; otherwise it's as if it hadn't been looked at."""
        request = head.request(sleeper.peer, body)
        outcome: Answer | Exception | None
        try:
            if head.method == "POST":
                self._ask(sleeper, head, request)
                return True
            outcome = self._api.image_at_once(request) if head.path == "/canvas.png" else None
        except Exception as error:  # noqa: BLE001 - any error has an answer
            outcome = error
        if outcome is None:
            return False
        self._answer(sleeper, head, request, outcome)
        return True

    def _ask(self, sleeper: _Sleeper, head: Head, request: Request) -> None:
        assert self._nursery is not None
        admission = self._api.admission(head.path, request)
        asked = self._asked.get(admission.record)
        if asked is None:
            asked = self._asked[admission.record] = []
            self._nursery.start_soon(self._answer_all, admission.record, asked)
        asked.append(_Asked(sleeper, head, request, admission))
        sleeper.is_busy = True

    async def _answer_all(self, record: PendingRecord, asked: list[_Asked]) -> None:
        """Answer those whose edits are in one record, once it's settled."""
        await record.wait()
        del self._asked[record]
        for count, one in enumerate(asked):
            if one.sleeper.fd >= 0:
                try:
                    self._answer_one(one)
                except MemoryError:
                    self._end(one.sleeper)
            if count % _AT_ONCE == _AT_ONCE - 1:
                await trio.lowlevel.checkpoint()

    def _answer_one(self, one: _Asked) -> None:
        outcome: Answer | Exception
        try:
            outcome = self._api.settled(one.admission)
        except Exception as error:  # noqa: BLE001 - any error has an answer
            outcome = error
        self._answer(one.sleeper, one.head, one.request, outcome)

    def _answer(self, sleeper: _Sleeper, head: Head, request: Request, outcome: Answer | Exception) -> None:
        sleeper.is_busy = False
        sleeper.since = trio.current_time()
        answer = self._api.replies.reply(FAST, head.path, outcome, request)
        data, body = response_of(answer, head.method, closes=self._is_winding_down)
        try:
            sent = write_both(sleeper.fd, data, body)
        except OSError:
            self._end(sleeper)
            return
        if sent < len(data) + len(body):
            sleeper.rest = (memoryview(data)[sent:], body, max(0, sent - len(data)))
            self._wake(sleeper)
        elif self._stopping or self._is_winding_down:
            self._end(sleeper)
        elif sleeper.is_deaf:
            sleeper.is_deaf = False
            self._selector.register(sleeper.fd, selectors.EVENT_READ, sleeper)

    async def _tick(self) -> None:
        while True:
            await trio.sleep(_TICK_SECONDS)
            too_old = trio.current_time() - self._idle_seconds
            for sleeper in [one for one in self._sleepers.values() if one.since < too_old and not one.is_busy]:
                self._end(sleeper)

    def _end(self, sleeper: _Sleeper) -> None:
        sleeper.is_over = True
        self._wake(sleeper)

    def _wake(self, sleeper: _Sleeper) -> None:
        self._release(sleeper)
        sleeper.woken.set()

    def _release(self, sleeper: _Sleeper) -> None:
        if sleeper.fd < 0:
            return
        if not sleeper.is_deaf:
            self._selector.unregister(sleeper.fd)
        del self._sleepers[sleeper.fd]
        sleeper.fd = -1
