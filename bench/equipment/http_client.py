"""A small HTTP/1.1 client on Trio and h11: one connection for requests, one for a stream of edits.

httpx would add about a millisecond to what is measured; h11 adds a tenth of one.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
import h11
import trio

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

Headers = Sequence[tuple[str, str]]

_READ_BYTES = 65_536
MAX_BODY_BYTES = 64 << 20  # a 4096 x 4096 image is 17 MB at worst


class UnexpectedAnswer(Exception):
    """The server answered something that the bench has no use for."""


@attrs.frozen
class Answer:
    """A whole response."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body's value."""
        return json.loads(self.body)


class Connection:
    """One keep-alive connection, opened by `connection`, and again whenever the server has closed it. For one task.

    Attributes:
        receive_buffer_bytes: of the socket, once it is opened again; None leaves it to the system.
    """

    receive_buffer_bytes: int | None = None

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._http = h11.Connection(h11.CLIENT)
        self._stream: trio.SocketStream | None = None

    async def open(self) -> None:
        """Connect, instead of the connection before, if there was one."""
        await self.aclose()
        self._http = h11.Connection(h11.CLIENT)
        self._stream = await trio.open_tcp_stream(self._host, self._port)
        if self.receive_buffer_bytes is not None:
            self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer_bytes)

    async def aclose(self) -> None:
        """Close. Idempotent."""
        if self._stream is not None:
            await self._stream.aclose()
            self._stream = None

    async def request(self, method: str, target: str, headers: Headers = (), body: bytes = b"") -> Answer:
        """Ask, with these headers besides and this body, and wait for the whole answer.

        Raises:
            UnexpectedAnswer: the connection ended, or the answer is larger than `MAX_BODY_BYTES`.
        """
        head = await self._ask(method, target, headers, body)
        answer = b"".join([part async for part in self._body()])
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        names = ((name.decode(), value.decode()) for name, value in head.headers)
        return Answer(head.status_code, dict(names), answer)

    async def follow(self, version: int) -> AsyncIterator[int]:
        """`GET /edits`: the version after each frame, as it comes."""
        async for frame in self.events(f"/edits?v={version}"):
            if frame.startswith(b"event: reload"):
                raise UnexpectedAnswer(f"the stream says {frame!r}")
            if frame.startswith(b"id: "):
                yield int(frame[4 : frame.index(b"\n")])

    async def events(self, target: str, headers: Headers = ()) -> AsyncIterator[bytes]:
        """A stream's events as they come, each whole, without the empty line after it."""
        head = await self._ask("GET", target, headers)
        if head.status_code != 200:
            raise UnexpectedAnswer(f"GET {target} answered {head.status_code}")
        rest = b""
        async for data in self._body():
            *events, rest = (rest + data).split(b"\n\n")
            for event in events:
                yield event

    async def _ask(self, method: str, target: str, more: Headers = (), body: bytes = b"") -> h11.Response:
        if self._stream is None or self._http.our_state is not h11.IDLE:
            await self.open()
        assert self._stream is not None
        headers = [
            ("Host", f"{self._host}:{self._port}"),
            *([("Content-Length", str(len(body)))] if method == "POST" else []),
        ]
        headers += more
        head = self._http.send(h11.Request(method=method, target=target, headers=headers))
        data = self._http.send(h11.Data(data=body)) or b""
        end = self._http.send(h11.EndOfMessage())
        assert head is not None
        assert end is not None
        await self._stream.send_all(head + data + end)
        event = await self._event()
        while isinstance(event, h11.InformationalResponse):
            event = await self._event()
        if not isinstance(event, h11.Response):
            raise UnexpectedAnswer(f"{method} {target} got {event!r}")
        return event

    async def _body(self) -> AsyncIterator[bytes]:
        size = 0
        while isinstance(event := await self._event(), h11.Data):
            size += len(event.data)
            # A stream has no end, but its frames are used up as they come.
            yield bytes(event.data)
        if not isinstance(event, h11.EndOfMessage) or size > MAX_BODY_BYTES:
            raise UnexpectedAnswer(f"a body of {size} bytes ended with {event!r}")

    async def _event(self) -> object:
        assert self._stream is not None
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._stream.receive_some(_READ_BYTES))
        return event


@contextlib.asynccontextmanager
async def connection(host: str, port: int) -> AsyncGenerator[Connection]:
    """A connection to a server, closed at the end."""
    link = Connection(host, port)
    try:
        await link.open()
        yield link
    finally:
        await link.aclose()
