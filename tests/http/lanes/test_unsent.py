"""Long answers: sent completely after their request's task is done; and the cost of readers who don't take them."""

from __future__ import annotations

import gc
import socket
import tracemalloc
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest
import trio
import trio.testing
from hyperframe.frame import DataFrame, HeadersFrame, RstStreamFrame, SettingsFrame, WindowUpdateFrame

from placed.tasks.snapshotter import Snapshotter
from tests.http.lanes.test_connection import HOST, fill, statuses
from tests.support.http2_peer import LIMIT_SECONDS, certificate, speaking
from tests.support.serving import rest_of, serving

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.http2_peer import Http2Peer
    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

# 720 KB of noise, more than a socket takes from the start.
SIDE: Final[dict[str, Any]] = {"width": 1_200, "height": 1_200}
READERS: Final = 50
# A connection's task and stream, and its place in the body; without the test's own sockets.
MOST_BYTES: Final = 10_000
MOST_STREAM_BYTES: Final = 6_000  # for HTTP/2, mostly h2's own state of a stream
WINDOW: Final = 2_000_000
# Only Hypercorn answers these, because a plain request doesn't have this field.
TARGETS: Final = {
    "image": b"GET /canvas.png HTTP/1.1\r\n" + HOST + b"\r\n",
    "image by another way": b"GET /canvas.png HTTP/1.1\r\n" + HOST + b"TE: trailers\r\n\r\n",
    "canvas": b"GET /canvas.bin HTTP/1.1\r\n" + HOST + b"\r\n",
    "long head": b"GET /canvas.bin HTTP/1.1\r\n" + HOST + b"A: " + b"x" * 15_000 + b"\r\n\r\n",
    "long head of an image": b"GET /canvas.png HTTP/1.1\r\n" + HOST + b"A: " + b"x" * 15_000 + b"\r\n\r\n",
}


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Measure memory with Python's own tracing while the test runs. Without snapshots: on a busy machine, where a test
    takes more than a minute, one would be made, and its copy of the canvas would count as the readers'.
    """
    monkeypatch.setattr(Snapshotter, "run", _rest)
    tracemalloc.start()
    yield
    tracemalloc.stop()


async def _rest(_snapshotter: Snapshotter) -> None:
    await trio.sleep_forever()


def held_bytes() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def read_slowly(stack: AsyncExitStack, port: int, request: bytes, count: int) -> None:
    """Let `count` clients send a request in two pieces, read the first bytes, and then read no more."""
    for _ in range(count):
        reader = stack.enter_context(trio.socket.socket())
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        with trio.fail_after(LIMIT_SECONDS):
            await reader.connect(("127.0.0.1", port))
            await reader.send(request[:-1])
            await trio.testing.wait_all_tasks_blocked()
            await reader.send(request[-1:])
            assert (await reader.recv(100)).startswith(b"HTTP/1.1 200")


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("request_", TARGETS.values(), ids=TARGETS)
async def test_slow_reader_holds_a_place_in_the_body_and_nothing_of_its_request(start: Start, request_: bytes) -> None:
    async with start(**SIDE) as server, AsyncExitStack() as stack:
        fill(server)
        await read_slowly(stack, server.port, request_, 5)  # what is needed only once, such as the image
        before = held_bytes()
        await read_slowly(stack, server.port, request_, READERS)
        await trio.testing.wait_all_tasks_blocked()
        assert (held_bytes() - before) / READERS < MOST_BYTES


@pytest.fixture
async def tls(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    return certificate(tmp_path)


async def ask_streams(peer: Http2Peer, first: int, count: int, path: bytes) -> None:
    """Request `count` streams; they have got their heads, and as much as their windows take."""
    ids = range(first, first + 2 * count, 2)
    await peer.say(*(peer.request(stream_id, path) for stream_id in ids))
    left = set(ids)
    while left:
        frame = await peer.next()
        assert frame is not None
        assert not isinstance(frame, RstStreamFrame)
        if isinstance(frame, DataFrame):
            left.discard(frame.stream_id)


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("path", [b"/canvas.png", b"/canvas.bin", b"/", b"/info"])
async def test_stream_of_http2_that_is_stalled_holds_a_place_in_the_body(
    tmp_path: Path, tls: tuple[Path, ssl.SSLContext], path: bytes
) -> None:
    file, context = tls
    async with (
        serving("fast", tmp_path, certificate=file, **SIDE) as server,
        speaking(server.port, context, window=9) as peer,
    ):
        fill(server)
        await ask_streams(peer, 1, 5, path)
        before = held_bytes()
        await ask_streams(peer, 11, READERS, path)
        await trio.testing.wait_all_tasks_blocked()
        assert (held_bytes() - before) / READERS < MOST_STREAM_BYTES


async def test_streams_that_are_read_by_turns_get_the_same_bytes(
    tmp_path: Path, tls: tuple[Path, ssl.SSLContext]
) -> None:
    file, context = tls
    async with (
        serving("fast", tmp_path, certificate=file, width=500, height=500) as server,
        speaking(server.port, context, window=5_000) as peer,
    ):
        fill(server)
        got = dict.fromkeys((1, 3, 5), b"")
        await peer.say(WindowUpdateFrame(0, window_increment=WINDOW))
        await peer.say(*(peer.request(stream_id, b"/canvas.bin") for stream_id in got))
        ended: set[int] = set()
        while len(ended) < len(got):
            frame = await peer.next()
            assert frame is not None
            if isinstance(frame, DataFrame):
                got[frame.stream_id] += frame.data
                if "END_STREAM" in frame.flags:
                    ended.add(frame.stream_id)
                elif frame.data:
                    await peer.say(WindowUpdateFrame(frame.stream_id, window_increment=len(frame.data)))
        assert set(got.values()) == {server.projection.canvas.tobytes()}
        assert await peer.say(peer.request(7))
        assert isinstance((await peer.until_end_of(7))[0], HeadersFrame)


async def test_frame_is_no_larger_for_a_peer_who_would_take_an_image_in_one(
    tmp_path: Path, tls: tuple[Path, ssl.SSLContext]
) -> None:
    file, context = tls
    async with (
        serving("fast", tmp_path, certificate=file, width=500, height=500) as server,
        speaking(server.port, context, window=WINDOW) as peer,
    ):
        fill(server)
        large = SettingsFrame(0, settings={SettingsFrame.MAX_FRAME_SIZE: 1_000_000})
        await peer.say(large, WindowUpdateFrame(0, window_increment=WINDOW), peer.request(1, b"/canvas.bin"))
        frames = [frame for frame in await peer.until_end_of(1) if isinstance(frame, DataFrame)]
        assert sum(len(frame.data) for frame in frames) == 250_000
        assert max(len(frame.data) for frame in frames) <= 16_384


async def test_reset_of_a_stalled_stream_leaves_nothing_and_the_others_go_on(
    tmp_path: Path, tls: tuple[Path, ssl.SSLContext]
) -> None:
    file, context = tls
    async with (
        serving("fast", tmp_path, certificate=file, width=500, height=500) as server,
        speaking(server.port, context, window=9) as peer,
    ):
        await ask_streams(peer, 1, 20, b"/canvas.bin")
        await peer.say(*(RstStreamFrame(stream_id, error_code=8) for stream_id in range(1, 39, 2)))
        await peer.say(WindowUpdateFrame(0, window_increment=WINDOW), WindowUpdateFrame(39, window_increment=WINDOW))
        frames = await peer.until_end_of(39)
        assert sum(len(frame.data) for frame in frames if isinstance(frame, DataFrame)) == 250_000 - 9
        server.stop.set()
        with trio.fail_after(LIMIT_SECONDS):
            await server.stopped.wait()


CANVAS = b"GET /canvas.bin HTTP/1.1\r\n" + HOST + b"\r\n"
LAST = b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"


async def test_what_follows_a_long_answer_in_one_piece_is_answered_after_it(start: Start) -> None:
    async with start(width=500, height=500) as server:
        fill(server)
        edit = b"POST /edit?x=1&y=1&color=1 HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n"
        answer = await server.exchange(CANVAS + edit + CANVAS + LAST)
        assert statuses(answer) == [200] * 4
        assert len(answer) > 2 * 250_000
        assert answer.endswith(b"ok\n")


@pytest.mark.parametrize(
    "request_",
    [
        CANVAS.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        b"GET /canvas.bin HTTP/1.0\r\n" + HOST + b"\r\n",
        CANVAS.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\nConnection: close\r\n\r\n12345"),
        CANVAS.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n12345") + LAST,
    ],
    ids=["close", "HTTP/1.0", "with a body", "with a body, and another behind it"],
)
async def test_long_answer_is_the_last_where_that_was_asked_for(start: Start, request_: bytes) -> None:
    async with start(width=500, height=500) as server:
        fill(server)
        answer = await server.exchange(request_)
        assert server.projection.canvas.tobytes() in answer
        assert b"connection: close" in answer.lower()


async def test_long_answer_comes_whole_to_one_who_says_no_more(start: Start) -> None:
    async with start(width=500, height=500) as server:
        fill(server)
        assert (await server.send_and_leave(CANVAS)).endswith(server.projection.canvas.tobytes())


async def test_head_of_a_long_answer_has_its_length_and_no_body(start: Start) -> None:
    async with start(width=500, height=500) as server:
        answer = await server.exchange(CANVAS.replace(b"GET", b"HEAD") + LAST)
        assert b"content-length: 250000\r\n" in answer.lower()
        assert len(answer) < 2_000


async def test_long_answers_over_tls_without_http2_come_whole_one_after_the_other(
    tmp_path: Path, tls: tuple[Path, ssl.SSLContext]
) -> None:
    file, context = tls
    async with serving("fast", tmp_path, certificate=file, width=500, height=500) as server:
        fill(server)
        plain = await trio.open_tcp_stream("127.0.0.1", server.port)
        async with trio.SSLStream(plain, context, server_hostname="127.0.0.1", https_compatible=True) as stream:
            with trio.fail_after(LIMIT_SECONDS):
                await stream.send_all(CANVAS + CANVAS + LAST)
                answer = await rest_of(stream)  # type: ignore[arg-type]  # any stream
        assert statuses(answer) == [200] * 3
        assert answer.count(server.projection.canvas.tobytes()) == 2


async def test_server_that_stops_sends_a_long_answer_to_its_end(start: Start) -> None:
    async with start(width=2_000, height=2_000) as server:
        fill(server)
        async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
            await stream.send_all(CANVAS)
            first = bytes(await stream.receive_some(1_000))
            server.stop.set()
            rest = await rest_of(stream)
        assert np.frombuffer((first + rest)[-4_000_000:], np.uint8).tobytes() == server.projection.canvas.tobytes()
