"""A small HTTP/1.1 client: one connection for requests, one for a stream of edits."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

import trio

from bench.equipment.http_connection import HttpConnection, Response, UnexpectedAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

Headers = Sequence[tuple[str, str]]


class Connection:
    """One keep-alive connection, which `connection` opens. It opens again if the server has closed it. For one task.

    Attributes:
        receive_buffer_bytes: receive buffer of the socket, from the next opening on; None leaves it to the system.
    """

    receive_buffer_bytes: int | None = None

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._link: HttpConnection | None = None

    async def open(self) -> None:
        """Connect, and close the connection before, if there was one."""
        await self.aclose()
        stream = await trio.open_tcp_stream(self._host, self._port)
        if self.receive_buffer_bytes is not None:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer_bytes)
        self._link = HttpConnection(stream, f"{self._host}:{self._port}")

    async def aclose(self) -> None:
        """Close. Idempotent."""
        if self._link is not None:
            await self._link.stream.aclose()
            self._link = None

    async def request(self, method: str, target: str, headers: Headers = (), body: bytes = b"") -> Response:
        """Send a request with additional headers and a body, and wait for the whole answer.

        Raises:
            UnexpectedAnswer: the connection ended, or the answer is larger than `MAX_BODY_BYTES`.
        """
        return await (await self._ask(method, target, headers, body)).answer()

    async def follow(self, version: int) -> AsyncIterator[int]:
        """`GET /edits`: yield the version after each frame, as it arrives."""
        async for frame in self.events(f"/edits?v={version}"):
            if frame.startswith(b"event: reload"):
                raise UnexpectedAnswer(f"the stream says {frame!r}")
            if frame.startswith(b"id: "):
                yield int(frame[4 : frame.index(b"\n")])

    async def events(self, target: str, headers: Headers = ()) -> AsyncIterator[bytes]:
        """A stream's events as they arrive, each complete, without the empty line after it."""
        link = await self._ask("GET", target, headers)
        head = await link.head()
        if head.status != 200:
            raise UnexpectedAnswer(f"GET {target} answered {head.status}")
        rest = b""
        while (data := await link.data()) is not None:
            *events, rest = (rest + data).split(b"\n\n")
            for event in events:
                yield event

    async def _ask(self, method: str, target: str, more: Headers, body: bytes = b"") -> HttpConnection:
        if self._link is None or not self._link.is_idle:
            await self.open()
        assert self._link is not None
        length = [("Content-Length", "0")] if method == "POST" and not body else []
        await self._link.send(target, method=method, headers=(*length, *more), body=body)
        return self._link


@contextlib.asynccontextmanager
async def connection(host: str, port: int) -> AsyncGenerator[Connection]:
    """A connection to a server, closed at the end."""
    link = Connection(host, port)
    try:
        await link.open()
        yield link
    finally:
        await link.aclose()
