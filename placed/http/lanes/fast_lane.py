"""The fast lane: answers the hot requests of HTTP/1.1 without Hypercorn.

It takes the plain hot requests (`placed.http.lanes.hot_request`). For any other request it puts the bytes back and
gives the connection to Hypercorn. It gets the connection back when a plain hot request follows: a browser's connection
goes to and fro. Both lanes answer through `placed.http.api`, so this one has no logic but HTTP's.

A connection has a task, which sleeps in `placed.http.lanes.keep_alive` between two requests. `keep_alive` answers those
requests that need no task; the connection's task answers the rest.
"""

from __future__ import annotations

import contextlib
import enum
from typing import TYPE_CHECKING, Final

import trio

from placed.http.answer import Answer, Problem
from placed.http.lanes.connection import HEAD_BYTES, Limits
from placed.http.lanes.hot_request import may_be_hot, may_go_on, read_head
from placed.http.lanes.keep_alive import RECEIVE_BYTES, KeepAlive
from placed.http.lanes.unsent import Unsent
from placed.http.lanes.wire import head_of, response_of
from placed.stream.chunked import chunk_of
from placed.telemetry.metrics import FAST

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from placed.http.answer import Request
    from placed.http.api import Api, Stream
    from placed.http.history import History
    from placed.http.lanes.deadline_stream import DeadlineStream
    from placed.http.lanes.hot_request import Head
    from placed.http.page_load import PageLoad
    from placed.stream.subscriber_sockets import SubscriberSockets

    HandOver = Callable[[DeadlineStream], Awaitable[bool]]

BODY_SECONDS: Final = 10.0
_CHUNKED: Final = ("Transfer-Encoding", "chunked")


class _Turn(enum.Enum):
    """Whose turn a connection is when there is no answer to send."""

    HYPERCORNS = enum.auto()
    NOBODYS = enum.auto()


class _NotHot(Exception):
    """The bytes that came aren't for this lane."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data


class _TooSlow(Exception):
    """A part of a request, "head" or "body", took too long to come; `path` is empty while it isn't known yet."""

    def __init__(self, path: str, part: str) -> None:
        super().__init__()
        self.path = path
        self.part = part


