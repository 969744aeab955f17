"""Serves one connection by Hypercorn, and adds what Hypercorn leaves out: deadlines and readable errors.

Hypercorn 0.18 shields every send and gives it no deadline, so one stalled reader could hold a task, and the shutdown,
for ever. It answers requests that it can't parse with an empty body, and closes a slow head without a word. With
Quart-Trio below it, it also forgets to close idle connections. Here a peer that takes its bytes too slowly is cut; a
request that can't be parsed gets a problem (RFC 9457); a head that isn't whole after `head_seconds` gets 408; and a
peer that asks for nothing more is cut after `idle_seconds`.

Hypercorn doesn't send long answers at all: it would keep a task, a request and two copies of a piece for as long as the
reader takes. Over HTTP/1.1 such an answer is left over when Hypercorn's server of the connection ends, and the front
sends it from a task that holds nothing else. Over HTTP/2 `placed.http.lanes.http2` sends it.
"""

from __future__ import annotations

import contextlib
import math
from functools import partial
from typing import TYPE_CHECKING, Final

import attrs
import h11
import trio
from hypercorn.events import Closed, RawData, Updated
from hypercorn.protocol.h2 import H2Protocol
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.tcp_server import TCPServer

from placed.http.lanes.http1 import take_strictly, unreadable
from placed.http.lanes.http2 import Http2
from placed.http.lanes.unsent import TAKE, Unsent
from placed.http.lanes.wire import fields_of, response_of
from placed.stream.peer_end import PeerEnd, has_left

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypercorn.config import Config
    from hypercorn.events import Event
    from hypercorn.trio.worker_context import WorkerContext
    from hypercorn.typing import AppWrapper

    from placed.http.answer import Answer, Problem
    from placed.http.lanes.deadline_stream import DeadlineStream

_RECYCLE_TURNS: Final = 20  # a guess: a request's task needs a few to end behind its answer
_LOOK_SECONDS: Final = 1.0  # for a peer that has left altogether to reset the connection after something was sent to it
HEAD_BYTES: Final = 16_384  # browsers send 1 to 2 KB, with large cookies 8
MAX_FIELDS: Final = 100  # browsers send 20; Apache's default as well
_LEFT_TO_HYPERCORN: Final = 4_096  # a body that a socket takes at once, as a rule: to end a server for it costs more


@attrs.frozen
class Limits:
    """How long a connection may take, in seconds.

    Attributes:
        head_seconds: from the first byte of a request's head to its last.
        send_seconds: for the peer to take `placed.http.lanes.writing.LEAST_BYTES` of what waits for it.
        linger_seconds: for the peer to close after the last answer.
        idle_seconds: for the next request to begin.
    """

    head_seconds: float = 10.0
    send_seconds: float = 30.0
    linger_seconds: float = 2.0
    idle_seconds: float = 75.0  # longer than nginx's 60 s, so that nginx closes first


