"""Serves one connection by Hypercorn, and adds what Hypercorn leaves out: deadlines and readable errors.

Hypercorn 0.18 shields every send and gives it no deadline, so one stalled reader could hold a task, and the shutdown,
for ever. It answers requests that it can't parse with an empty body, and closes a slow head without a word. With
Quart-Trio below it, it also forgets to close idle connections. Here a peer that takes its bytes too slowly is cut; a
request that can't be parsed gets a problem (RFC 9457); a head that isn't whole after `head_seconds` gets 408; and a
peer that asks for nothing more is cut after `idle_seconds`.
"""

from __future__ import annotations

import contextlib
import math
import os
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn

import attrs
import h11
import trio
from hypercorn.events import Closed, RawData, Updated
from hypercorn.protocol.h2 import H2Protocol
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.tcp_server import MAX_RECV, TCPServer

from placed.http.lanes.http1 import take_strictly, unreadable
from placed.http.lanes.http2 import Http2
from placed.http.lanes.writing import LEAST_BYTES, Pace, write_both
from placed.stream.peer_end import PeerEnd, has_left
from placed.tasks.shared_bytes import TakenBack

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from hypercorn.config import Config
    from hypercorn.events import Event
    from hypercorn.trio.worker_context import WorkerContext
    from hypercorn.typing import AppWrapper

    from placed.http.answer import Answer, Problem
    from placed.tasks.shared_bytes import SharedBytes

_RECYCLE_TURNS: Final = 20
_LOOK_SECONDS: Final = 1.0  # for a peer that has left altogether to reset the connection after something was sent to it
_READ_BYTES: Final = 65_536
_DROPPED_BYTES: Final = 4_000_000  # behind the last answer: more than the sockets' buffers hold
HEAD_BYTES: Final = 16_384  # browsers send 1 to 2 KB, with large cookies 8
MAX_FIELDS: Final = 100  # browsers send 20; Apache's default as well


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


