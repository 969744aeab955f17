"""The same bytes through both lanes. The fast lane writes to file descriptors, so it gets a pair of sockets; the slow
one gets a stream in memory. The log is the projection itself.

Each connection gets all bytes at once, and its end once neither side has anything left to do. The comparison leaves out
what may differ in an answer: reason phrase, date, the order of headers, and how a body or a connection ends. Of streams
it compares only the heads.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import trio
import trio.testing

from placed.canvas.batch import Batch
from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.definition import Definition
from placed.canvas.events import EDIT, Edits
from placed.canvas.palette_files import palette_of
from placed.canvas.projection import Projection
from placed.http.api import Api
from placed.http.askers import Askers
from placed.http.attempts import Attempts
from placed.http.history import History
from placed.http.host_page.page import HostPage
from placed.http.lanes.app import create_app
from placed.http.lanes.connection import Limits
from placed.http.lanes.deadline_stream import DeadlineStream
from placed.http.lanes.fast_lane import FastLane
from placed.http.lanes.front import Front
from placed.http.page_load import PageLoad
from placed.http.pages import client_folder, pages_in
from placed.http.replies import Replies
from placed.http.request_log import RequestLog
from placed.http.sign_in import SignIns
from placed.people.sessions import DAY_MS, Sessions
from placed.stream.broadcaster import Broadcaster
from placed.tasks.image import Image
from placed.tasks.shared_bytes import piece_of
from placed.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placed.canvas.events import Event
    from placed.http.answer import Body
    from placed.people.store import PeopleStore
    from placed.stream.subscriber import Subscriber
    from placed.stream.subscriber_sockets import SubscriberSockets
    from placed.tasks.image import ImageEncoder
    from placed.tasks.writer import Writer

_CANVAS = Definition(60, 40, bytes(range(48)))
_LIMIT_SECONDS = 20.0
_MOST_ANSWERS = 200
_MAY_DIFFER = (b"date", b"connection", b"transfer-encoding", b"server")
_HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_MOST_BYTES = 1_000_000
_NOT_UNDERSTOOD = b"HTTP/1.1 400"
_PEER = ("192.0.2.7", 50_000)


class _Socket:
    """Stands in for a socket: the methods that Hypercorn and Trio call."""

    family = socket.AF_INET

    def getpeername(self) -> tuple[str, int]:
        return _PEER

    def getsockname(self) -> tuple[str, int]:
        return ("192.0.2.1", 80)

    def close(self) -> None:
        pass


class MemoryStream(DeadlineStream):
    """A connection whose peer has sent `data`, and takes any answer."""

    def __init__(self, data: bytes) -> None:
        self.socket = cast("Any", _Socket())
        self.sent = bytearray()
        self._data = data
        self._put_back = b""
        self._closed = False
        self._hung_up = trio.Event()

    def hang_up(self) -> None:
        """End the peer's data."""
        self._hung_up.set()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self._closed:
            raise trio.ClosedResourceError
        await trio.lowlevel.checkpoint()
        self.sent += data

    async def send_answer(self, data: bytes | memoryview, body: Body = b"", start: int = 0) -> None:
        await self.send_all(bytes(data) + piece_of(body, start, len(body)))

    async def _receive(self, max_bytes: int) -> bytes:
        if self._closed:
            raise trio.ClosedResourceError
        if not self._data:
            await self._hung_up.wait()
            return b""
        await trio.lowlevel.checkpoint()
        data, self._data = self._data[:max_bytes], self._data[max_bytes:]
        return data

    async def send_eof(self) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        self._closed = True
        await trio.lowlevel.checkpoint()

    async def linger(self, seconds: float) -> None:
        await self.send_eof()

    def abort(self) -> None:
        self._closed = True

    def detach(self) -> int:
        self._closed = True
        return -1


class _NamedSocket(_Socket):
    """One end of a pair, with the addresses of a connection."""

    def __init__(self, end: trio.socket.SocketType) -> None:
        self._end = end

    def fileno(self) -> int:
        return self._end.fileno()

    def detach(self) -> int:
        return self._end.detach()

    def close(self) -> None:
        self._end.close()


