"""Peers that end their sending side and read on, like `nc -N` and load balancers' checks: both lanes answer each
complete request."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
import trio

from tests.http.lanes.test_fast_lane import comparable
from tests.support.serving import LIMIT_SECONDS, rest_of, serving
from tests.support.stream_client import EventParser

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.serving import Server

HOST = b"Host: placed.test\r\n"
JSON = b"Content-Type: application/json\r\n"
EDIT = b'{"x": 1, "y": 2, "color": 3}'


def request(line: bytes, *fields: bytes, body: bytes = b"") -> bytes:
    """A request's bytes."""
    length = (b"Content-Length: %d\r\n" % len(body),) if body else ()
    return line + b"\r\n" + HOST + b"".join(fields + length) + b"\r\n" + body


CHUNKED = (
    request(b"POST /edit HTTP/1.1", JSON, b"Transfer-Encoding: chunked\r\n")
    + b"5\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (EDIT[:5], len(EDIT) - 5, EDIT[5:])
)  # fmt: skip
BY_QUERY = request(b"POST /edit?x=1&y=2&color=3 HTTP/1.1")
MANY = json.dumps({"edits": [[1, 2, 3]] * 1_000}, indent=4).encode()
WHOLE = {
    "an edit by query": BY_QUERY,
    "an edit with a body": request(b"POST /edit HTTP/1.1", JSON, body=EDIT),
    "an edit in chunks": CHUNKED,
    "an edit that says it is the last": request(b"POST /edit HTTP/1.1", JSON, b"Connection: close\r\n", body=EDIT),
    "an edit over HTTP/1.0": request(b"POST /edit?x=1&y=2&color=3 HTTP/1.0"),
    "edits": request(b"POST /edits HTTP/1.1", JSON, body=b'{"edits": [[1, 2, 3], [4, 5, 6]]}'),
    "many edits": request(
        b"POST /edits HTTP/1.1", JSON, body=json.dumps({"edits": [[1, 2, 3]] * 1_000}, indent=4).encode()
    ),
    "an image": request(b"GET /canvas.png HTTP/1.1"),
    "a page": request(b"GET / HTTP/1.1"),
    "the canvas": request(b"GET /info HTTP/1.1"),
    "what isn't there": request(b"GET /nothing HTTP/1.1"),
    "a poll": request(b"GET /edits?v=1&wait=0.3 HTTP/1.1"),
}


@pytest.mark.parametrize("asked", WHOLE.values(), ids=WHOLE)
async def test_request_that_came_whole_is_answered(server: Server, asked: bytes) -> None:
    for _ in range(5):
        answer = await server.send_and_leave(asked)
        assert answer.startswith(b"HTTP/1.1 404" if b"/nothing" in asked else b"HTTP/1.1 200"), answer
        assert answer.count(b"HTTP/1.1 ") == 1
    assert server.projection.version == (6 if asked.startswith(b"POST") else 1)


@pytest.mark.parametrize("pause", [False, True], ids=["at once", "in pieces"])
async def test_requests_in_a_row_are_all_answered_in_order(server: Server, *, pause: bool) -> None:
    asked = [BY_QUERY, CHUNKED, request(b"GET /info HTTP/1.1"), BY_QUERY, request(b"GET /canvas.png HTTP/1.1"), CHUNKED]
    if pause:
        async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
            for one in asked:
                await stream.send_all(one)
                await trio.sleep(0.01)
            await stream.send_eof()
            answer = await rest_of(stream)
    else:
        answer = await server.send_and_leave(b"".join(asked))
    assert answer.count(b"HTTP/1.1 200") == len(asked)
    assert [answer.index(b'{"v":%d}' % version) for version in range(2, 6)] == sorted(
        answer.index(b'{"v":%d}' % version) for version in range(2, 6)
    )


PARTS = {
    "a part of a hot head": BY_QUERY[:-10],
    "a part of another head": request(b"GET /info HTTP/1.1")[:-3],
    "a part of a line": b"POST /ed",
    "a part of a body": request(b"POST /edit HTTP/1.1", JSON, body=EDIT)[:-1],
    "a head without its body": request(b"POST /edit HTTP/1.1", JSON, body=EDIT)[: -len(EDIT)],
    "a part of many edits": request(b"POST /edits HTTP/1.1", JSON, body=b'{"edits": [' + b" " * 40_000)[:-1],
    "a part of the chunks": CHUNKED[:-5],
}


