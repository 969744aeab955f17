"""Connections: whatever a client sends, however slowly, the server answers correctly or closes, and stays unchanged."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from placed.http.lanes.connection import HEAD_BYTES, Limits
from placed.http.lanes.front import Front
from tests.support.http_connection import connect
from tests.support.serving import LIMIT_SECONDS, Server, rest_of, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    Start = Callable[..., AbstractAsyncContextManager[Server]]

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
HOST = b"Host: placed.test\r\n"
GOOD = b"POST /edit?x=1&y=2&color=3 HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"


def statuses(answer: bytes) -> list[int]:
    """The statuses of all responses, in order. None of our bodies has such a line."""
    return [int(status) for status in STATUS.findall(answer)]


def problem_code(answer: bytes) -> bytes:
    """The code of the only problem in the answer."""
    assert b"application/problem+json" in answer
    match = re.search(rb'"code": ?"([a-z-]+)"', answer)
    assert match
    return match[1]


REFUSED = {
    "no HTTP": (b"hello\r\n\r\n", 400),
    "no method": (b"/edit HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "no version": (b"GET /healthz\r\n\r\n", 400),
    "two hosts": (b"GET /healthz HTTP/1.1\r\n" + HOST * 2 + b"\r\n", 400),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    "space in target": (b"GET /health z HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "NUL in target": (b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "NUL in header": (b"GET / HTTP/1.1\r\n" + HOST + b"A: \0\r\n\r\n", 400),
    "header without colon": (b"GET / HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n", 400),
    "space before colon": (b"GET / HTTP/1.1\r\n" + HOST + b"A : b\r\n\r\n", 400),
    "two lengths": (b"POST /edit HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "bad length": (b"POST /edit HTTP/1.1\r\n" + HOST + b"Content-Length: x\r\n\r\n", 400),
    "negative length": (b"POST /edit HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", 400),
    "unknown coding": (b"POST /edit HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip\r\n\r\n", 501),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40) + b"\r\n\r\n", 400),
    "HTTP/2 without TLS": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0", 505),
    "long target": (b"GET /" + b"x" * 2 * HEAD_BYTES + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "endless line": (b"x" * 3 * HEAD_BYTES, 414),
    "long header": (b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"x" * 2 * HEAD_BYTES + b"\r\n\r\n", 431),
    "more fields than anybody sends": (b"GET /canvas.png HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 150 + b"\r\n", 431),
    "many headers": (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * HEAD_BYTES + b"\r\n", 431),
}


@pytest.mark.parametrize(("sent", "status"), REFUSED.values(), ids=REFUSED)
async def test_what_is_no_request_gets_a_problem_and_the_connection_ends(
    standing: Server, sent: bytes, status: int
) -> None:
    before = standing.state()
    answer = await standing.exchange(sent)
    assert statuses(answer) == [status]
    assert problem_code(answer)
    assert b"connection: close" in answer.lower()
    await standing.assert_well(before)


@pytest.mark.parametrize("path", [b"/canvas.png", b"/healthz"])
async def test_head_is_measured_also_when_it_comes_in_one_piece(standing: Server, path: bytes) -> None:
    head = b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\nA: "
    room = HEAD_BYTES - len(head) - len(b"\r\n\r\n")
    assert statuses(await standing.exchange(head + b"x" * room + b"\r\n\r\n")) == [200]
    for more in (100, 4_000, HEAD_BYTES // 2):
        answer = await standing.exchange(head + b"x" * (room + more) + b"\r\n\r\n")
        assert (statuses(answer), problem_code(answer)) == ([431], b"too-large")


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"G", b"GET / HTTP/1.1\r\n", GOOD[:-1], GOOD[:20], b"\r\n\r\n\r\n"])
async def test_request_that_never_gets_whole_changes_nothing(standing: Server, sent: bytes) -> None:
    before = standing.state()
    await standing.send_and_leave(sent)
    await standing.assert_well(before)


async def test_body_cut_short_changes_nothing(server: Server) -> None:
    before = server.state()
    head = b"POST /edit HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    await server.send_and_leave(head + b'{"x": 1, "y": 2, "color": 3}')
    await server.send_and_leave(head)
    await server.assert_well(before)


@pytest.mark.parametrize("size", [4_097, 100_000, 20_000_000])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
async def test_body_that_is_too_long_gets_413(standing: Server, size: int, is_chunked: bool) -> None:
    before = standing.state()
    kind = b"Content-Type: application/json\r\n"
    coding = b"Transfer-Encoding: chunked\r\n" if is_chunked else b"Content-Length: %d\r\n" % size
    sent = min(size, 1_000_000)
    body = (b"%x\r\n" % sent if is_chunked else b"") + b" " * sent + (b"" if is_chunked else LAST)
    answer = await standing.exchange(b"POST /edit HTTP/1.1\r\n" + HOST + kind + coding + b"\r\n" + body)
    assert statuses(answer)[:1] == [413]
    assert problem_code(answer) == b"too-large"
    await standing.assert_well(before)


async def test_body_of_the_largest_size_is_read(server: Server) -> None:
    body = b'{"x": 1, "y": 2, "color": 3}'.ljust(4_096)
    response = await server.request("POST", "/edit", ("Content-Type", "application/json"), body=body)
    assert response.status == 200


async def test_get_with_a_body_is_answered_and_the_connection_stays_in_step(server: Server) -> None:
    sent = b"GET /healthz HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello"
    assert statuses(await server.exchange(sent + LAST)) in ([200, 200], [200])


async def test_chunked_body_is_read(server: Server) -> None:
    head = b"POST /edit HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b'f\r\n{"x": 1, "y": 2\r\nd;ext=1\r\n, "color": 3}\r\n0\r\nTrailer: x\r\n\r\n'
    assert statuses(await server.exchange(head + body + LAST)) == [200, 200]
    assert server.projection.canvas[2, 1] == 3


@pytest.mark.parametrize(
    "body", [b"zz\r\n", b"-1\r\n", b"5\r\nab", b"ffffffffffffffffffff\r\n", b"1\r\nabc\r\n0\r\n\r\n"]
)
async def test_broken_chunks_change_nothing(standing: Server, body: bytes) -> None:
    before = standing.state()
    head = b"POST /edit?x=1&y=1&color=1 HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    answer = await standing.send_and_leave(head + body)
    assert 200 not in statuses(answer)
    await standing.assert_well(before)


async def test_request_smuggled_behind_two_lengths_is_not_believed(server: Server) -> None:
    before = server.state()
    head = b"POST /healthz HTTP/1.1\r\n" + HOST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    answer = await server.exchange(head + GOOD + LAST)
    # RFC 9112, section 6.3: to refuse is safest; otherwise chunked counts, and the connection ends after the request.
    if 200 not in statuses(answer):
        await server.assert_well(before)
    else:
        assert statuses(answer) == [405, 200]


async def test_expect_100_continue_is_answered_and_the_body_read(server: Server) -> None:
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        head = b"POST /edit HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nContent-Length: 25\r\n"
        with trio.fail_after(LIMIT_SECONDS):
            await stream.send_all(head + b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
            interim = bytes(await stream.receive_some(1_000))
            assert interim.startswith(b"HTTP/1.1 100")
            await stream.send_all(b'{"x":1, "y":2, "color":3}')
            assert statuses(await rest_of(stream)) == [200]


async def test_http_1_0_is_answered_and_closed(server: Server) -> None:
    answer = await server.exchange(b"POST /edit?x=1&y=2&color=3 HTTP/1.0\r\n\r\n")
    assert statuses(answer) == [200]
    assert answer.endswith(b'{"v":2}')
    assert b"chunked" not in answer


async def test_http_1_0_may_follow_the_stream(server: Server) -> None:
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        with trio.fail_after(LIMIT_SECONDS):
            await stream.send_all(b"GET /edits?v=0 HTTP/1.0\r\n\r\n")
            text = b""
            while b"id: 1\ndata: \n\n" not in text:
                piece = await stream.receive_some(1_000)
                assert piece
                text += piece
    assert b"chunked" not in text


async def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    paint = [b"POST /edit?x=%d&y=0&color=1 HTTP/1.1\r\n%bContent-Length: 0\r\n\r\n" % (x, HOST) for x in range(10)]
    answer = await server.exchange(b"".join(paint) + LAST)
    assert statuses(answer) == [200] * 11
    assert re.findall(rb'{"v":(\d+)}', answer) == [b"%d" % version for version in range(2, 12)]


async def test_refused_request_does_not_disturb_the_next_on_its_connection(server: Server) -> None:
    async with connect(server.port) as connection:
        for target, status in (
            *(("/edit?x=foo&y=1&color=1", 400), ("/edit?x=1&y=1&color=1", 200), ("/nothing", 404)),
            *(("/edit?x=1&y=1&color=1&x=1", 400), ("/info", 405), ("/edit?x=1&y=1&color=2", 200)),
        ):
            assert (await connection.request(target, method="POST")).status == status


async def test_request_in_single_bytes_is_a_request(server: Server) -> None:
    body = b'{"x": 1, "y": 2, "color": 3}'
    kind = b"Content-Type: application/json\r\nConnection: close\r\n"
    sent = b"POST /edit HTTP/1.1\r\n" + HOST + kind + b"Content-Length: %d\r\n\r\n" % len(body) + body
    answer = await server.exchange(*(sent[at : at + 1] for at in range(len(sent))))
    assert statuses(answer) == [200]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 150), max_size=8))
def test_requests_cut_anywhere_are_the_same_requests(lane: str, tmp_path: Path, cuts: list[int]) -> None:
    async def run() -> None:
        async with serving(lane, tmp_path) as server:
            whole, places = GOOD + GOOD + LAST, sorted({0, *cuts})
            pieces = [whole[a:b] for a, b in zip(places, [*places[1:], len(whole)], strict=True)]
            assert statuses(await server.exchange(*pieces)) == [200, 200, 200]
            assert server.projection.version == 3

    trio.run(run)


PIECES = [
    *(b"GET ", b"POST ", b"PRI * ", b"/edit", b"/edits?v=0", b" HTTP/1.1", b" HTTP/2.0", b"\r\n", b"\n", b" ", HOST),
    *(b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n", b"0\r\n\r\n", b"SM\r\n\r\n"),
    *(b"Connection: Upgrade\r\n", b"Upgrade: h2c\r\n", b"HTTP2-Settings: AAAA\r\n", b"Upgrade: websocket\r\n"),
    *(b"Sec-WebSocket-Version: 13\r\n", b"Sec-WebSocket-Key: AAAA\r\n", b"\0", b"\xff" * 9),
]
GARBAGE = st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(several=st.lists(GARBAGE, min_size=1, max_size=4))
@example(several=[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(200)])
@example(several=[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0" + b"\0\0\5\1\5\0\0\0\1\xff\xff\xff\xff\xff"])
def test_server_outlives_any_garbage_with_its_canvas(lane: str, tmp_path: Path, several: list[bytes]) -> None:
    async def run() -> None:
        async with serving(lane, tmp_path) as server:
            before = server.state()
            for garbage in several:
                await server.send_and_leave(garbage)
                await server.assert_well(before)

    trio.run(run)


@pytest.mark.parametrize("kind", [b"websocket", b"h2c", b"TLS/1.0, h2c", b"nonsense"])
async def test_upgrade_is_ignored(server: Server, kind: bytes) -> None:
    upgrade = b"Upgrade: " + kind + b"\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nHTTP2-Settings: A\r\n\r\n"
    answer = await server.exchange(b"GET /healthz HTTP/1.1\r\n" + HOST + upgrade + key + LAST)
    assert statuses(answer) == [200, 200]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that give up soon."""
    quick = Limits(head_seconds=0.3, send_seconds=0.3)
    monkeypatch.setattr("placed.service.wiring.Front", partial(Front, limits=quick))
    for lane in ("app", "fast_lane"):
        monkeypatch.setattr(f"placed.http.lanes.{lane}.BODY_SECONDS", 0.3)