class _PairStream(DeadlineStream):
    """The server's end of a pair of sockets."""

    def __init__(self, end: trio.socket.SocketType) -> None:
        super().__init__(trio.SocketStream(end), _LIMIT_SECONDS)
        self.socket = cast("Any", _NamedSocket(end))


class _Http2Stream(MemoryStream):
    """The same as if behind TLS with HTTP/2 agreed on."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.transport_stream = SimpleNamespace(socket=self.socket)

    async def do_handshake(self) -> None:
        await trio.lowlevel.checkpoint()

    def selected_alpn_protocol(self) -> str:
        return "h2"


class _Placed:
    """A record that is already in the log."""

    def __init__(self, version: int) -> None:
        self._version = version

    async def wait(self) -> None:
        await trio.lowlevel.checkpoint()

    def version(self) -> int:
        return self._version


class _Writer:
    """Appends as the writer does, and applies as the reader does after it."""

    def __init__(self, projection: Projection) -> None:
        self._projection = projection

    def add_packed(self, edit: bytes) -> _Placed:
        return self.add(Edits(np.frombuffer(edit, EDIT)))

    def add(self, event: Event) -> _Placed:
        offset = self._projection.version
        self._projection.apply(Batch(np.array([offset]), np.array([0]), [event.encode()], offset + 1), 0)
        return _Placed(self._projection.version)


class _Rig:
    """One lane's server, as far as requests see it; it and its canvas last."""

    def __init__(self, lane: str) -> None:
        self.projection = Projection(_CANVAS, 1, Cooldowns(Rule(10, 0)))
        broadcaster = Broadcaster(self.projection, "f" * 16)
        image = Image(1, b"\x89PNG", '"image"', "Mon, 01 Jan 2024 00:00:00 GMT")
        store = cast("PeopleStore", SimpleNamespace(tokens={}, roles={}))
        self._api = Api(
            projection=self.projection,
            writer=cast("Writer", _Writer(self.projection)),
            broadcaster=broadcaster,
            encoder=cast("ImageEncoder", SimpleNamespace(fresh=lambda _at_least: image)),
            metrics=Metrics(),
            log_id="f" * 16,
            askers=Askers(bytes(32), store, Sessions(bytes(32), {}, DAY_MS)),
            sign_in={},
            palette_of=palette_of,
            trusted_proxies=(),
            allow_origins=(),
            is_ready=lambda: True,
            lag=lambda: 0,
            now_ms=lambda: 0,
            replies=Replies(RequestLog(make_id=lambda: "f" * 16)),
        )
        # The fast lane makes its own for each connection; this one makes Hypercorn return hot requests to it.
        page = HostPage(pages_in(client_folder()))
        sign_ins = SignIns(self._api.askers, Attempts(1), self._api.charges_of)
        self._page_load = PageLoad(self._api, page, sign_ins)
        fast = (self._api, self._page_load, History(), cast("SubscriberSockets", self)) if lane == "fast" else None
        app = create_app(self._api, page, sign_ins=sign_ins)
        self.front = Front(app, fast=fast, replies=self._api.replies)

    def add(self, fd: int, subscriber: Subscriber) -> None:
        """Add a subscriber as the real sockets do, but send nothing."""
        subscriber.close()
        os.close(fd)

    def __len__(self) -> int:
        return 0

    async def answer(self, stream: MemoryStream) -> bytes:
        """The whole answer to a connection."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._serve, stream)
            await trio.testing.wait_all_tasks_blocked()
            stream.hang_up()
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()  # Hypercorn reads nothing after a stream, which has no end
        return bytes(stream.sent)

    async def _serve(self, stream: MemoryStream) -> None:
        await self.front._serve_slowly(stream)

    async def answer_fast(self, data: bytes) -> bytes:
        """The whole answer of the fast lane."""
        sockets = cast("SubscriberSockets", self)
        lane = FastLane(self._api, self._page_load, History(), sockets, Limits(), self.front._serve_slowly)
        ours, theirs = trio.socket.socketpair()
        peer, sent = trio.SocketStream(theirs), bytearray()

        async def read() -> None:
            async for piece in peer:
                sent.extend(piece)

        async def serve() -> None:
            stream = _PairStream(ours)
            try:
                await lane.serve(stream, _PEER[0])
            finally:
                stream.abort()

        async with peer, trio.open_nursery() as nursery:
            for task in (lane.run, serve, read):
                nursery.start_soon(task)
            with contextlib.suppress(trio.BrokenResourceError):
                await peer.send_all(data)
                await trio.testing.wait_all_tasks_blocked()
                await peer.send_eof()
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        return bytes(sent)


@cache
def _rigs() -> tuple[_Rig, _Rig]:
    return _Rig("fast"), _Rig("slow")


@cache
def _rig_of_http2() -> _Rig:
    return _Rig("slow")


def compare_lanes(data: bytes) -> None:
    """Compare the answers of both lanes to the same bytes, and their canvases afterwards."""
    try:
        _compare(data)
    except BaseException:
        _rigs.cache_clear()  # one difference would cause others
        raise


def _compare(data: bytes) -> None:
    fast, slow = _rigs()
    with _without_faults():
        by_fast, by_slow = trio.run(_both, fast, slow, data)
    answers, theirs = answers_of(by_fast), answers_of(by_slow)
    if len(answers) == len(theirs) and answers and _is_refused_for_head_or_body(answers[-1][0], theirs[-1][0]):
        answers.pop()
        theirs.pop()
    if len(theirs) == len(answers) + 1 and theirs[-1][0] == _NOT_UNDERSTOOD:
        theirs.pop()  # the answer to a client that left in the middle of a request
    assert answers == theirs, f"{answers!r} by the fast lane, {theirs!r} by the other"
    assert b"HTTP/1.1 500" not in by_slow
    assert fast.projection.version == slow.projection.version
    assert (fast.projection.canvas == slow.projection.canvas).all()


def _is_refused_for_head_or_body(one: bytes, other: bytes) -> bool:
    """Whether one lane refuses a request's head, and the other its broken body: in both cases nothing is placed."""
    return _NOT_UNDERSTOOD in (one, other) and all(answer.startswith(b"HTTP/1.1 4") for answer in (one, other))