@pytest.mark.parametrize("asked", PARTS.values(), ids=PARTS)
async def test_request_that_is_not_whole_places_nothing_and_is_refused_alike(tmp_path: Path, asked: bytes) -> None:
    answers = {}
    for lane in ("fast", "slow"):
        async with serving(lane, tmp_path / lane) as server:
            before = server.state()
            answers[lane] = await server.send_and_leave(asked)
            await server.assert_well(before)
    assert answers["fast"].startswith(b"HTTP/1.1 400")
    assert b"connection: close" in answers["fast"].lower()
    assert comparable(answers["fast"]) == comparable(answers["slow"])


async def test_stream_goes_on_for_who_only_ended_its_side(server: Server) -> None:
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        await stream.send_all(request(b"GET /edits?v=1&format=json HTTP/1.1"))
        await stream.send_eof()
        parser, got = EventParser(), b""
        with trio.fail_after(LIMIT_SECONDS):
            for x in range(20):
                placed = (await server.place(x, 2, 3)).json()["v"]
                while b'{"v":%d,"edits":[[%d,2,3]]}' % (placed, x) not in got:
                    data = await stream.receive_some(65_536)
                    assert data, got
                    got += data
                await trio.sleep(0.02)
        assert b"event: status" in got
        assert not parser.feed(b"")
        assert (await server.info())["viewers"] == 1


async def test_who_has_left_a_stream_is_forgotten_before_the_next_heartbeat(server: Server) -> None:
    for _ in range(3):
        async with server.follow("v=1") as stream:
            await stream.status()
    with trio.fail_after(10):  # heartbeats come every 15 s
        while (await server.info())["viewers"]:  # noqa: ASYNC110 - the server runs on its own
            await trio.sleep(0.05)


async def test_stream_of_codes_is_whole_for_who_ended_its_side_before_its_first_frame(server: Server) -> None:
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        await stream.send_all(request(b"GET /edits?v=0 HTTP/1.1"))
        await stream.send_eof()
        got = b""
        with trio.fail_after(LIMIT_SECONDS):
            while b"id: 1\ndata: \n\n" not in got:
                got += await stream.receive_some(65_536)
            await server.place(7, 8, 9)
            code = base64.b64encode((7 | 8 << 6 | 9 << 11).to_bytes(2, "little"))
            while b"id: 2\ndata: %b\n\n" % code not in got:
                got += await stream.receive_some(65_536)


async def test_end_of_the_server_ends_such_a_stream(tmp_path: Path, lane: str) -> None:
    async with serving(lane, tmp_path) as server:
        stream = await trio.open_tcp_stream("127.0.0.1", server.port)
        async with stream:
            await stream.send_all(request(b"GET /edits?v=1 HTTP/1.1"))
            await stream.send_eof()
            with trio.fail_after(LIMIT_SECONDS):
                got = await stream.receive_some(65_536)
                server.stop.set()
                got += await rest_of(stream)
                await server.stopped.wait()
    assert got.startswith(b"HTTP/1.1 200")


VERSIONS = {
    **dict.fromkeys(("HTTP/9.9", "HTTP/3.0", "HTTP/2.0", "HTTP/0.9"), 505),
    **dict.fromkeys(("HTTP/1.2", "HTTP/1.9", "HTTP/1.0"), 200),  # a later minor version counts as 1.1 (RFC 9110, 2.5)
    **dict.fromkeys(("http/1.1", "HTTP/1", "HTTP/1.1.1", "HTTP/x.y", "HTTPS/1.1", ""), 400),
}


@pytest.mark.parametrize(("version", "status"), VERSIONS.items())
@pytest.mark.parametrize("target", ["/", "/canvas.png", "/edits?v=1&wait=0"])
async def test_version_that_is_not_spoken_gets_505(standing: Server, target: str, version: str, status: int) -> None:
    answer = await standing.send_and_leave(request(f"GET {target} {version}".rstrip().encode()))
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    if status == 505:
        assert b"application/problem+json" in answer
        assert b"connection: close" in answer.lower()


async def test_head_of_a_stream_has_no_length(server: Server) -> None:
    for version, left in (("1.1", b"Connection: close\r\n"), ("1.0", b"")):
        answer = await server.exchange(request(f"HEAD /edits?v=1 HTTP/{version}".encode(), left))
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"content-type: text/event-stream" in answer.lower()
        assert b"content-length" not in answer.lower()
        assert answer.endswith(b"\r\n\r\n")
    assert (await server.info())["viewers"] == 0
