"""A real server in the test's own process: the whole service, on its own port, over each lane."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import trio

from placed.commands.settings.values import Settings
from placed.service.wiring import serve
from tests.support.http_connection import HOST, Response, connect
from tests.support.stream_client import Event, EventParser
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from numpy.typing import NDArray

    from placed.backends import Log
    from placed.canvas.definition import Definition
    from placed.canvas.projection import Projection
    from tests.support.http_connection import HttpConnection

# The ways to serve a request. A new lane needs a word here, and its settings in `_LANES`.
LANES: Final = ("slow", "fast")
_LANES: Final[dict[str, dict[str, Any]]] = {"slow": {"fast_lane": False}, "fast": {"fast_lane": True}}

LIMIT_SECONDS: Final = PATIENCE_SECONDS  # for each wait
WIDTH, HEIGHT = 40, 30
_CHUNK_BYTES: Final = 65_536


@attrs.frozen
class Server:
    """One server at work.

    Attributes:
        url: without a slash at its end.
        projection: its canvas.
        stop: ends it in order when set.
        stopped: set when it has ended.
    """

    url: str
    projection: Projection
    stop: trio.Event
    stopped: trio.Event

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self.url.rpartition(":")[2])

    @property
    def definition(self) -> Definition:
        """Size and palette of its canvas."""
        return self.projection.definition

    async def request(self, method: str, target: str, *headers: tuple[str, str], body: bytes = b"") -> Response:
        """Send a request over a new connection; `Host` is placed.test."""
        async with connect(self.port) as connection:
            return await connection.request(target, method=method, headers=headers, body=body)

    async def get(self, target: str, *headers: tuple[str, str]) -> Response:
        """Send a GET request."""
        return await self.request("GET", target, *headers)

    async def place(self, x: object, y: object, color: object, *headers: tuple[str, str]) -> Response:
        """POST an edit in the query."""
        return await self.request("POST", f"/edit?x={x}&y={y}&color={color}", *headers)

    async def info(self) -> dict[str, Any]:
        """GET /info."""
        told: dict[str, Any] = (await self.get("/info")).json()
        return told

    @contextlib.asynccontextmanager
    async def follow(self, query: str, *headers: tuple[str, str]) -> AsyncGenerator[Following]:
        """The stream of `GET /edits?query`."""
        async with connect(self.port) as connection:
            with trio.fail_after(LIMIT_SECONDS):
                await connection.send(f"/edits?{query}", headers=headers)
                head = await connection.head()
            yield Following(head, connection)

    async def exchange(self, *pieces: bytes) -> bytes:
        """Send bytes, and return the answer until the server closes; the last piece must make it close."""
        with trio.fail_after(LIMIT_SECONDS):
            async with await trio.open_tcp_stream("127.0.0.1", self.port) as stream:
                with contextlib.suppress(trio.BrokenResourceError):
                    for piece in pieces:
                        await stream.send_all(piece)
                return await rest_of(stream)

    async def send_and_leave(self, *pieces: bytes) -> bytes:
        """Send bytes, end sending, and return the server's answer to a client that sends no more."""
        with trio.fail_after(LIMIT_SECONDS):
            async with await trio.open_tcp_stream("127.0.0.1", self.port) as stream:
                with contextlib.suppress(trio.BrokenResourceError):
                    for piece in pieces:
                        await stream.send_all(piece)
                    await stream.send_eof()
                return await rest_of(stream)

    def state(self) -> State:
        """The state that a refused request must not change."""
        return State(self.projection.version, self.projection.canvas.copy())

    async def assert_well(self, before: State) -> None:
        """Check that it still answers, and that its log and canvas are as in `before`."""
        assert (await self.info())["version"] == before.version == self.projection.version
        assert (self.projection.canvas == before.canvas).all()


@attrs.frozen(eq=False)
class State:
    """A canvas and its version, which is the log's next offset once everything is read."""

    version: int
    canvas: NDArray[np.uint8]


class Following:
    """An open stream.

    Attributes:
        head: its status and headers.
        connection: the connection under it.
        text: everything received so far.
    """

    def __init__(self, head: Response, connection: HttpConnection) -> None:
        self.head = head
        self.connection = connection
        self.text = b""
        self._parser = EventParser()
        self._events: list[Event] = []

    async def next(self) -> Event | None:
        """The next event, or None at the stream's end, within a time limit."""
        with trio.fail_after(LIMIT_SECONDS):
            while not self._events:
                data = await self.connection.data()
                if data is None:
                    return None
                self.text += data
                self._events += self._parser.feed(data)
        return self._events.pop(0)

    async def status(self) -> dict[str, Any]:
        """The next status; edits before it are kept for `event` and `next`."""
        with trio.fail_after(LIMIT_SECONDS):
            while not self._parser.statuses:
                data = await self.connection.data()
                assert data is not None
                self.text += data
                self._events += self._parser.feed(data)
        return self._parser.statuses.pop(0)

    async def event(self) -> Event:
        """The next event; the stream must not end."""
        event = await self.next()
        assert event is not None
        return event


async def rest_of(stream: trio.SocketStream) -> bytes:
    """Everything received until the other side closes or cuts the connection."""
    parts = []
    with trio.fail_after(LIMIT_SECONDS), contextlib.suppress(trio.BrokenResourceError):
        while data := await stream.receive_some(_CHUNK_BYTES):
            parts.append(bytes(data))
    return b"".join(parts)


@contextlib.asynccontextmanager
async def serving(lane: str, folder: Path, *, open_log: Log | None = None, **settings: Any) -> AsyncGenerator[Server]:
    """Run a server with `settings` (of `placed.commands.settings.values`) and small defaults; end it in order at last.

    Args:
        lane: one of `LANES`.
        folder: holds the data folder; with a durable log, the same folder has the same canvas again.
        open_log: a log to use instead of the settings' one; the caller closes it.
        settings: by default a log in memory, a small canvas, no cooldown, and the host name `HOST`.
    """
    defaults = {"log": "memory:", "width": WIDTH, "height": HEIGHT, "charge_seconds": 0.0, "allowed_hosts": (HOST,)}
    chosen = Settings(data=folder / "data", port=0, **{**defaults, **_LANES[lane], **settings})
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        with trio.fail_after(LIMIT_SECONDS):
            running = await nursery.start(partial(serve, chosen, stop=stop, log=open_log))
        yield Server(running.urls[0], running.projection, stop, running.stopped)
        stop.set()
        with trio.fail_after(LIMIT_SECONDS):
            await running.stopped.wait()


def blank(definition: Definition) -> NDArray[np.uint8]:
    """A blank canvas of this size."""
    return np.zeros((definition.height, definition.width), np.uint8)
