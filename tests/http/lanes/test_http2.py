"""HTTP/2 at its worst, in the test's own process: the result of each attack, and that others are served."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, Event, StreamEnded
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.events import Closed, RawData
from hypercorn.protocol.h2 import H2Protocol, StreamBuffer
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from placed.http.lanes.connection import Limits
from placed.http.lanes.front import Front
from placed.http.lanes.http2 import Http2
from placed.tasks.shared_bytes import TakenBack
from tests.http.lanes.test_connection import fill
from tests.support.http2_peer import Http2Peer, certificate, speaking
from tests.support.serving import LIMIT_SECONDS, Server, serving
from tests.support.stream_client import EventParser

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from pathlib import Path

    from hypercorn.events import Event as IOEvent
    from hypercorn.typing import Scope


class _Secure:
    """A server with TLS, and the context of its clients."""

    def __init__(self, server: Server, context: ssl.SSLContext) -> None:
        self.port = server.port
        self.server = server
        self.context = context

    async def assert_well(self) -> None:
        """Check that others are served."""
        async with speaking(self.port, self.context) as peer:
            await assert_served(peer, 1)


async def assert_served(peer: Http2Peer, stream_id: int) -> None:
    """Check that the connection can serve another request."""
    assert await peer.say(peer.request(stream_id))
    frames = await peer.until_end_of(stream_id)
    assert b"".join(frame.data for frame in frames if isinstance(frame, DataFrame)) == b"ok\n"


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncGenerator[_Secure]:
    file, context = certificate(tmp_path)
    async with serving("fast", tmp_path, certificate=file) as server:
        yield _Secure(server, context)


@pytest.fixture
async def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[_Secure]:
    """A server whose connections give up soon; but not before a busy machine has done a handshake, which may take as
    long as a head.
    """
    monkeypatch.setattr(
        "placed.service.wiring.Front", partial(Front, limits=Limits(head_seconds=3.0, send_seconds=0.3))
    )
    file, context = certificate(tmp_path)
    async with serving("fast", tmp_path, certificate=file, width=400, height=400) as server:
        yield _Secure(server, context)


def _resets(peer: Http2Peer) -> list[Frame]:
    pairs = ((peer.request(2 * n + 1), RstStreamFrame(2 * n + 1, error_code=8)) for n in range(250))
    return [frame for pair in pairs for frame in pair]


def _settings(_peer: Http2Peer) -> list[Frame]:
    return [SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 1_000 + n}) for n in range(150)]


FLOODS: dict[str, Callable[[Http2Peer], list[Frame]]] = {
    "rapid reset": _resets,
    "settings": _settings,
    "pings": lambda _: [PingFrame(0, b"12345678")] * 600,
    "priorities": lambda _: [PriorityFrame(3, depends_on=0, stream_weight=1)] * 1_100,
    "window updates": lambda _: [WindowUpdateFrame(0, window_increment=1)] * 1_100,
    "empty data": lambda peer: [peer.request(1, b"/edit", method=b"POST", ends=False), *[DataFrame(1)] * 600],
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
async def test_flood_of_frames_that_move_nothing_on_is_told_to_calm_down_and_cut(
    secure: _Secure, flood: Callable[[Http2Peer], list[Frame]]
) -> None:
    async with speaking(secure.port, secure.context) as peer:
        await peer.say(*flood(peer))
        last = [frame for frame in await peer.rest() if isinstance(frame, GoAwayFrame)][-1]
        assert last.error_code == ErrorCodes.ENHANCE_YOUR_CALM
    await secure.assert_well()


async def test_as_many_resets_as_a_person_makes_are_nothing(secure: _Secure) -> None:
    async with speaking(secure.port, secure.context) as peer:
        await peer.say(*_resets(peer)[:100])
        await assert_served(peer, 1_001)


async def test_continuation_flood_is_cut(secure: _Secure) -> None:
    async with speaking(secure.port, secure.context) as peer:
        head = peer.request(1)
        head.flags.discard("END_HEADERS")
        await peer.say(head, *[ContinuationFrame(1, bytes(100))] * 200)
        await peer.rest()
    await secure.assert_well()


async def test_head_that_never_ends_is_cut(impatient: _Secure) -> None:
    async with speaking(impatient.port, impatient.context) as peer:
        head = peer.request(1)
        head.flags.discard("END_HEADERS")
        await peer.say(head)
        await peer.rest()
    await impatient.assert_well()


async def test_headers_that_unpack_to_very_many_are_refused(secure: _Secure) -> None:
    async with speaking(secure.port, secure.context) as peer:
        bomb = peer.request(1, b"/healthz", *[(b"x", b"y" * 3_000)] * 2_000)
        assert len(bomb.data) < 16_384
        await peer.say(bomb)
        frames = await peer.rest()
        assert not any(isinstance(frame, HeadersFrame) for frame in frames)
    await secure.assert_well()


async def test_stream_stalled_by_its_window_is_reset_and_the_others_go_on(impatient: _Secure) -> None:
    async with speaking(impatient.port, impatient.context, window=0) as peer:
        await peer.say(*(peer.request(stream_id, b"/canvas.png") for stream_id in range(1, 41, 2)))
        reset: set[int] = set()
        while len(reset) < 20:
            frame = await peer.next()
            assert frame is not None
            if isinstance(frame, RstStreamFrame):
                assert frame.error_code == ErrorCodes.CANCEL
                reset.add(frame.stream_id)
        await peer.say(peer.request(41), WindowUpdateFrame(41, window_increment=9))
        frames = await peer.until_end_of(41)
        assert isinstance(frames[0], HeadersFrame)


async def test_stalled_stream_of_edits_keeps_a_piece_and_not_its_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []
    push = "hypercorn.protocol.h2.StreamBuffer.push"
    original = StreamBuffer.push

    async def pushed(buffer: StreamBuffer, data: bytes) -> None:
        kept.append(len(buffer.buffer) + len(data))
        await original(buffer, data)

    monkeypatch.setattr(push, pushed)
    file, context = certificate(tmp_path)
    async with (
        serving("fast", tmp_path, certificate=file, width=200, height=200) as server,
        speaking(server.port, context) as peer,
    ):
        kind = (b"content-type", b"application/json")
        for stream_id in (1, 3, 5):
            edits = [[n % 200, n // 200 + 5 * stream_id, n % 16] for n in range(1_000)]
            body = json.dumps({"edits": edits}).encode()
            await peer.say(peer.request(stream_id, b"/edits", kind, method=b"POST", ends=False))
            await peer.say(DataFrame(stream_id, body, flags=["END_STREAM"]))
            await peer.until_end_of(stream_id)
        await peer.say(peer.request(7, b"/edits?v=1&format=json"))
        read = 0
        while read < 20_000:
            frame = await peer.next()
            assert frame is not None
            read += len(frame.data) if isinstance(frame, DataFrame) and frame.stream_id == 7 else 0
    assert max(kept) <= 16_384


async def test_data_behind_the_answer_is_passed_over(secure: _Secure) -> None:
    async with speaking(secure.port, secure.context) as peer:
        await peer.say(peer.request(1, b"/nothing", method=b"POST", ends=False))
        await peer.until_end_of(1)
        await peer.say(DataFrame(1, b"late"), DataFrame(1, b"later", flags=["END_STREAM"]))
        await assert_served(peer, 3)


@pytest.mark.parametrize(
    "fields",
    [
        [(b":method", b"CONNECT"), (b":authority", b"placed.test:443")],
        [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"a"), (b":path", b"/\xff")],
    ],
    ids=["no path", "a path that is not ASCII"],
)
async def test_request_that_is_none_is_reset_and_the_connection_stays(
    secure: _Secure, fields: list[tuple[bytes, bytes]]
) -> None:
    async with speaking(secure.port, secure.context) as peer:
        await peer.say(peer.head(1, fields))
        (reset,) = await peer.until_end_of(1)
        assert isinstance(reset, RstStreamFrame)
        await assert_served(peer, 3)


async def test_stream_outlives_very_many_requests_beside_it(secure: _Secure) -> None:
    async with speaking(secure.port, secure.context) as peer:
        await peer.say(peer.request(1, b"/edits?v=1&format=json"))
        for batch in range(24):
            ids = [3 + 2 * (50 * batch + n) for n in range(50)]
            await peer.say(*(peer.request(stream_id) for stream_id in ids))
            await peer.until_end_of(ids[-1])
            await peer.say(WindowUpdateFrame(0, window_increment=1_000))
        await peer.say(peer.request(9_999, b"/edit?x=1&y=2&color=3", method=b"POST"))
        text = b""
        with trio.fail_after(LIMIT_SECONDS):
            while b"id: " not in text or not text.endswith(b"\n\n"):
                frame = await peer.next()
                assert frame is not None
                if isinstance(frame, DataFrame) and frame.stream_id == 1:
                    text += frame.data
        (event,) = EventParser().feed(text)
        assert json.loads(event.data) == {"v": 2, "edits": [[1, 2, 3]]}


async def test_stream_whose_image_was_taken_back_is_reset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, context = certificate(tmp_path)
    async with (
        serving("fast", tmp_path, certificate=file, width=400, height=400) as server,
        speaking(server.port, context, window=9) as peer,
    ):
        fill(server)
        await peer.say(peer.request(1, b"/canvas.png"))
        while not isinstance(await peer.next(), HeadersFrame):
            pass
        monkeypatch.setattr("placed.tasks.shared_bytes.SharedBytes.piece", _gone)
        for stream_id in (0, 1):
            await peer.say(WindowUpdateFrame(stream_id, window_increment=1_000_000))
        while not isinstance(frame := await peer.next(), RstStreamFrame):
            assert frame is not None
        assert frame.stream_id == 1


def _gone(*_: object) -> memoryview:
    raise TakenBack


class _Socket:
    """Takes a connection's frames without a network; sending waits for `room`."""

    def __init__(self) -> None:
        self.room = trio.Event()
        self.room.set()
        self.client = H2Connection()
        self.client.initiate_connection()
        self.told: list[Event] = []
        self._lock = trio.Lock()

    async def send(self, event: IOEvent) -> None:
        """Send as Hypercorn's server does: one event after another."""
        if isinstance(event, RawData):
            async with self._lock:
                await self.room.wait()
                self.told += self.client.receive_data(event.data)