@pytest.mark.parametrize("sent", [b"G", GOOD[:-2], b"POST /edit HTTP/1.1\r\n" + HOST])
@pytest.mark.usefixtures("limits")
async def test_slow_head_gets_408(start: Start, sent: bytes) -> None:
    async with start() as server:
        before = server.state()
        async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
            await stream.send_all(sent)
            answer = await rest_of(stream)
        assert statuses(answer) == [408]
        assert problem_code(answer) == b"slow-request"
        await server.assert_well(before)


@pytest.mark.usefixtures("limits")
async def test_head_that_trickles_gets_408_all_the_same(start: Start) -> None:
    async with start() as server, await trio.open_tcp_stream("127.0.0.1", server.port) as stream:

        async def trickle() -> None:
            while True:
                await stream.send_all(b"A")
                await trio.sleep(0.05)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(trickle)
            answer = b""
            with trio.fail_after(LIMIT_SECONDS):
                while b"\r\n\r\n" not in answer:
                    answer += await stream.receive_some(10_000)
            nursery.cancel_scope.cancel()
    assert statuses(answer) == [408]


@pytest.mark.usefixtures("limits")
async def test_slow_head_of_a_second_request_gets_408_too(start: Start) -> None:
    async with start() as server, await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        await stream.send_all(GOOD + GOOD[:30])
        assert statuses(await rest_of(stream)) == [200, 408]


