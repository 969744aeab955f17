"""A bad network: a proxy on 127.0.0.1 that cuts connections at random bytes, delays, and caches images.

It keeps its port while the server behind it is killed and started again on others. It reads one request of a
connection and passes on the one answer, as far as it likes.
"""

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

CACHE_SECONDS: Final = 300.0  # ten times what Cache-Control allows: no cache does worse
_CHUNK_BYTES: Final = 4_096
_HEAD_BYTES: Final = 4_096
_NO_SERVER: Final = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@attrs.define
class Weather:
    """How bad it is; may be changed at any time.

    Attributes:
        cut_bytes: an answer is cut after up to so many bytes; None cuts nothing.
        cut_share: the share of connections that is cut.
        delay_seconds: before a chunk is passed on, up to so long.
        cache: whether images are kept for `CACHE_SECONDS`, whatever the server says.
    """

    cut_bytes: int | None = None
    cut_share: float = 1.0
    delay_seconds: float = 0.0
    cache: bool = False


class CutProxy:
    """The proxy, opened by `cut_proxy`.

    Attributes:
        port: where it listens.
        upstream_port: where the server is; None while there is none.
        weather: how bad it is.
        cuts: how many answers it cut.
        hits: how many images it answered by itself.
    """

    def __init__(self, chance: random.Random, weather: Weather, port: int) -> None:
        self._chance = chance
        self._cache: dict[bytes, tuple[float, bytes]] = {}
        self.weather = weather
        self.port = port
        self.upstream_port: int | None = None
        self.cuts = 0
        self.hits = 0

    async def serve_one(self, client: trio.SocketStream) -> None:
        """Serve one connection."""
        try:
            async with client:
                await self._answer(client)
        except* (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            pass

    async def _answer(self, client: trio.SocketStream) -> None:
        room = self._room_bytes()
        head = await _read_head(client)
        target = head.split(b" ", 2)[1]
        cached = self._cached(target)
        if cached is not None:
            self.hits += 1
            await self._pass_on(client, cached, room)
        elif self.upstream_port is None:
            await client.send_all(_NO_SERVER)
        else:
            await self._forward(client, head, target, room)

    def _room_bytes(self) -> int | None:
        weather = self.weather
        if weather.cut_bytes is None or self._chance.random() > weather.cut_share:
            return None
        return self._chance.randint(0, weather.cut_bytes)

    def _cached(self, target: bytes) -> bytes | None:
        kept_at, answer = self._cache.get(target, (0.0, b""))
        is_fresh = bool(answer) and trio.current_time() < kept_at + CACHE_SECONDS
        return answer if self.weather.cache and is_fresh else None

    async def _forward(self, client: trio.SocketStream, head: bytes, target: bytes, room: int | None) -> None:
        assert self.upstream_port is not None
        answer = b""
        server = await trio.open_tcp_stream("127.0.0.1", self.upstream_port)
        async with server, trio.open_nursery() as nursery:
            nursery.start_soon(_until_gone, client, nursery.cancel_scope)
            await server.send_all(head)
            while data := await server.receive_some(_CHUNK_BYTES):
                room = await self._pass_on(client, data, room)
                if target.startswith(b"/canvas.png"):
                    answer += data
            nursery.cancel_scope.cancel()
        if _is_whole(answer):
            self._cache[target] = (trio.current_time(), answer)

    async def _pass_on(self, client: trio.SocketStream, data: bytes, room: int | None) -> int | None:
        """Pass on, and say how many bytes may still follow; past that, cut."""
        await trio.sleep(self._chance.uniform(0, self.weather.delay_seconds))
        if room is None:
            await client.send_all(data)
            return None
        await client.send_all(data[:room])
        if len(data) > room:
            self.cuts += 1
            if self._chance.random() < 0.5:  # half of the cuts are a reset, the others look like an orderly end
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.socket.close()
            raise trio.ClosedResourceError
        return room - len(data)


async def _read_head(client: trio.SocketStream) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        data = await client.receive_some(_HEAD_BYTES)
        if not data:
            raise trio.BrokenResourceError
        head += data
    return head


async def _until_gone(client: trio.SocketStream, scope: trio.CancelScope) -> None:
    """The client sends nothing more; when it hangs up, so do we."""
    with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        await client.receive_some(1)
    scope.cancel()


def _is_whole(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    return head.startswith(b"HTTP/1.1 200") and b"content-length: %d" % len(body) in lines


@contextlib.asynccontextmanager
async def cut_proxy(chance: random.Random, weather: Weather) -> AsyncGenerator[CutProxy]:
    """A proxy on a port that the system chooses, gone when the block ends."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    proxy = CutProxy(chance, weather, listener.socket.getsockname()[1])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(trio.serve_listeners, proxy.serve_one, [listener]))
        yield proxy
        nursery.cancel_scope.cancel()
