"""Serves one connection of HTTP/2, and adds the limits that Hypercorn and h2 leave out.

Hypercorn 0.18 acts on every frame that h2 lets pass. Here a connection has a budget for frames that carry no request
and no body, such as resets, pings and settings. A peer that has spent its budget gets ENHANCE_YOUR_CALM, and is cut
(CVE-2023-44487 and similar attacks: RFC 9113, section 10.5). Priorities are ignored (RFC 9113 has given them up), and
so is a body that comes after the answer, where Hypercorn would fail.

The body of a whole answer stays where it is: Hypercorn's one task for the connection reads a frame of it whenever the
stream's window has room. So a stalled stream is a place in a body, without a task or a copy. A stream of edits is sent
in pieces, each when the one before has gone out. A stream whose peer takes less than a piece in `send_seconds` is
reset.

    request --a whole answer--> `_Transfer` --all of it is sent--> closed
       |                            +--too slow, or its image taken back--> reset
       +--a stream of edits--> pieces, in the request's own task --its end--> closed
                                    +--too slow--> reset
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any, Final

import trio
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    PingReceived,
    PriorityUpdated,
    RemoteSettingsChanged,
    RequestReceived,
    StreamReset,
    UnknownFrameReceived,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from hypercorn.events import Closed
from hypercorn.protocol.events import Body, EndBody, Response, StreamClosed
from hypercorn.typing import ConnectionState

from placed.http.lanes.unsent import TAKE
from placed.http.lanes.wire import fields_of
from placed.tasks.shared_bytes import TakenBack, piece_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypercorn.protocol.events import Event as StreamEvent
    from hypercorn.protocol.h2 import H2Protocol

    from placed.http import answer as answers

_PIECE_BYTES: Final = 16_384  # one frame, even if the peer allows larger ones
_BUDGET: Final = 1_000.0
_PER_SECOND: Final = 50.0
_PER_PIECE: Final = 4.0  # for each piece sent, because its receiver answers with two updates of windows
# The cost of each kind of frame: a peer may reset 200 streams in a row, and then 10 a second, more than a person does.
_COSTS: Final[dict[type[Event], float]] = {
    StreamReset: 5.0,
    RemoteSettingsChanged: 10.0,
    PingReceived: 2.0,
    PriorityUpdated: 1.0,
    UnknownFrameReceived: 1.0,
    WindowUpdated: 1.0,
}
_COST_OF_NOTHING: Final = 2.0  # a DATA frame without data


class _Transfer:
    """The body of a whole answer on its way. For Hypercorn it takes the place of both the stream and its send buffer.

    Attributes:
        deadline: when the next piece must have gone out, on Trio's clock.
    """

    __slots__ = ("_body", "_moved", "_position", "deadline")

    idle = False

    def __init__(self, body: answers.Body, deadline: float) -> None:
        self._body = body
        self._position = 0
        self._moved = 0
        self.deadline = deadline

    async def pop(self, max_length: int) -> bytes:
        """The next bytes to send, at most `max_length`.

        Raises:
            TakenBack: the body's owner took it back.
        """
        piece = bytes(piece_of(self._body, self._position, min(max_length, _PIECE_BYTES)))
        self._position += len(piece)
        self._moved += len(piece)
        return piece

    @property
    def complete(self) -> bool:
        """Whether all of the body has been sent."""
        return self._position == len(self._body)

    def has_moved(self) -> bool:
        """Whether a whole piece has gone out since this last said so."""
        if self._moved < _PIECE_BYTES:
            return False
        self._moved = 0
        return True

    async def handle(self, event: StreamEvent) -> None:
        """Send no more once the stream is closed. Ignore all else that the peer sends after its request."""
        if isinstance(event, StreamClosed):
            await self.close()

    async def close(self) -> None:
        """Send no more. Hypercorn asks for bytes once more, finds that the stream is over, and drops this."""
        self._body = b""
        self._position = 0


class Http2:
    """Stands between Hypercorn's protocol object and h2; it puts itself there.

    Args:
        protocol: the protocol object of one new connection.
        send_seconds: the time for the peer to take a piece of one stream.
        head_bytes: the most bytes of a request's headers, unpacked.
        on_deadline: called when `deadline` may have become earlier.

    Attributes:
        deadline: when `reset_slow` must be called next, on Trio's clock.
    """

    def __init__(
        self, protocol: H2Protocol, *, send_seconds: float, head_bytes: int, on_deadline: Callable[[], None]
    ) -> None:
        self._protocol = protocol
        self._send_seconds = send_seconds
        self._budget = _BUDGET
        self._paid_at = trio.current_time()
        self._unfinished: set[int] = set()  # streams whose answers have begun, and not ended
        self._transfers: dict[int, _Transfer] = {}
        self._ends: dict[int, trio.Event] = {}  # by stream: set when its last frame has gone out
        self.deadline = math.inf
        self._on_deadline = on_deadline
        self._state = protocol.connection_state
        self._handle_events = protocol._handle_events  # noqa: SLF001 - Hypercorn leaves no other way in
        self._create_stream = protocol._create_stream  # noqa: SLF001
        self._send_data = protocol._send_data  # noqa: SLF001
        self._close_stream = protocol._close_stream  # noqa: SLF001
        self._stream_send = protocol.stream_send
        protocol._create_stream = self._create_with_take  # type: ignore[method-assign]  # noqa: SLF001
        protocol._send_data = self._send_and_settle  # type: ignore[method-assign]  # noqa: SLF001
        protocol._handle_events = self._handle_affordable  # type: ignore[method-assign]  # noqa: SLF001
        protocol._close_stream = self._close_and_tell  # type: ignore[method-assign]  # noqa: SLF001
        protocol.stream_send = self._send_in_pieces  # type: ignore[method-assign]
        protocol.connection.decoder.max_header_list_size = head_bytes

    @property
    def in_head(self) -> bool:
        """Whether a part of a request's headers has come, but not all of them."""
        return bool(self._protocol.connection.incoming_buffer._headers_buffer)  # noqa: SLF001 - h2 tells nobody

    async def _handle_affordable(self, events: list[Event]) -> None:
        if not self._pay(sum(map(_cost, events))):
            await self._end()
            return
        await self._handle_events([event for event in events if self._is_for_hypercorn(event)])

    def _pay(self, cost: float) -> bool:
        now = trio.current_time()
        self._budget = min(_BUDGET, self._budget + (now - self._paid_at) * _PER_SECOND) - cost
        self._paid_at = now
        return self._budget >= 0

    async def _end(self) -> None:
        with contextlib.suppress(ProtocolError):
            self._protocol.connection.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
        await self._protocol._flush()  # noqa: SLF001
        await self._protocol.send(Closed())

    def _is_for_hypercorn(self, event: Event) -> bool:
        if isinstance(event, RequestReceived) and not _is_understood(event):
            assert event.stream_id is not None
            with contextlib.suppress(ProtocolError):  # the same bytes may also have closed the connection (GOAWAY)
                self._protocol.connection.reset_stream(event.stream_id, ErrorCodes.PROTOCOL_ERROR)
            return False
        if isinstance(event, DataReceived) and event.stream_id not in self._protocol.streams:
            length = event.flow_controlled_length or 0
            # The stream is over, so its late body is dropped. Its bytes still count in the window that all streams
            # share: unless they are acknowledged, that window closes for all.
            with contextlib.suppress(ProtocolError):  # the stream may be closed on both sides
                self._protocol.connection.acknowledge_received_data(length, event.stream_id)
            return False
        return not isinstance(event, PriorityUpdated)

    async def _create_with_take(self, request: RequestReceived) -> None:
        """Put a `Take` into the request's scope. It has to know the stream's id, which ASGI doesn't give."""
        stream_id = request.stream_id
        assert stream_id is not None

        async def take(answer: answers.Answer, _closes: bool) -> bool:
            await self._take(stream_id, answer)
            return True

        self._protocol.connection_state = ConnectionState({**self._state, TAKE: take})
        await self._create_stream(request)

    async def _take(self, stream_id: int, answer: answers.Answer) -> None:
        """Send a whole answer's head now, and its body after the request's own task has ended."""
        protocol, body = self._protocol, answer.body
        assert body is not None
        await self._stream_send(Response(stream_id, headers=fields_of(answer), status_code=answer.status))
        stream: Any = protocol.streams.get(stream_id)
        if stream is None:  # the peer has reset it
            return
        stream.closed = True
        transfer: Any = _Transfer(body, trio.current_time() + self._send_seconds)
        self._transfers[stream_id] = protocol.streams[stream_id] = protocol.stream_buffers[stream_id] = transfer
        if transfer.deadline < self.deadline:
            self.deadline = transfer.deadline
            self._on_deadline()
        protocol.priority.unblock(stream_id)
        await protocol.has_data.set()

    async def _send_and_settle(self, stream_id: int) -> None:
        """Send a frame of one stream, if its window has room, and close the stream after its last frame."""
        try:
            await self._send_data(stream_id)
        except TakenBack:
            await self._reset(stream_id)
        is_over = stream_id not in self._protocol.stream_buffers
        if is_over:
            self._tell_end(stream_id)
        transfer = self._transfers.get(stream_id)
        if transfer is None:
            return
        if is_over:
            del self._transfers[stream_id]
            await self._stream_send(StreamClosed(stream_id))
        elif transfer.has_moved():
            transfer.deadline = trio.current_time() + self._send_seconds
            self._budget = min(_BUDGET, self._budget + _PER_PIECE)

    async def reset_slow(self) -> bool:
        """Reset the streams that are too slow; say whether it was time for that."""
        now = trio.current_time()
        if now < self.deadline:
            return False
        for stream_id in [one for one, transfer in self._transfers.items() if transfer.deadline <= now]:
            self._transfers[stream_id].deadline = math.inf  # Hypercorn's send task removes it when it comes to it
            await self._reset(stream_id)
        self.deadline = min((one.deadline for one in self._transfers.values()), default=math.inf)
        return True

    async def _send_in_pieces(self, event: StreamEvent) -> None:
        if isinstance(event, Body):
            for start in range(0, len(event.data), _PIECE_BYTES):
                piece = Body(event.stream_id, event.data[start : start + _PIECE_BYTES])
                if not await self._send_in_time(piece):
                    return
                self._budget = min(_BUDGET, self._budget + _PER_PIECE)
        elif isinstance(event, EndBody):
            self._unfinished.discard(event.stream_id)
            await self._send_in_time(event)
        else:
            if isinstance(event, Response):
                self._unfinished.add(event.stream_id)
            elif isinstance(event, StreamClosed) and event.stream_id in self._unfinished:
                await self._reset(event.stream_id)  # Hypercorn would leave the peer waiting for the rest
            await self._stream_send(event)

    async def _send_in_time(self, event: Body | EndBody) -> bool:
        """Send `event`, and say whether the peer took it in time; otherwise reset the stream."""
        with trio.move_on_after(self._send_seconds) as deadline:
            await self._stream_send(event)
            buffer = self._protocol.stream_buffers.get(event.stream_id)
            if isinstance(event, EndBody):
                await self._until_ended(event.stream_id)
            elif buffer is not None:
                await buffer.drain()
        if deadline.cancelled_caught:
            await self._reset(event.stream_id)
        return not deadline.cancelled_caught and event.stream_id in self._protocol.streams

    async def _until_ended(self, stream_id: int) -> None:
        """Wait until the stream's last frame has gone out, or never will.

        Hypercorn waits only until its buffer is empty, and the frame that ends the stream comes after that. At a stop
        it then sends GOAWAY, after which h2 sends nothing more, and closes the connection: the peer would have half an
        answer.
        """
        protocol = self._protocol
        while stream_id in protocol.stream_buffers and stream_id in protocol.streams:
            await self._ends.setdefault(stream_id, trio.Event()).wait()

    def _tell_end(self, stream_id: int) -> None:
        if (ended := self._ends.pop(stream_id, None)) is not None:
            ended.set()

    async def _close_and_tell(self, stream_id: int) -> None:
        await self._close_stream(stream_id)
        self._tell_end(stream_id)

    async def _reset(self, stream_id: int) -> None:
        protocol = self._protocol
        self._unfinished.discard(stream_id)
        with contextlib.suppress(ProtocolError):
            protocol.connection.reset_stream(stream_id, ErrorCodes.CANCEL)
        await protocol._flush()  # noqa: SLF001
        await protocol._close_stream(stream_id)  # noqa: SLF001
        await protocol._window_updated(stream_id)  # noqa: SLF001 - so that Hypercorn drops its buffer


def _cost(event: Event) -> float:
    if isinstance(event, DataReceived):
        return 0.0 if event.data or event.stream_ended else _COST_OF_NOTHING
    return _COSTS.get(type(event), 0.0)


def _is_understood(request: RequestReceived) -> bool:
    """Whether Hypercorn can make a request of it: it has a path, and path and method are ASCII."""
    fields = {bytes(name): bytes(value) for name, value in request.headers or [] if bytes(name)[:1] == b":"}
    return b":path" in fields and fields[b":path"].isascii() and fields.get(b":method", b"\xff").isascii()