class _Faults(logging.Handler):
    """Collects the faults that Hypercorn logs, which no peer must be able to cause: each is a traceback in the log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(self.format(record))


@contextlib.contextmanager
def _without_faults() -> Iterator[None]:
    logger, faults = logging.getLogger("hypercorn.error"), _Faults()
    logger.addHandler(faults)
    try:
        yield
    finally:
        logger.removeHandler(faults)
    assert not faults.found, faults.found[0]


async def _both(fast: _Rig, slow: _Rig, data: bytes) -> tuple[bytes, bytes]:
    with trio.fail_after(_LIMIT_SECONDS):
        return await fast.answer_fast(data), await slow.answer(MemoryStream(data))


def speak_http2(data: bytes) -> None:
    """Send frames after the preface and a client's first settings."""
    with _without_faults():
        sent = trio.run(_rig_of_http2().answer, _Http2Stream(_HTTP2 + data))
    assert len(sent) < _MOST_BYTES


def answers_of(sent: bytes) -> list[tuple[bytes, list[bytes], bytes]]:
    """Status, headers and body of each response in `sent`."""
    answers: list[tuple[bytes, list[bytes], bytes]] = []
    while sent and len(answers) < _MOST_ANSWERS:
        top, end, rest = sent.partition(b"\r\n\r\n")
        assert end, f"a head without end: {top[:200]!r}"
        line, *lines = top.split(b"\r\n")
        fields = sorted((name.lower(), value.strip()) for name, _, value in (field.partition(b":") for field in lines))
        length = int(dict(fields).get(b"content-length", 0))
        if (b"content-type", b"text/event-stream") in fields:
            rest, length = b"", 0
        if rest.startswith(b"HTTP/1.1 ") or not rest:  # an answer to HEAD; no body of ours begins like that
            length = 0
        kept = [name + b": " + value for name, value in fields if name not in _MAY_DIFFER]
        answers.append((line[:12], kept, rest[:length]))
        sent = rest[length:]
    return answers
