"""Serves one connection of HTTP/2, and adds the limits that Hypercorn and h2 leave out.

Hypercorn 0.18 does all that h2 lets pass. Here a connection has a budget for frames that move nothing on, such as
resets, pings and settings. A peer that has spent it is told to calm down, and is cut (CVE-2023-44487 and its kin: RFC
9113, section 10.5). A stream gets its body in pieces, each when the one before has gone out, so a stream that is
stalled by its window keeps a piece and not an image. It is reset when it takes nothing for `send_seconds`. Priorities
are ignored (RFC 9113 has given them up), and so is a body that comes after the answer, where Hypercorn would fail.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

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

if TYPE_CHECKING:
    from hypercorn.protocol.events import Event as StreamEvent
    from hypercorn.protocol.h2 import H2Protocol

_PIECE_BYTES: Final = 16_384  # a frame
_BUDGET: Final = 1_000.0
_PER_SECOND: Final = 50.0
_PER_PIECE: Final = 4.0  # sent: its receiver answers with two updates of windows
# What a frame costs: 200 streams may be reset in a row, and 10 a second then, which is more than a person does.
_COSTS: Final[dict[type[Event], float]] = {
    StreamReset: 5.0,
    RemoteSettingsChanged: 10.0,
    PingReceived: 2.0,
    PriorityUpdated: 1.0,
    UnknownFrameReceived: 1.0,
    WindowUpdated: 1.0,
}
_COST_OF_NOTHING: Final = 2.0  # a DATA frame without data


class Http2:
    """Stands between Hypercorn's protocol object and h2; it puts itself there.

    Args:
        protocol: of one connection, from its beginning.
        send_seconds: for the peer to take a piece of one stream.
        head_bytes: the most bytes of a request's headers, unpacked.
    """

    def __init__(self, protocol: H2Protocol, *, send_seconds: float, head_bytes: int) -> None:
        self._protocol = protocol
        self._send_seconds = send_seconds
        self._budget = _BUDGET
        self._paid_at = trio.current_time()
        self._unfinished: set[int] = set()  # streams whose answers have begun, and not ended
        self._handle_events = protocol._handle_events  # noqa: SLF001 - Hypercorn leaves no other way in
        self._stream_send = protocol.stream_send
        protocol._handle_events = self._handle_affordable  # type: ignore[method-assign]  # noqa: SLF001
        protocol.stream_send = self._send_in_pieces  # type: ignore[method-assign]
        protocol.connection.decoder.max_header_list_size = head_bytes

    @property
    def in_head(self) -> bool:
        """Whether a part of a request's headers has come, and no more."""
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
            with contextlib.suppress(ProtocolError):  # the peer may have said in the same breath that it goes
                self._protocol.connection.reset_stream(event.stream_id, ErrorCodes.PROTOCOL_ERROR)
            return False
        if isinstance(event, DataReceived) and event.stream_id not in self._protocol.streams:
            length = event.flow_controlled_length or 0
            with contextlib.suppress(ProtocolError):  # the stream may be closed on both sides; the window is all's
                self._protocol.connection.acknowledge_received_data(length, event.stream_id)
            return False
        return not isinstance(event, PriorityUpdated)

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
        """Whether the peer took it; otherwise the stream is reset."""
        with trio.move_on_after(self._send_seconds) as deadline:
            await self._stream_send(event)
            buffer = self._protocol.stream_buffers.get(event.stream_id)
            if buffer is not None and isinstance(event, Body):
                await buffer.drain()
        if deadline.cancelled_caught:
            await self._reset(event.stream_id)
        return not deadline.cancelled_caught and event.stream_id in self._protocol.streams

    async def _reset(self, stream_id: int) -> None:
        protocol = self._protocol
        self._unfinished.discard(stream_id)
        with contextlib.suppress(ProtocolError):
            protocol.connection.reset_stream(stream_id, ErrorCodes.CANCEL)
        await protocol._flush()  # noqa: SLF001
        await protocol._close_stream(stream_id)  # noqa: SLF001
        await protocol._window_updated(stream_id)  # noqa: SLF001 - so that what it keeps is dropped


def _cost(event: Event) -> float:
    if isinstance(event, DataReceived):
        return 0.0 if event.data or event.stream_ended else _COST_OF_NOTHING
    return _COSTS.get(type(event), 0.0)


def _is_understood(request: RequestReceived) -> bool:
    """Whether Hypercorn can make a request of it: with a path, and that and the method of ASCII."""
    fields = {bytes(name): bytes(value) for name, value in request.headers or [] if bytes(name)[:1] == b":"}
    return b":path" in fields and fields[b":path"].isascii() and fields.get(b":method", b"\xff").isascii()