class Connection(TCPServer):
    """Hypercorn's server of one connection, with our deadlines and error bodies.

    Args:
        refuse: gives the answer to what can't be read as a request.
        is_elsewhere: whether what comes between two requests is for somebody else to answer.

    Attributes:
        peer_end: heard when the peer has ended its side; the app finds it in its scope's state.
        unsent: an answer that is left for the caller to send, once `run` has ended.
        is_over: whether the connection is, once `run` has ended. Otherwise the stream is still open, and what
            `is_elsewhere` was true of is put back.
    """

    def __init__(
        self,
        app: AppWrapper,
        config: Config,
        context: WorkerContext,
        stream: DeadlineStream,
        limits: Limits,
        *,
        refuse: Callable[[Problem], Answer],
        is_elsewhere: Callable[[bytes], bool],
    ) -> None:
        self.peer_end = PeerEnd()
        # Hypercorn hands a connection's state on to the scope of each request: the app has no other way to us.
        state = {"peer_end": self.peer_end, TAKE: self._take}
        super().__init__(app, config, context, state, stream)  # type: ignore[arg-type]  # it takes any stream with a socket
        self.stream: DeadlineStream  # type: ignore[assignment]
        self._limits = limits
        self._refuse = refuse
        self._is_elsewhere = is_elsewhere
        self.is_over = True
        self.unsent: Unsent | None = None
        self._http2: Http2 | None = None
        self._idle = True
        self._head_deadline = math.inf
        self._ending = False
        self._settled = trio.Event()
        self._receiving = trio.CancelScope()

    def end_if_idle(self) -> None:
        """Close now if no request is being answered; otherwise Hypercorn closes with the answer."""
        if self._idle:
            self._end()

    def _end(self) -> None:
        self._ending = True
        self._receiving.cancel()

    async def _read_data(self) -> None:
        # Hypercorn would start it again after each answer, in the request's task, which Quart-Trio cancels by then.
        await self.idle_task.stop()
        h1 = self.protocol.protocol
        if isinstance(h1, H11Protocol):
            # Set on the object, since Hypercorn's ProtocolWrapper makes it itself and leaves no other way in.
            h1._send_error_response = partial(_send_problem, h1, self._refuse)  # type: ignore[method-assign]  # noqa: SLF001
            take_strictly(h1)
        elif isinstance(h1, H2Protocol):
            self._http2 = Http2(
                h1, send_seconds=self._limits.send_seconds, head_bytes=HEAD_BYTES, on_deadline=self._set_deadline
            )
        with contextlib.suppress(trio.ClosedResourceError, trio.BrokenResourceError):
            while not self._ending:
                # Kept as an attribute: other tasks move its deadline when an answer is whole, or cancel it to end this.
                with trio.CancelScope(deadline=self._deadline()) as self._receiving:
                    data = await self._next_bytes()
                if self._receiving.cancelled_caught:
                    if await self._is_due():
                        break
                    continue
                # Only in between: what follows an answer that isn't whole yet would overtake it in the other lane.
                if data and self._is_elsewhere(data) and await self._is_between_requests():
                    self.stream.put_back(data)
                    self.is_over = False
                    return
                if not data:
                    await self._hear_the_end(h1)
                    break
                await self.protocol.handle(RawData(data))
                # From the head's first byte on, not anew with each: who sends a byte a second would have for ever.
                if not self._in_head():
                    self._head_deadline = math.inf
                elif self._head_deadline == math.inf:
                    self._head_deadline = trio.current_time() + self._limits.head_seconds
        if self._has_been_taken() and isinstance(h1, H11Protocol):
            # What h11 has read ahead is the next request, which whoever sends the answer lets somebody read.
            self.stream.put_back(bytes(h1.connection.trailing_data[0]))
            return
        # In this order: the app hears of the end first, and stops sending. Then the peer has time to read: to close a
        # socket with unread bytes resets the connection, and loses the answer that is on its way.
        await self.protocol.handle(Closed())
        await self._linger()

    def _has_been_taken(self) -> bool:
        return self.unsent is not None

    async def _take(self, answer: Answer, closes: bool) -> bool:
        """Leave a long answer of HTTP/1.1 to the caller; whether it does. A request that isn't whole keeps its server.

        What Hypercorn has of the request is told that it's over, so that nothing more is sent by it.
        """
        h1 = self.protocol.protocol
        if not isinstance(h1, H11Protocol) or h1.stream is None or (answer.length or 0) <= _LEFT_TO_HYPERCORN:
            return False
        # Where the request's body is still to come, only h11 knows where it ends, and the next request begins.
        if h1.connection.their_state not in (h11.DONE, h11.MUST_CLOSE):
            return False
        closes = closes or h1.connection.their_state is h11.MUST_CLOSE
        self.is_over = False
        self.unsent = Unsent(*response_of(answer, "GET", closes=closes), closes=closes)
        h1.stream.closed = True  # or Hypercorn would answer 500 when the app ends without a response
        h1.stream = None
        h1.connection.next_event = lambda: h11.NEED_DATA  # type: ignore[method-assign]  # what follows isn't for it
        await h1.can_read.set()  # the reading task may wait for the end of an answer that h11 never sees
        self._end()
        self._settle()
        return True

    async def _hear_the_end(self, h1: object) -> None:
        """The peer sends no more. It may still read: each request that it sent whole is answered (RFC 9112, 9.6).

        A peer that has left altogether shows that when something is sent to it, for which a stream is nudged at once.
        """
        if isinstance(h1, H11Protocol):
            self.peer_end.set()
            while h1.stream is not None and h1.connection.their_state in (h11.DONE, h11.MUST_CLOSE):
                with trio.move_on_after(_LOOK_SECONDS):
                    await self._settled.wait()
                fd = self.stream.socket.fileno()
                if fd < 0 or has_left(fd):
                    return
        await self.protocol.handle(RawData(b""))

    async def _is_due(self) -> bool:
        """Whether the connection is to end, as nothing has come for so long, or it was told to."""
        if self._ending:
            return True
        if self._http2 is not None and await self._http2.reset_slow():
            return False
        if self._head_deadline < math.inf:
            await self._refuse_slow_head()
        return True

    def _deadline(self) -> float:
        """Until when something has to come: the rest of a head, another request, or room for a stream of HTTP/2."""
        # No limit while a request is being answered: a stream may say nothing for as long as nobody paints, and its
        # sends have a deadline of their own.
        idle = trio.current_time() + self._limits.idle_seconds if self._idle else math.inf
        return min(self._head_deadline, idle, math.inf if self._http2 is None else self._http2.deadline)

    def _set_deadline(self) -> None:
        self._receiving.deadline = self._deadline()

    async def _next_bytes(self) -> bytes:
        """No more at once than a head may have, since h11 measures only heads that aren't whole yet."""
        return bytes(await self.stream.receive_some(HEAD_BYTES))

    async def _is_between_requests(self) -> bool:
        """Whether the last request has been answered whole, and nothing of another has come."""
        h1 = self.protocol.protocol
        if not isinstance(h1, H11Protocol):
            return False
        for _ in range(_RECYCLE_TURNS):  # the answer may have been read before its task got round to saying so
            if h1.stream is None or h1.connection.our_state is not h11.DONE:
                break
            await trio.lowlevel.checkpoint()
        return (
            h1.stream is None
            and h1.keep_alive_requests > 0
            and h1.connection.our_state is h11.IDLE
            and h1.connection.their_state is h11.IDLE
            and not h1.connection.trailing_data[0]
            and not self.stream.has_been_put_back
        )

    async def _close(self) -> None:
        if self.is_over:  # otherwise Hypercorn would close what another lane goes on with
            await super()._close()

    async def protocol_send(self, event: Event) -> None:
        """Send what the protocol asks for; to close is left to the reading task."""
        # Called in the task of the request, which Quart-Trio cancels as soon as its response is whole.
        if isinstance(event, Updated):
            self._idle = event.idle
            if event.idle:
                self._settle()
            self._set_deadline()
        elif isinstance(event, Closed):
            self._end()
            self._settle()
            await self.protocol.handle(Closed())
        else:
            await super().protocol_send(event)

    def _settle(self) -> None:
        """Tell that a request has been answered, or never will be."""
        self._settled.set()
        self._settled = trio.Event()

    async def _linger(self) -> None:
        with contextlib.suppress(trio.ClosedResourceError, trio.BrokenResourceError):
            async with self.send_lock:  # behind the last bytes, which a request's task may be sending
                await self.stream.linger(self._limits.linger_seconds)

    async def _refuse_slow_head(self) -> None:
        h1 = self.protocol.protocol
        if isinstance(h1, H11Protocol):
            await _send_problem(h1, self._refuse, 408)

    def _in_head(self) -> bool:
        """Whether a part of a request's head has come, and no more."""
        if self._http2 is not None:
            return self._http2.in_head
        h1 = self.protocol.protocol
        return isinstance(h1, H11Protocol) and h1.stream is None and bool(h1.connection.trailing_data[0])


async def _send_problem(h1: H11Protocol, refuse: Callable[[Problem], Answer], status: int) -> None:
    """Answer what never became a request, and let the connection close."""
    if h1.connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    answer = refuse(unreadable(status, h1.connection.trailing_data[0], HEAD_BYTES))
    fields = [*fields_of(answer), (b"connection", b"close"), *h1.config.response_headers("h11")]
    assert isinstance(answer.body, bytes)
    body = b"" if h1.connection._request_method == b"HEAD" else answer.body  # noqa: SLF001 - h11 tells nobody
    # By h11, so that it takes no answer of the app's behind this one.
    parts = (h11.Response(status_code=answer.status, headers=fields), h11.Data(data=body), h11.EndOfMessage())
    await h1.send(RawData(b"".join(filter(None, map(h1.connection.send, parts)))))
