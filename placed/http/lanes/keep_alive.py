"""Keep-alive: watches connections between two requests, and answers plain hot requests at once.

A request with a task of its own costs several turns of the scheduler, and a system call for each wait. That is more
than all else that an edit costs. Here a connection's task sleeps, and `placed.stream.watched_sockets` watches all
connections. A plain hot request that came whole is answered without waking the task: an image, or a file of the page,
from memory, an edit as soon as its record is in the log. For everything else the task wakes, and gets the bytes.

    IDLE --an edit came--> BUSY --its record is settled, and the answer sent--> IDLE
     |                      | +--more came--> DEAF --answered likewise----------> IDLE
     |                      +--the answer can't be sent whole, the peer left--+
     +--anything else came, idle for too long, the peer left------------------+--> GONE: the task wakes

A connection has at most one edit under way. The server reads further requests after that edit's answer, so answers keep
their order. The memory used is bounded by the number of connections, which the front limits.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import trio

from placed.http.lanes.hot_request import whole_request
from placed.http.lanes.wire import response_of
from placed.http.lanes.writing import write_both
from placed.stream.watched_sockets import BUSY, DEAF, IDLE, WatchedSocket, WatchedSockets
from placed.telemetry.metrics import FAST

if TYPE_CHECKING:
    from placed.http.answer import Answer, Body, Request
    from placed.http.api import Admission, Api
    from placed.http.lanes.deadline_stream import DeadlineStream
    from placed.http.lanes.hot_request import Head
    from placed.http.page_load import PageLoad
    from placed.tasks.writer import PendingRecord

# A browser's request has 1 to 2 KB: one read has it whole. A longer request is for the connection's own task.
RECEIVE_BYTES: Final = 16_384
_AT_ONCE: Final = 64  # requests, about 3 ms; then other tasks have their turn


class _Sleeper(WatchedSocket):
    """One connection whose task sleeps.

    Attributes:
        woken: wakes the task.
        data: the received bytes that the task has to handle; empty at the connection's end.
        rest: the part of an answer that the socket didn't take: the rest of its first bytes, the body, and the position
            in the body from which it is still to be sent. None if there is no such part.
        asked: the edit that is under way.
        since: when the connection was added or last answered, on Trio's clock.
    """

    __slots__ = ("asked", "data", "peer", "rest", "since", "woken")

    def __init__(self, fd: int, peer: str) -> None:
        super().__init__(fd)
        self.peer = peer
        self.woken = trio.Event()
        self.data = b""
        self.rest: tuple[memoryview, Body, int] | None = None
        self.asked: _Asked | None = None
        self.since = trio.current_time()


class _Asked:
    """An edit under way."""

    __slots__ = ("admission", "head", "request")

    def __init__(self, head: Head, request: Request, admission: Admission) -> None:
        self.head = head
        self.request = request
        self.admission = admission


class KeepAlive:
    """All connections of one server's fast lane that wait for a request.

    Args:
        api: answers edits.
        page_load: answers the requests of a page that loads.
        idle_seconds: the time for the next request to begin.
    """

    def __init__(self, api: Api, page_load: PageLoad, idle_seconds: float) -> None:
        self._api = api
        self._page_load = page_load
        self._idle_seconds = idle_seconds
        # No socket is ever STALLED here: if an answer doesn't fit, the connection's task wakes and sends the rest, with
        # a deadline.
        self._sleepers = WatchedSockets[_Sleeper](
            turn=_AT_ONCE, hear=self._hear, resume=self._wake, end=self._wake, tick=self._end_idle
        )
        self._waiting: dict[PendingRecord, list[_Sleeper]] = {}
        self._nursery: trio.Nursery | None = None
        self._is_winding_down = False
        self._stopping = False

    async def run(self) -> None:
        """Watch the connections until cancelled."""
        async with trio.open_nursery() as self._nursery:
            try:
                await self._sleepers.run()
            finally:
                self._stopping = True  # at once, or another task could run and let its connection sleep unwatched

    def wind_down(self) -> None:
        """End each connection with its next answer, which says `Connection: close`. Idempotent."""
        self._is_winding_down = True

    def stop(self) -> None:
        """End idle connections at once, and the others after the answer that they wait for. Idempotent."""
        self._stopping = True
        for sleeper in self._sleepers:
            if sleeper.state is IDLE:
                # Read first: closing a socket that holds an unread request would reset the connection, and the peer
                # couldn't tell whether its edit was placed.
                self._sleepers.attempt(self._hear, sleeper)
            if sleeper.state is IDLE:
                self._wake(sleeper)

    def abort(self) -> None:
        """Wake all connections, also those that wait for an answer."""
        self._stopping = True
        self._sleepers.end_all()

    async def next_request(self, stream: DeadlineStream, peer: str) -> bytes:
        """Sleep until there is a request for the connection's own task, and return its first bytes; empty at the end.

        Raises:
            trio.BrokenResourceError, trio.ClosedResourceError: see the stream's `send_all`.
        """
        while not self._stopping and stream.socket.fileno() >= 0:
            # A new object each time: a report about the last sleep may still be in line, and by now the descriptor may
            # even be another connection's. The old object is GONE, so that report is ignored.
            sleeper = _Sleeper(stream.socket.fileno(), peer)
            self._sleepers.add(sleeper)
            try:
                await sleeper.woken.wait()
            finally:
                self._sleepers.release(sleeper)
            if sleeper.rest is None:
                return sleeper.data
            # The peer reads slowly: the task sends the rest with a deadline, and then the connection sleeps again.
            await stream.send_answer(*sleeper.rest)
        return b""

    def _hear(self, sleeper: _Sleeper) -> None:
        if sleeper.state is BUSY:
            # If the server read this request now, it would have to keep it in memory, or answer it before the edit. In
            # the kernel's buffer it costs nothing here, and a full buffer slows the peer down.
            self._sleepers.change(sleeper, DEAF)
            return
        try:
            data = os.read(sleeper.fd, RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            # The connection was reset. That counts as its end: nobody is there to read an answer.
            data = b""
        whole = whole_request(data)
        # A head that comes in parts, or with more bytes after the request, is rare. The task reads it, with deadlines.
        is_ours = whole is not None and not whole[0].closes and self._api.hosts.takes(whole[0].headers, sleeper.peer)
        if whole is None or not is_ours or not self._is_answered(sleeper, *whole):
            sleeper.data = data
            self._wake(sleeper)

    def _is_answered(self, sleeper: _Sleeper, head: Head, body: bytes) -> bool:
        """Answer the request, or start its edit, and say whether that was done; if not, nothing has changed."""
        request = head.request(sleeper.peer, body)
        outcome: Answer | Exception | None
        try:
            if head.method == "POST":
                self._ask(sleeper, head, request)
                return True
            outcome = self._page_load.at_once(head.path, request)
        # A refusal is an answer like any other, and needs no task either.
        except Exception as error:  # noqa: BLE001 - any error has an answer
            outcome = error
        if outcome is None:
            return False
        self._answer(sleeper, head, request, outcome)
        return True

    def _ask(self, sleeper: _Sleeper, head: Head, request: Request) -> None:
        assert self._nursery is not None
        admission = self._api.admission(head.path, request)
        waiting = self._waiting.get(admission.record)
        if waiting is None:
            # One task for each record, not for each edit: under load a record has many.
            waiting = self._waiting[admission.record] = []
            self._nursery.start_soon(self._answer_all, admission.record, waiting)
        waiting.append(sleeper)
        sleeper.asked = _Asked(head, request, admission)
        self._sleepers.change(sleeper, BUSY)

    async def _answer_all(self, record: PendingRecord, waiting: list[_Sleeper]) -> None:
        """Answer the connections whose edits are in one record, once it's settled."""
        await record.wait()
        # No edit can join this record any more: the writer has begun another one.
        del self._waiting[record]
        await self._sleepers.in_turns(waiting, self._answer_asked)

    def _answer_asked(self, sleeper: _Sleeper) -> None:
        asked, sleeper.asked = sleeper.asked, None
        assert asked is not None
        outcome: Answer | Exception
        try:
            outcome = self._api.settled(asked.admission)
        except Exception as error:  # noqa: BLE001 - any error has an answer
            outcome = error
        self._answer(sleeper, asked.head, asked.request, outcome)

    def _answer(self, sleeper: _Sleeper, head: Head, request: Request, outcome: Answer | Exception) -> None:
        sleeper.since = trio.current_time()
        answer = self._api.replies.reply(FAST, head.path, outcome, request)
        data, body = response_of(answer, head.method, closes=self._is_winding_down)
        try:
            sent = write_both(sleeper.fd, data, body)
        except OSError:
            self._wake(sleeper)
            return
        # The peer's window is full, which is rare. To wait here would hold up all other connections.
        if sent < len(data) + len(body):
            sleeper.rest = (memoryview(data)[sent:], body, max(0, sent - len(data)))
            self._wake(sleeper)
        elif self._stopping or self._is_winding_down:
            self._wake(sleeper)
        else:
            self._sleepers.change(sleeper, IDLE)

    async def _end_idle(self) -> None:
        # One look a second at all connections, instead of a timer for each: every request would set its timer anew.
        too_old = trio.current_time() - self._idle_seconds
        for sleeper in self._sleepers:
            if sleeper.since < too_old and sleeper.state is IDLE:
                self._wake(sleeper)

    def _wake(self, sleeper: _Sleeper) -> None:
        """Give the connection back to its task. If it has neither `data` nor `rest`, the task ends the connection."""
        self._sleepers.release(sleeper)
        sleeper.woken.set()