class FastLane:
    """The fast lane of one server.

    Args:
        api: answers edits and streams.
        page_load: answers the requests of a page that loads.
        history: answers for the past of a pixel, because people click on one pixel after the other, and for canvases of
            the past, because a time line that plays asks for several a second.
        sockets: take over the sockets of streams.
        limits: the time limits of each connection.
        hand_over: lets Hypercorn serve a connection until a plain hot request comes, which it puts back, or until the
            connection is over; says whether the connection goes on.
    """

    def __init__(
        self,
        api: Api,
        page_load: PageLoad,
        history: History,
        sockets: SubscriberSockets,
        limits: Limits,
        hand_over: HandOver,
    ) -> None:
        self._api = api
        self._past = {"/history/pixel": history.pixel, "/history/canvas.png": history.canvas}
        self._sockets = sockets
        self._limits = limits
        self._hand_over = hand_over
        self._page_load = page_load
        self._keep_alive = KeepAlive(api, page_load, limits.idle_seconds)
        self._stopping = False

    async def run(self) -> None:
        """Watch the connections of all `serve` calls, until cancelled."""
        await self._keep_alive.run()

    def wind_down(self) -> None:
        """End each connection with its next answer, which says `Connection: close`. Idempotent."""
        self._stopping = True
        self._keep_alive.wind_down()

    def stop(self) -> None:
        """End idle connections now, and the others with their next answer. Idempotent."""
        self._stopping = True
        self._keep_alive.stop()

    def abort(self) -> None:
        """End all connections that wait for an answer, without one."""
        self._keep_alive.abort()

    async def serve(self, stream: DeadlineStream, peer: str) -> None:
        """Serve a connection until it is over, or belongs to a subscriber."""
        goes_on = True
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while goes_on:
                # The answer is sent from here, where nothing refers to the request any more. A slow reader would hold
                # its head for as long as it reads, and that may be 16 KB.
                unsent = await self._next_answer(stream, peer)
                if unsent is _Turn.HYPERCORNS:
                    goes_on = await self._hand_over(stream)
                elif isinstance(unsent, Unsent):
                    goes_on = await unsent.send(stream, self._limits.linger_seconds)
                else:
                    goes_on = False

    async def _next_answer(self, stream: DeadlineStream, peer: str) -> Unsent | _Turn:
        """Read the next request, and answer it if it's plain and hot; otherwise put it back."""
        # Several requests came in one piece. Reading the next one needs no wait, so give the other tasks their turn.
        if stream.has_been_put_back:
            await trio.lowlevel.checkpoint()
            data = bytes(await stream.receive_some())
        else:
            data = await self._keep_alive.next_request(stream, peer)
        if not data:
            return _Turn.NOBODYS
        try:
            head, body = await self._read(stream, peer, data)
        except _NotHot as request:
            stream.put_back(request.data)
            return _Turn.HYPERCORNS
        except _TooSlow as slow:
            problem = Problem(408, "slow-request", f"the request's {slow.part} took too long")
            answer = self._api.replies.refuse_unread(FAST, problem, peer, path=slow.path)
            return Unsent(*response_of(answer, "", closes=True), closes=True)
        return await self._answer(stream, head, head.request(peer, body))

    async def _read(self, stream: DeadlineStream, peer: str, data: bytes) -> tuple[Head, bytes]:
        """Read the head and body of a plain hot request that begins with `data`; put back the bytes that follow it.

        Raises:
            _NotHot: it isn't one, or the peer ends its side before it is whole. Hypercorn says what is wrong with it.
            _TooSlow: the peer took too long.
        """
        deadline = trio.current_time() + self._limits.head_seconds
        while may_go_on(data):
            data += await _more(stream, deadline, data, "", "head")
        end = data.find(b"\r\n\r\n") + 4
        head = read_head(data[:end]) if 4 <= end <= HEAD_BYTES + 4 and may_be_hot(data) else None
        if head is None or not self._api.hosts.takes(head.headers, peer):
            raise _NotHot(data)
        deadline = trio.current_time() + BODY_SECONDS
        while len(data) < end + head.length:
            data += await _more(stream, deadline, data, head.path, "body")
        stream.put_back(data[end + head.length :])
        return head, data[end : end + head.length]

    async def _answer(self, stream: DeadlineStream, head: Head, request: Request) -> Unsent | _Turn:
        outcome: Answer | Exception | Stream
        try:
            outcome = await self._outcome(head, request)
        except Exception as error:  # noqa: BLE001 - any error has an answer
            outcome = error
        if isinstance(outcome, Answer | Exception):
            closes = head.closes or self._stopping
            answer = self._api.replies.reply(FAST, head.path, outcome, request)
            return Unsent(*response_of(answer, head.method, closes=closes), closes=closes)
        await self._subscribe(stream, head, request, outcome)
        return _Turn.NOBODYS

    async def _outcome(self, head: Head, request: Request) -> Answer | Stream:
        if head.method == "POST":
            return await self._api.post(head.path, request)
        if head.path == "/edits":
            return await self._api.polled(request) or self._api.edits(request)
        past = self._past.get(head.path)
        if past is not None:
            return await past(request)
        return await self._page_load.answer(head.path, request)

    async def _subscribe(self, stream: DeadlineStream, head: Head, request: Request, opened: Stream) -> None:
        """Begin a stream, and give its socket to `SubscriberSockets`, so that this connection's task can end."""
        answer = self._api.replies.reply(FAST, head.path, Answer(200, (*opened.headers, _CHUNKED), None), request)
        try:
            await stream.send_answer(head_of(answer, closes=True) + chunk_of(opened.opening))
        except BaseException:
            opened.subscriber.close()
            raise
        self._sockets.add(stream.detach(), opened.subscriber)


async def _more(stream: DeadlineStream, deadline: float, data: bytes, path: str, part: str) -> bytes:
    """Receive more bytes of a request that begins with `data`.

    Raises:
        _NotHot: the peer has ended its side.
        _TooSlow: past the deadline.
    """
    with trio.CancelScope(deadline=deadline) as scope:
        more = bytes(await stream.receive_some(RECEIVE_BYTES))
    if scope.cancelled_caught:
        raise _TooSlow(path, part)
    if not more:
        raise _NotHot(data)
    return more