class DeadlineStream(trio.abc.HalfCloseableStream):
    """A socket's stream whose sends have a deadline, also where the caller has shielded them.

    It reads and writes the file descriptor itself, and waits only where the kernel would: the layers of a
    `trio.SocketStream` cost as much as the system calls below them. A send that needn't wait is no checkpoint.

    Attributes:
        socket: the socket below, which Hypercorn asks for its addresses.
    """

    _is_plain = True

    def __init__(self, stream: trio.SocketStream, send_seconds: float) -> None:
        self._plain = stream
        self._stream: trio.abc.Stream = stream
        self._send_seconds = send_seconds
        self._pace = Pace(send_seconds)
        self.socket = stream.socket

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, or raise `BrokenResourceError` when the peer takes it too slowly."""
        view = memoryview(data)
        if self._is_plain:
            await self.send_answer(view)
            return
        for start in range(0, len(view), LEAST_BYTES):
            with trio.move_on_after(self._send_seconds) as deadline:
                await self._stream.send_all(view[start : start + LEAST_BYTES])
            if deadline.cancelled_caught:
                self._cut()

    async def send_answer(self, data: bytes | memoryview, shared: SharedBytes | None = None, start: int = 0) -> None:
        """Send `data` and then what is shared, from `start` on, without copying it; over plain TCP alone.

        Raises:
            trio.BrokenResourceError: the peer takes it too slowly, has left, or what is shared was taken back.
            trio.ClosedResourceError: the stream was closed.
        """
        sent, length = 0, len(data) + (0 if shared is None else shared.length - start)
        while (sent := sent + self._write(data[sent:], shared, start + max(0, sent - len(data)))) < length:
            if not await self._pace.wait_writable(self._open_fd()):
                self._cut()

    def _write(self, data: bytes | memoryview, shared: SharedBytes | None, start: int) -> int:
        """How much of it the kernel took without a wait."""
        fd = self._open_fd()
        try:
            taken = write_both(fd, data, shared, start)
        except OSError as error:
            raise trio.BrokenResourceError(f"the connection broke: {error}") from error
        except TakenBack as error:
            self.abort()
            raise trio.BrokenResourceError("the peer reads what is too old") from error
        self._pace.written += taken
        return taken

    def _open_fd(self) -> int:
        fd = self.socket.fileno()
        if fd < 0:
            raise trio.ClosedResourceError("this stream was closed")
        return fd

    def _cut(self) -> NoReturn:
        self.abort()
        raise trio.BrokenResourceError(f"the peer took less than {LEAST_BYTES} bytes in {self._send_seconds:g} s")

    async def wait_send_all_might_not_block(self) -> None:
        """As for any stream."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As for any stream."""
        if not self._is_plain:
            return await self._stream.receive_some(max_bytes)
        while True:
            fd = self._open_fd()
            await trio.lowlevel.wait_readable(fd)
            try:
                return os.read(fd, max_bytes or _READ_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                raise trio.BrokenResourceError(f"the connection broke: {error}") from error

    async def send_eof(self) -> None:
        """As for any stream."""
        await self._plain.send_eof()

    async def aclose(self) -> None:
        """As for any stream."""
        await self._stream.aclose()

    def detach(self) -> int:
        """The socket's file descriptor, which is the caller's from now on; the stream is of no more use."""
        return self.socket.detach()

    async def linger(self, seconds: float) -> None:
        """End sending, and drop what comes, so that the peer reads the answer before any reset (RFC 9112, 9.6)."""
        dropped_bytes = 0
        with trio.move_on_after(seconds):
            await self.send_eof()
            while dropped_bytes < _DROPPED_BYTES and (data := await self.receive_some(MAX_RECV)):
                dropped_bytes += len(data)

    def abort(self) -> None:
        """Close at once, without a wait; tasks that use the stream get `ClosedResourceError`."""
        self.socket.close()


class TlsStream(DeadlineStream):
    """The same for a connection with TLS. Hypercorn shakes hands, and asks which protocol came of it.

    Attributes:
        transport_stream: the stream below TLS, which Hypercorn asks for its socket.
    """

    _is_plain = False

    def __init__(self, stream: trio.SocketStream, context: ssl.SSLContext, send_seconds: float) -> None:
        super().__init__(stream, send_seconds)
        self.transport_stream = stream
        self._tls = trio.SSLStream(stream, context, server_side=True)
        self._stream = self._tls

    async def do_handshake(self) -> None:
        """As for `trio.SSLStream`."""
        await self._tls.do_handshake()

    def selected_alpn_protocol(self) -> str | None:
        """As for `trio.SSLStream`."""
        protocol: str | None = self._tls.selected_alpn_protocol()
        return protocol

    async def send_eof(self) -> None:
        """TLS has no half-closed connections that all peers understand: the peer is told by `linger` or `aclose`."""

    async def linger(self, seconds: float) -> None:
        """Say that no more comes, and wait for the peer to say so too (RFC 8446, 6.1)."""
        with trio.move_on_after(seconds):
            await self._tls.unwrap()


class Connection(TCPServer):
    """Hypercorn's server of one connection, with our deadlines and error bodies.

    Args:
        received: bytes that the peer has sent already.
        refuse: gives the answer to what can't be read as a request.
        is_elsewhere: whether what comes between two requests is for somebody else to answer.

    Attributes:
        peer_end: heard when the peer has ended its side; the app finds it in its scope's state.
        handed_back: what `is_elsewhere` was true of, once `run` has ended; the stream is still open. None when the
            connection is over.
    """

    def __init__(
        self,
        app: AppWrapper,
        config: Config,
        context: WorkerContext,
        stream: DeadlineStream,
        limits: Limits,
        *,
        received: bytes,
        refuse: Callable[[Problem], Answer],
        is_elsewhere: Callable[[bytes], bool],
    ) -> None:
        self.peer_end = PeerEnd()
        state = {"peer_end": self.peer_end}
        super().__init__(app, config, context, state, stream)  # type: ignore[arg-type]  # it takes any stream with a socket
        self._limits = limits
        self._received = received
        self._refuse = refuse
        self._is_elsewhere = is_elsewhere
        self.handed_back: bytes | None = None
        self._http2: Http2 | None = None
        self._idle = True
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
            self._http2 = Http2(h1, send_seconds=self._limits.send_seconds, head_bytes=HEAD_BYTES)
        head_deadline = math.inf
        with contextlib.suppress(trio.ClosedResourceError, trio.BrokenResourceError):
            while not self._ending:
                with trio.CancelScope(deadline=min(head_deadline, self._idle_deadline())) as self._receiving:
                    data = await self._next_bytes()
                if self._receiving.cancelled_caught:
                    if head_deadline < math.inf and not self._ending:
                        await self._refuse_slow_head()
                    break
                if data and self._is_elsewhere(data) and await self._is_between_requests():
                    self.handed_back = data
                    return
                if not data:
                    await self._hear_the_end(h1)
                    break
                await self.protocol.handle(RawData(data))
                if not self._in_head():
                    head_deadline = math.inf
                elif head_deadline == math.inf:
                    head_deadline = trio.current_time() + self._limits.head_seconds
        await self.protocol.handle(Closed())
        await self._linger()

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

    def _idle_deadline(self) -> float:
        return trio.current_time() + self._limits.idle_seconds if self._idle else math.inf

    async def _next_bytes(self) -> bytes:
        """No more at once than a head may have, since h11 measures only heads that aren't whole yet."""
        if self._received:
            data, self._received = self._received[:HEAD_BYTES], self._received[HEAD_BYTES:]
            return data
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
            and not self._received
        )

    async def _close(self) -> None:
        if self.handed_back is None:
            await super()._close()

    async def protocol_send(self, event: Event) -> None:
        """Send what the protocol asks for; to close is left to the reading task."""
        # Called in the task of the request, which Quart-Trio cancels as soon as its response is whole.
        if isinstance(event, Updated):
            self._idle = event.idle
            if event.idle:
                self._settle()
            self._receiving.deadline = self._idle_deadline()
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
            async with self.send_lock:
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
    headers = [(name.encode(), value.encode()) for name, value in answer.headers]
    length = (b"content-length", b"%d" % len(answer.body))
    common = h1.config.response_headers("h11")
    response = h11.Response(status_code=answer.status, headers=[*headers, length, (b"connection", b"close"), *common])
    body = b"" if h1.connection._request_method == b"HEAD" else answer.body  # noqa: SLF001 - h11 tells nobody
    parts = (response, h11.Data(data=body), h11.EndOfMessage())
    sent = b"".join(filter(None, map(h1.connection.send, parts)))
    await h1.send(RawData(sent))
