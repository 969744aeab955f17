"""The fast lane: answers the hot requests of HTTP/1.1 without Hypercorn.

It takes the plain hot requests (`placed.http.lanes.hot_request`). It leaves everything else to Hypercorn, with the
bytes put back, and gets the connection back when a plain hot request follows: a browser's connection goes to and fro.
Both lanes answer through `placed.http.api`, so this one has no logic but HTTP's.

A connection has a task, which sleeps in `placed.http.lanes.keep_alive` between two requests. Requests that can be
answered there are; the task answers the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from placed.http.answer import Problem, Request
from placed.http.lanes.connection import HEAD_BYTES, Limits
from placed.http.lanes.hot_request import may_be_hot, may_go_on, read_head, response, response_head
from placed.http.lanes.keep_alive import RECEIVE_BYTES, KeepAlive
from placed.stream.chunked import chunk_of
from placed.telemetry.metrics import FAST

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from placed.http.answer import Answer
    from placed.http.api import Api
    from placed.http.lanes.connection import DeadlineStream
    from placed.http.lanes.hot_request import Head
    from placed.stream.subscriber_sockets import SubscriberSockets

    HandOver = Callable[[DeadlineStream, bytes], Awaitable[bytes | None]]

BODY_SECONDS: Final = 10.0
_CHUNKED: Final = ("Transfer-Encoding", "chunked")


class FastLane:
    """One server's.

    Args:
        api: answers the requests.
        sockets: they take over the streams.
        limits: of each connection.
        hand_over: lets Hypercorn serve a stream from the given bytes on; it gives back the bytes of the plain hot
            request that came next, or None when the connection is over.
    """

    def __init__(self, api: Api, sockets: SubscriberSockets, limits: Limits, hand_over: HandOver) -> None:
        self._api = api
        self._sockets = sockets
        self._limits = limits
        self._hand_over = hand_over
        self._keep_alive = KeepAlive(api, limits.idle_seconds)
        self._stopping = False

    async def run(self) -> None:
        """Watch the connections that `serve` has, until cancelled."""
        await self._keep_alive.run()

    def wind_down(self) -> None:
        """End each connection with its next answer, which says so. Idempotent."""
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
        """Serve a connection until it is over, or is a subscriber's."""
        data: bytes | None = b""
        try:
            while data is not None:
                if data:  # requests in one piece: the others have their turn
                    await trio.lowlevel.checkpoint()
                elif not (data := await self._keep_alive.next_request(stream, peer)):
                    break
                data = await self._serve_next(stream, peer, data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async def _serve_next(self, stream: DeadlineStream, peer: str, data: bytes) -> bytes | None:
        """Serve one request, or several if they are Hypercorn's; the bytes behind it, or None at the end."""
        deadline = trio.current_time() + self._limits.head_seconds
        while may_go_on(data):
            more = await _receive(stream, deadline)
            if more is None:
                await self._end(stream, "", peer, Problem(408, "slow-request", "the request's head took too long"))
                return None
            if not more:  # Hypercorn says what is wrong with a request that isn't whole
                return await self._hand_over(stream, data)
            data += more
        end = data.find(b"\r\n\r\n")
        head = read_head(data[: end + 4]) if 0 <= end <= HEAD_BYTES and may_be_hot(data) else None
        if head is None or not self._api.hosts.takes(head.headers, peer):
            return await self._hand_over(stream, data)
        whole_head, data = data[: end + 4], data[end + 4 :]
        deadline = trio.current_time() + BODY_SECONDS
        while len(data) < head.length:
            more = await _receive(stream, deadline)
            if more is None:
                problem = Problem(408, "slow-request", "the request's body took too long")
                await self._end(stream, head.path, peer, problem)
                return None
            if not more:
                return await self._hand_over(stream, whole_head + data)
            data += more
        request = head.request(peer, data[: head.length])
        data = data[head.length :]
        try:
            answer = await self._answer_to(head, request)
        except Exception as error:  # noqa: BLE001 - any error has an answer
            answer = self._api.requests.refused(error, head.path, request)
        closes = head.closes or self._stopping
        if answer is None:
            return await self._follow(stream, head, request, data, closes=closes)
        await self._answer(stream, head, request, answer, closes=closes)
        return None if closes else data

    async def _answer_to(self, head: Head, request: Request) -> Answer | None:
        """The whole answer; None where a stream is asked for."""
        if head.method == "POST":
            return await self._api.post(head.path, request)
        return await (self._api.polled(request) if head.path == "/edits" else self._api.image(request))

    async def _end(self, stream: DeadlineStream, path: str, peer: str, problem: Problem) -> None:
        """Refuse what never became a whole request, and let the connection close."""
        answer = self._api.requests.refused(problem, path, Request("", "", {}, peer))
        self._api.requests.answered(FAST, path, answer.status)
        await stream.send_all(response_head(answer.status, answer.headers, len(answer.body), closes=True) + answer.body)
        await stream.linger(self._limits.linger_seconds)

    async def _answer(
        self, stream: DeadlineStream, head: Head, request: Request, answer: Answer, *, closes: bool
    ) -> None:
        self._api.requests.answered(FAST, head.path, answer.status, request)
        answer = answer.with_headers(*self._api.cors(request))
        await stream.send_answer(*response(head, answer, closes=closes))
        if closes:
            await stream.linger(self._limits.linger_seconds)

    async def _follow(
        self, stream: DeadlineStream, head: Head, request: Request, behind: bytes, *, closes: bool
    ) -> bytes | None:
        try:
            opened = self._api.edits(request)
        except Exception as error:  # noqa: BLE001 - any error has an answer
            answer = self._api.requests.refused(error, head.path, request)
            await self._answer(stream, head, request, answer, closes=closes)
            return None if closes else behind
        self._api.requests.answered(FAST, head.path, 200, request)
        headers = (*opened.headers, _CHUNKED, *self._api.cors(request))
        try:
            await stream.send_all(response_head(200, headers, None, closes=True) + chunk_of(opened.opening))
        except BaseException:
            opened.subscriber.close()
            raise
        self._sockets.add(stream.detach(), opened.subscriber)
        return None


async def _receive(stream: DeadlineStream, deadline: float) -> bytes | None:
    """More bytes; none when the peer says no more, None past the deadline."""
    with trio.CancelScope(deadline=deadline) as scope:
        data = await stream.receive_some(RECEIVE_BYTES)
    return None if scope.cancelled_caught else bytes(data)
