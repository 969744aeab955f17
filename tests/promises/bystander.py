"""An honest client during an attack: it paints and watches, and measures how long its edits take to come back.

All tests of attacks use `standing_by`. When its block ends, while the attack goes on, the bystander does some more
rounds; then its latency and the growth of the server's memory are compared with their bounds.
"""

from __future__ import annotations

import contextlib
import statistics
from itertools import islice
from typing import TYPE_CHECKING, Final, cast

import trio

from tests.support.http_connection import HOST, HttpConnection, place
from tests.support.painters import at_random
from tests.support.stream_client import EventParser

if TYPE_CHECKING:
    import random
    import ssl
    from collections.abc import AsyncGenerator

    from tests.support.server_process import ServerProcess

LIMIT_SECONDS: Final = 60.0
SLOWEST_SECONDS: Final = 5.0  # 10 ms on an idle machine; on two busy cores at times a hundred times that
USUAL_SECONDS: Final = 0.5
_ROUNDS_AFTERWARDS: Final = 8
_WIDTH, _HEIGHT, _COLORS = 64, 48, 16


class Bystander:
    """One honest client, with a connection to paint over and one to watch."""

    def __init__(self, server: ServerProcess, chance: random.Random, context: ssl.SSLContext | None) -> None:
        self.latencies: list[float] = []
        self._server = server
        self._chance = chance
        self._context = context
        self._moved = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Paint and watch until cancelled."""
        async with self._connection() as painter, self._connection() as watcher:
            version = (await painter.request("/info")).json()["version"]
            await watcher.send(f"/edits?v={version}")
            assert (await watcher.head()).status == 200
            parser = EventParser()
            task_status.started()
            for edit in islice(at_random(self._chance, _WIDTH, _HEIGHT, _COLORS), 100_000):
                began = trio.current_time()
                answer = await place(painter, *edit)
                assert answer.status == 200
                while version < answer.json()["v"]:
                    data = await watcher.data()
                    assert data is not None, "the stream has ended"
                    version = max([version, *(int(event.id) for event in parser.feed(data) if event.id)])
                self.latencies.append(trio.current_time() - began)
                self._moved.set()
                self._moved = trio.Event()
                await trio.sleep(0.01)  # a client's pace

    async def rounds(self, count: int) -> None:
        """Wait until `count` more of its edits have come back."""
        until = len(self.latencies) + count
        while len(self.latencies) < until:
            await self._moved.wait()

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncGenerator[HttpConnection]:
        plain = await trio.open_tcp_stream("127.0.0.1", self._server.port)
        if self._context is None:
            async with plain:
                yield HttpConnection(plain, HOST)
            return
        stream = trio.SSLStream(plain, self._context, server_hostname="127.0.0.1", https_compatible=True)
        try:
            yield HttpConnection(cast("trio.SocketStream", stream), HOST)
        finally:
            await trio.aclose_forcefully(stream)


@contextlib.asynccontextmanager
async def standing_by(
    server: ServerProcess, chance: random.Random, *, most_bytes: int, context: ssl.SSLContext | None = None
) -> AsyncGenerator[Bystander]:
    """Run a bystander while the block attacks.

    Args:
        server: the attacked server.
        chance: decides where it paints.
        most_bytes: bound for the growth of the server's memory.
        context: a context for TLS.
    """
    bystander = Bystander(server, chance, context)
    with trio.fail_after(LIMIT_SECONDS):
        async with trio.open_nursery() as nursery:
            await nursery.start(bystander.run)
            await bystander.rounds(5)
            before = server.resident_bytes()
            yield bystander
            await bystander.rounds(_ROUNDS_AFTERWARDS)
            grown = server.resident_bytes() - before
            nursery.cancel_scope.cancel()
    usual, slowest = statistics.median(bystander.latencies), max(bystander.latencies)
    figures = f"{grown / 1e6:.1f} MB more; median {usual * 1000:.1f} ms, at worst {slowest * 1000:.0f} ms"
    print(figures)  # noqa: T201 - pytest shows it when the test fails
    assert grown < most_bytes, figures
    assert usual < USUAL_SECONDS, figures
    assert slowest < SLOWEST_SECONDS, figures
    assert not server.ended
    assert "Traceback" not in server.output, server.output[-3_000:]
