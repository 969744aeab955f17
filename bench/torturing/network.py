"""A bad network: a proxy on 127.0.0.1 that keeps its port while servers come and go, and delays and cuts."""

from __future__ import annotations

import contextlib
import socket
import struct
from functools import partial
from typing import TYPE_CHECKING, Final

import attrs
import trio

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncGenerator

_CHUNK_BYTES: Final = 16_384
_RESET: Final = struct.pack("ii", 1, 0)


@attrs.define
class Weather:
    """How bad it is; may be changed at any time.

    Attributes:
        cut_bytes: an answer is cut after up to so many bytes; None cuts nothing.
        delay_seconds: each chunk is held for up to so long.
    """

    cut_bytes: int | None = None
    delay_seconds: float = 0.0


class Network:
    """The proxy; opened by `open_network`.

    Attributes:
        port: where it listens.
        upstream_port: where the server is; None while there is none.
        weather: how bad it is.
        cuts: how many connections it cut.
    """

    def __init__(self, port: int, chance: random.Random) -> None:
        self.port = port
        self.upstream_port: int | None = None
        self.weather = Weather()
        self.cuts = 0
        self._chance = chance
        self._links: set[trio.SocketStream] = set()

    def cut_all(self) -> None:
        """Cut every connection that there is; half of them in order, the others with a reset."""
        for link in list(self._links):
            self._cut(link)

    async def serve_one(self, client: trio.SocketStream) -> None:
        """Serve one connection."""
        with contextlib.suppress(OSError):
            if self.upstream_port is None:
                await client.aclose()
                return
            server = await trio.open_tcp_stream("127.0.0.1", self.upstream_port)
            self._links.add(client)
            try:
                async with client, server, trio.open_nursery() as nursery:
                    nursery.start_soon(self._pump, client, server, None, nursery.cancel_scope)
                    room = self.weather.cut_bytes
                    limit = None if room is None else self._chance.randint(0, room)
                    nursery.start_soon(self._pump, server, client, limit, nursery.cancel_scope)
            finally:
                self._links.discard(client)

    async def _pump(
        self, source: trio.SocketStream, sink: trio.SocketStream, room: int | None, scope: trio.CancelScope
    ) -> None:
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while data := await source.receive_some(_CHUNK_BYTES):
                if self.weather.delay_seconds:
                    await trio.sleep(self._chance.uniform(0, self.weather.delay_seconds))
                if room is not None and len(data) > room:
                    await sink.send_all(data[:room])
                    self._cut(sink)
                    break
                await sink.send_all(data)
                room = None if room is None else room - len(data)
        scope.cancel()

    def _cut(self, link: trio.SocketStream) -> None:
        self.cuts += 1
        with contextlib.suppress(OSError):
            if self._chance.random() < 0.5:
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            link.socket.close()


@contextlib.asynccontextmanager
async def open_network(chance: random.Random) -> AsyncGenerator[Network]:
    """A proxy on a port that the system chooses, gone when the block ends."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    network = Network(listener.socket.getsockname()[1], chance)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(trio.serve_listeners, network.serve_one, [listener]))
        yield network
        nursery.cancel_scope.cancel()