@pytest.mark.usefixtures("limits")
async def test_slow_body_gets_408(start: Start) -> None:
    async with start() as server:
        before = server.state()
        async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
            head = b"POST /edit HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nContent-Length: 40\r\n\r\n"
            await stream.send_all(head + b'{"x": 1, ')
            with trio.fail_after(LIMIT_SECONDS):
                answer = await rest_of(stream)
        assert statuses(answer) == [408]
        assert problem_code(answer) == b"slow-request"
        await server.assert_well(before)


@pytest.mark.usefixtures("limits")
async def test_idle_connection_is_not_a_slow_head(start: Start) -> None:
    async with start() as server, connect(server.port) as connection:
        await connection.request("/healthz")
        await trio.sleep(0.6)  # not to synchronise: this time has to pass
        assert (await connection.request("/healthz")).status == 200


@pytest.mark.parametrize("asked", [b"", b"GET /canvas.png HTTP/1.1\r\n", b"GET /info HTTP/1.1\r\n"])
async def test_connection_that_stays_idle_is_closed(
    start: Start, asked: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("placed.http.lanes.front.Limits", partial(Limits, idle_seconds=0.3))
    async with start() as server, await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        with trio.fail_after(LIMIT_SECONDS):
            if asked:
                await stream.send_all(asked + HOST + b"\r\n")
            assert statuses(await rest_of(stream)) == ([200] if asked else [])


async def test_idle_connections_do_not_delay_the_end(start: Start) -> None:
    async with start() as server, connect(server.port) as one, connect(server.port) as other:
        for connection, target in ((one, "/info"), (other, "/canvas.png")):
            assert (await connection.request(target)).status == 200
        began = trio.current_time()
        server.stop.set()
        with trio.fail_after(LIMIT_SECONDS):
            for connection in (one, other):
                assert await rest_of(connection.stream) == b""
                await connection.stream.aclose()
        assert trio.current_time() - began < Limits().linger_seconds


@pytest.mark.usefixtures("limits")
async def test_reader_who_takes_nothing_is_cut(start: Start) -> None:
    async with start(width=4096, height=4096) as server, connect(server.port, receive_buffer_bytes=4_096) as stalled:
        fill(server)
        await stalled.send("/canvas.png")
        with trio.fail_after(LIMIT_SECONDS):
            while b"placed_connections 1.0" not in (await server.get("/metrics")).body:  # noqa: ASYNC110 - the server is watched as its users do
                await trio.sleep(0.05)


@pytest.mark.usefixtures("limits")
async def test_reader_who_is_slow_but_steady_gets_all(start: Start) -> None:
    async with start(width=4096, height=4096) as server, connect(server.port, receive_buffer_bytes=65_536) as slow:
        fill(server)
        size, began = 0, trio.current_time()
        with trio.fail_after(LIMIT_SECONDS):
            await slow.send("/canvas.png")
            head = await slow.head()
            while (data := await slow.data()) is not None:
                size += len(data)
                await trio.sleep(0.01)
        assert size == int(head.headers["content-length"])
        assert trio.current_time() - began > 0.3  # longer than the limit for one piece


def fill(server: Server) -> None:
    """Paint noise, which no encoder makes small: 8 MB, more than all sockets' buffers."""
    noise = np.random.default_rng(1).integers(0, 16, server.projection.canvas.shape, np.uint8)
    server.projection.canvas[:] = noise


async def test_stalled_connections_delay_nobody(server: Server) -> None:
    async with trio.open_nursery() as nursery:

        async def stall(task_status: trio.TaskStatus[None]) -> None:
            async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
                await stream.send_all(GOOD[:25])
                task_status.started()
                await trio.sleep_forever()

        for _ in range(100):
            await nursery.start(stall)
        with trio.fail_after(LIMIT_SECONDS):
            assert (await server.place(1, 1, 1)).status == 200
        nursery.cancel_scope.cancel()
