"""One HTTP/1.1 connection over h11, for tests and benches that have to control the socket themselves.

httpx would add about a millisecond to a measurement; h11 adds a tenth of one. `bench.equipment.http_client` opens a
connection again whenever it has ended; `tests.support.http_connection` fills in the host of the tests.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, Final

import attrs
import h11
import trio

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_SECONDS: Final = 60.0  # so that nothing hangs for ever: on two busy cores an act has taken 20 s
MAX_BODY_BYTES: Final = 64 << 20  # a 4096 x 4096 image is 17 MB at worst
_CHUNK_BYTES: Final = 65_536


class UnexpectedAnswer(Exception):
    """The server answered something that the caller can't use."""


class ConnectionCut(UnexpectedAnswer):
    """The connection ended, or broke, before the answer was whole."""


@attrs.frozen
class Response:
    """An answer's status and headers, names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes = attrs.field(default=b"", repr=False)

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class HttpConnection:
    """An open connection.

    Args:
        stream: its stream of bytes.
        host: value of the header Host.
    """

    def __init__(self, stream: trio.SocketStream, host: str) -> None:
        self.stream = stream
        self._host = host
        self._http = h11.Connection(h11.CLIENT)
        self._byte_seconds = 0.0
        self._slow_bytes = 0

    def read_slowly(self, byte_seconds: float, slow_bytes: int) -> None:
        """Read the next `slow_bytes` bytes one at a time, and wait `byte_seconds` before each."""
        self._byte_seconds, self._slow_bytes = byte_seconds, slow_bytes

    @property
    def is_idle(self) -> bool:
        """Whether the connection is ready for the next request."""
        return self._http.our_state is h11.IDLE

    async def request(
        self, target: str, *, method: str = "GET", headers: tuple[tuple[str, str], ...] = (), body: bytes = b""
    ) -> Response:
        """Send a request, and return the whole answer, which has to come within `LIMIT_SECONDS`.

        Raises:
            ConnectionCut: it didn't come.
        """
        with trio.fail_after(LIMIT_SECONDS):
            await self.send(target, method=method, headers=headers, body=body)
            return await self.answer()

    async def answer(self) -> Response:
        """Read the whole answer to a request.

        Raises:
            UnexpectedAnswer: the connection ended, or the body is larger than `MAX_BODY_BYTES`.
        """
        head = await self.head()
        parts, size = [], 0
        while (data := await self.data()) is not None:
            parts.append(data)
            size += len(data)
            if size > MAX_BODY_BYTES:
                raise UnexpectedAnswer(f"a body of more than {MAX_BODY_BYTES:,} bytes")
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        return attrs.evolve(head, body=b"".join(parts))

    async def send(
        self, target: str, *, method: str = "GET", headers: tuple[tuple[str, str], ...] = (), body: bytes = b""
    ) -> None:
        """Send a request."""
        length = (("Content-Length", str(len(body))),) if body else ()
        await self._write(self._head(target, method, headers + length) + self._body(body))

    async def send_head(self, target: str, *, method: str, headers: tuple[tuple[str, str], ...]) -> None:
        """Send a request without its body; `headers` must have its Content-Length, and `send_body` follows."""
        await self._write(self._head(target, method, headers))

    async def send_body(self, body: bytes) -> None:
        """Send the body after `send_head`."""
        await self._write(self._body(body))

    def _head(self, target: str, method: str, headers: tuple[tuple[str, str], ...]) -> bytes:
        if self._http.our_state is h11.MUST_CLOSE:
            raise ConnectionCut("the last answer said that the connection ends")
        lines = [("Host", self._host), *headers]
        return self._http.send(h11.Request(method=method, target=target, headers=lines)) or b""

    def _body(self, body: bytes) -> bytes:
        return (self._http.send(h11.Data(data=body)) or b"") + (self._http.send(h11.EndOfMessage()) or b"")

    async def _write(self, data: bytes) -> None:
        with _cuts():
            await self.stream.send_all(data)

    async def head(self) -> Response:
        """Read the head of the answer."""
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                headers = {name.decode(): value.decode() for name, value in event.headers}
                return Response(event.status_code, headers)

    async def data(self) -> bytes | None:
        """Read the next piece of the answer's body; None at its end."""
        event = await self._event()
        return bytes(event.data) if isinstance(event, h11.Data) else None

    async def _event(self) -> h11.Event:
        with _cuts():
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(await self._receive())
        if isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
            raise ConnectionCut("the connection was closed")
        assert not isinstance(event, type)
        return event

    async def _receive(self) -> bytes:
        if self._slow_bytes <= 0:
            return bytes(await self.stream.receive_some(_CHUNK_BYTES))
        await trio.sleep(self._byte_seconds)
        self._slow_bytes -= 1
        return bytes(await self.stream.receive_some(1))


@contextlib.contextmanager
def _cuts() -> Iterator[None]:
    try:
        yield
    except (h11.RemoteProtocolError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
        raise ConnectionCut(str(error)) from error
