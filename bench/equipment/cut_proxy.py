"""A bad network: a proxy on 127.0.0.1 that keeps its port while servers come and go, and delays and cuts.

It passes on bytes, and knows nothing of HTTP. `tests.support.caching_proxy` adds a cache for images.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import attrs
import trio

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncGenerator

_CHUNK_BYTES: Final = 16_384
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset


@attrs.define
class Weather:
    """How bad the network is; may be changed at any time.

    Attributes:
        cut_bytes: an answer is cut after a random number of bytes up to this one; None cuts nothing.
        cut_share: share of connections that are cut.
        delay_seconds: longest time for which a chunk is held.
    """

    cut_bytes: int | None = None
    cut_share: float = 1.0
    delay_seconds: float = 0.0


class CutProxy:
    """The proxy; `open_proxy` opens it.

    Attributes:
        port: the port that it listens on.
        upstream_port: the server's port; None while there is no server: connections are closed then.
        weather: how bad the network is.
        cuts: number of connections that it cut.
    """

    def __init__(self, port: int, chance: random.Random) -> None:
        self.port = port
        self.upstream_port: int | None = None
        self.weather = Weather()
        self.cuts = 0
        self._chance = chance
        self._links: set[trio.SocketStream] = set()

    def cut_all(self) -> None:
        """Cut every open connection; half of them in order, the others with a reset."""
        for link in list(self._links):
            self._cut(link)

    async def serve_one(self, client: trio.SocketStream) -> None:
        """Serve one connection."""
        self._links.add(client)
        try:
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError, OSError):
                async with client:
                    await self.answer(client)
        finally:
            self._links.discard(client)

    async def answer(self, client: trio.SocketStream) -> None:
        """Answer one connection, until it ends."""
        await self.forward(client)

    async def forward(self, client: trio.SocketStream, begun: bytes = b"", came: bytearray | None = None) -> None:
        """Let the server answer.

        Args:
            client: the client's connection.
            begun: bytes that the client has already sent.
            came: gets all bytes from the server, also those that are cut.
        """
        if self.upstream_port is None:
            return
        room = self.room_bytes()
        server = await trio.open_tcp_stream("127.0.0.1", self.upstream_port)
        async with server:
            await server.send_all(begun)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._pump, client, server, None, None, nursery.cancel_scope)
                nursery.start_soon(self._pump, server, client, room, came, nursery.cancel_scope)

    def room_bytes(self) -> int | None:
        """After how many bytes to cut a new connection; None for never."""
        weather = self.weather
        if weather.cut_bytes is None or self._chance.random() >= weather.cut_share:
            return None
        return self._chance.randint(0, weather.cut_bytes)

    async def _pump(
        self,
        source: trio.SocketStream,
        sink: trio.SocketStream,
        room: int | None,
        came: bytearray | None,
        scope: trio.CancelScope,
    ) -> None:
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while data := await source.receive_some(_CHUNK_BYTES):
                if came is not None:
                    came += data
                room = await self.pass_on(sink, bytes(data), room)
        scope.cancel()

    async def pass_on(self, sink: trio.SocketStream, data: bytes, room: int | None) -> int | None:
        """Pass on as much of `data` as there is room for.

        Returns:
            how many bytes may still follow.

        Raises:
            trio.ClosedResourceError: `data` was larger, and the connection has been cut.
        """
        if self.weather.delay_seconds:
            await trio.sleep(self._chance.uniform(0, self.weather.delay_seconds))
        await sink.send_all(data if room is None else data[:room])
        if room is not None and len(data) > room:
            self._cut(sink)
            raise trio.ClosedResourceError
        return None if room is None else room - len(data)

    def _cut(self, link: trio.SocketStream) -> None:
        self.cuts += 1
        with contextlib.suppress(OSError):
            if self._chance.random() < 0.5:  # a reset; the other half looks like an orderly end
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            link.socket.close()


Proxy = TypeVar("Proxy", bound=CutProxy)


@contextlib.asynccontextmanager
async def open_proxy(kind: type[Proxy], chance: random.Random) -> AsyncGenerator[Proxy]:
    """Open a proxy of this kind on a port that the system chooses; it is gone when the block ends."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    proxy = kind(listener.socket.getsockname()[1], chance)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(trio.serve_listeners, proxy.serve_one, [listener]))
        yield proxy
        nursery.cancel_scope.cancel()