async def test_connection_says_goodbye_after_the_end_of_its_last_stream() -> None:
    """Otherwise the end is never sent: a client has half an answer, and RFC 9113 (6.8) lets it expect the rest."""
    socket, ending = _Socket(), trio.Event()
    context = WorkerContext(None)

    async def app(_scope: Scope, _receive: object, send: Callable[[Any], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await ending.wait()
        await send({"type": "http.response.body", "body": b"last", "more_body": False})

    with trio.fail_after(LIMIT_SECONDS):
        async with TaskGroup() as tasks:
            wrapped, state = ASGIWrapper(app), ConnectionState({})
            protocol = H2Protocol(wrapped, Config(), context, tasks, state, True, None, None, socket.send)
            Http2(protocol, send_seconds=9.0, head_bytes=9_999, on_deadline=lambda: None)
            await protocol.initiate()
            fields = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"a"), (b":path", b"/")]
            socket.client.send_headers(1, fields, end_stream=True)
            await protocol.handle(RawData(socket.client.data_to_send()))
            await trio.testing.wait_all_tasks_blocked()
            socket.room = trio.Event()
            await context.terminated.set()
            ending.set()
            await trio.testing.wait_all_tasks_blocked()
            socket.room.set()
            await trio.testing.wait_all_tasks_blocked()
            await protocol.handle(Closed())
    kinds = [type(event) for event in socket.told]
    assert kinds.index(StreamEnded) < kinds.index(ConnectionTerminated)
    assert b"".join(event.data or b"" for event in socket.told if isinstance(event, DataReceived)) == b"firstlast"
