"""Serves one connection by Hypercorn, and adds what Hypercorn leaves out: deadlines and readable errors.

Hypercorn 0.18 shields every send and gives it no deadline, so one stalled reader could hold a task, and the shutdown,
for ever. It answers requests that it can't parse with an empty body, and closes the connection of a slow head without
an answer. With Quart-Trio below it, it also forgets to close idle connections. Here a peer that takes its bytes too
slowly is cut; a request that can't be parsed gets a problem (RFC 9457); a head that isn't whole after `head_seconds`
gets 408; and a peer that sends no further request is cut after `idle_seconds`.

Hypercorn doesn't send long answers at all: it would keep a task, a request and two copies of a piece for as long as the
reader takes. Over HTTP/1.1 Hypercorn's server of the connection ends without having sent such an answer, and the front
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

_RECYCLE_TURNS: Final = 20  # a guess: after its answer, a request's task needs a few turns to end
_LOOK_SECONDS: Final = 1.0  # in which a peer that has left resets the connection, after something was sent to it
HEAD_BYTES: Final = 16_384  # browsers send 1 to 2 KB, with large cookies 8
MAX_FIELDS: Final = 100  # browsers send 20; Apache's default as well
# A socket takes a body up to this size at once, as a rule. To end Hypercorn's server for it would cost more than that.
_LEFT_TO_HYPERCORN: Final = 4_096


@attrs.frozen
class Limits:
    """How long a connection may take, in seconds.

    Attributes:
        head_seconds: from the first byte of a request's head to its last.
        send_seconds: for the peer to take `placed.http.lanes.writing.LEAST_BYTES` of the bytes that wait for it.
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
        refuse: makes the answer to bytes that can't be read as a request.
        is_elsewhere: whether the bytes that follow an answer are a request for another lane.

    Attributes:
        peer_end: tells its listeners when the peer has ended its side; the app finds it in its scope's state.
        unsent: once `run` has ended, an answer that the caller has to send; None if there is none.
        is_over: once `run` has ended, whether the connection is over. Otherwise the stream is still open, and the bytes
            for which `is_elsewhere` was true can be received again.
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
        # Hypercorn hands this state on to the scope of each request. The app has no other way to reach its connection.
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
        """Close the connection now if it is idle; otherwise Hypercorn closes it after its answer."""
        if self._idle:
            self._end()

    def _end(self) -> None:
        self._ending = True
        self._receiving.cancel()

    async def _read_data(self) -> None:
        # Hypercorn's own idle timer doesn't work here: it is started again after each answer, in the request's task,
        # which Quart-Trio has cancelled by then. `_deadline` takes its place.
        await self.idle_task.stop()
        h1 = self.protocol.protocol
        if isinstance(h1, H11Protocol):
            # Set on the object, because Hypercorn's ProtocolWrapper makes the object and takes no subclass.
            h1._send_error_response = partial(_send_problem, h1, self._refuse)  # type: ignore[method-assign]  # noqa: SLF001
            take_strictly(h1)
        elif isinstance(h1, H2Protocol):
            self._http2 = Http2(
                h1, send_seconds=self._limits.send_seconds, head_bytes=HEAD_BYTES, on_deadline=self._set_deadline
            )
        with contextlib.suppress(trio.ClosedResourceError, trio.BrokenResourceError):
            while not self._ending:
                # An attribute, so that other tasks can move its deadline when an answer is whole, or cancel it to end
                # the connection.
                with trio.CancelScope(deadline=self._deadline()) as self._receiving:
                    data = await self._next_bytes()
                if self._receiving.cancelled_caught:
                    if await self._is_due():
                        break
                    continue
                # Only between two requests: while an answer is still being sent, the other lane's answer to the next
                # request would overtake it.
                if data and self._is_elsewhere(data) and await self._is_between_requests():
                    self.stream.put_back(data)
                    self.is_over = False
                    return
                if not data:
                    await self._hear_the_end(h1)
                    break
                await self.protocol.handle(RawData(data))
                # The time runs from the head's first byte. If each byte set it anew, a client that sends a byte a
                # second could hold the connection for ever.
                if not self._in_head():
                    self._head_deadline = math.inf
                elif self._head_deadline == math.inf:
                    self._head_deadline = trio.current_time() + self._limits.head_seconds
        if self._has_been_taken() and isinstance(h1, H11Protocol):
            # h11 has read ahead: these bytes are the next request. Whichever lane gets the connection after the answer
            # reads them.
            self.stream.put_back(bytes(h1.connection.trailing_data[0]))
            return
        # In this order: the app learns of the end first, and stops sending. Then the peer gets time to read, because
        # closing a socket that holds unread bytes resets the connection, and an answer on its way is lost.
        await self.protocol.handle(Closed())
        await self._linger()

    def _has_been_taken(self) -> bool:
        return self.unsent is not None

    async def _take(self, answer: Answer, closes: bool) -> bool:
        """Leave a long answer of HTTP/1.1 for `run`'s caller to send, and say whether that was done.

        Hypercorn's objects for the request are told that it is over, so that they send nothing more.
        """
        h1 = self.protocol.protocol
        if not isinstance(h1, H11Protocol) or h1.stream is None or (answer.length or 0) <= _LEFT_TO_HYPERCORN:
            return False
        # While a part of the request's body is still to come, h11 can't be left: it alone knows where the body ends and
        # the next request begins.
        if h1.connection.their_state not in (h11.DONE, h11.MUST_CLOSE):
            return False
        closes = closes or h1.connection.their_state is h11.MUST_CLOSE
        self.is_over = False
        # As for a GET: the guard offers no answer without a body, as one to a HEAD.
        self.unsent = Unsent(*response_of(answer, "GET", closes=closes), closes=closes)
        h1.stream.closed = True  # or Hypercorn would answer 500 when the app ends without a response
        h1.stream = None
        # h11 must not read the next request: the bytes that follow are put back for another reader.
        h1.connection.next_event = lambda: h11.NEED_DATA  # type: ignore[method-assign]
        await h1.can_read.set()  # wakes the reading task, which may wait until h11 has sent an answer; it never will
        self._end()
        self._settle()
        return True

    async def _hear_the_end(self, h1: object) -> None:
        """The peer sends no more. It may still read: each request that it sent whole is answered (RFC 9112, 9.6).

        A peer that has left altogether resets the connection as soon as something is sent to it. So `peer_end` lets a
        stream send something at once.
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
        """Whether to end the connection, because nothing has come for too long, or `end_if_idle` asked for it."""
        if self._ending:
            return True
        if self._http2 is not None and await self._http2.reset_slow():
            return False
        if self._head_deadline < math.inf:
            await self._refuse_slow_head()
        return True

    def _deadline(self) -> float:
        """When the wait for bytes ends: for the rest of a head, for another request, or for a slow stream of HTTP/2."""
        # No limit while a request is being answered: a stream may send nothing for as long as nobody paints, and each
        # send has a deadline of its own.
        idle = trio.current_time() + self._limits.idle_seconds if self._idle else math.inf
        return min(self._head_deadline, idle, math.inf if self._http2 is None else self._http2.deadline)

    def _set_deadline(self) -> None:
        self._receiving.deadline = self._deadline()

    async def _next_bytes(self) -> bytes:
        """Receive at most the size of the longest head, because h11 measures only heads that aren't whole yet."""
        return bytes(await self.stream.receive_some(HEAD_BYTES))

    async def _is_between_requests(self) -> bool:
        """Whether the last request has been answered whole, and no byte of another one has come."""
        h1 = self.protocol.protocol
        if not isinstance(h1, H11Protocol):
            return False
        for _ in range(_RECYCLE_TURNS):  # a quick peer has read the answer before the request's task has ended
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
        if self.is_over:  # otherwise another lane goes on with the connection, and Hypercorn must not close it
            await super()._close()

    async def protocol_send(self, event: Event) -> None:
        """Send the protocol's bytes, and note its other events; only the reading task closes the connection."""
        # This may run in the request's task, which Quart-Trio cancels as soon as the response is whole. A close that
        # lingers would be cut off there.
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
            async with self.send_lock:  # a request's task may still be sending the last bytes
                await self.stream.linger(self._limits.linger_seconds)

    async def _refuse_slow_head(self) -> None:
        h1 = self.protocol.protocol
        if isinstance(h1, H11Protocol):
            await _send_problem(h1, self._refuse, 408)

    def _in_head(self) -> bool:
        """Whether a part of a request's head has come, but not all of it."""
        if self._http2 is not None:
            return self._http2.in_head
        h1 = self.protocol.protocol
        return isinstance(h1, H11Protocol) and h1.stream is None and bool(h1.connection.trailing_data[0])


async def _send_problem(h1: H11Protocol, refuse: Callable[[Problem], Answer], status: int) -> None:
    """Answer bytes that never became a whole request, and let the connection close."""
    if h1.connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    answer = refuse(unreadable(status, h1.connection.trailing_data[0], HEAD_BYTES))
    fields = [*fields_of(answer), (b"connection", b"close"), *h1.config.response_headers("h11")]
    assert isinstance(answer.body, bytes)
    body = b"" if h1.connection._request_method == b"HEAD" else answer.body  # noqa: SLF001 - h11 tells nobody
    # Sent through h11, so that its state forbids an answer of the app's after this one.
    parts = (h11.Response(status_code=answer.status, headers=fields), h11.Data(data=body), h11.EndOfMessage())
    await h1.send(RawData(b"".join(filter(None, map(h1.connection.send, parts)))))
