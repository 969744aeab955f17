"""A bad network with a bad cache: the bench's proxy, which also keeps images for longer than the server allows.

It reads one request on each connection, and passes on its answer as far as it likes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from bench.equipment.cut_proxy import CutProxy

if TYPE_CHECKING:
    import random

CACHE_SECONDS: Final = 300.0  # ten times what Cache-Control allows: no cache does worse
_HEAD_BYTES: Final = 4_096


class CachingProxy(CutProxy):
    """The proxy.

    Attributes:
        hits: how many images it answered from the cache.
    """

    def __init__(self, port: int, chance: random.Random) -> None:
        super().__init__(port, chance)
        self._cache: dict[bytes, tuple[float, bytes]] = {}
        self.hits = 0

    async def answer(self, client: trio.SocketStream) -> None:
        """Answer from the cache, or let the server answer."""
        head = await _read_head(client)
        target = head.split(b" ", 2)[1]
        kept_at, kept = self._cache.get(target, (0.0, b""))
        if kept and trio.current_time() < kept_at + CACHE_SECONDS:
            self.hits += 1
            await self.pass_on(client, kept, self.room_bytes())
            return
        came = bytearray()
        await self.forward(client, head, came if target.startswith(b"/canvas.png") else None)
        if _is_whole(bytes(came)):
            self._cache[target] = (trio.current_time(), bytes(came))


async def _read_head(client: trio.SocketStream) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        data = await client.receive_some(_HEAD_BYTES)
        if not data:
            raise trio.BrokenResourceError
        head += data
    return head


def _is_whole(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    return head.startswith(b"HTTP/1.1 200") and b"content-length: %d" % len(body) in lines
