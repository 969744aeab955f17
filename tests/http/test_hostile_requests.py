"""Requests that try an attack, over each lane: tricks with paths, compressed bodies, bodies without end."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

import pytest
import trio

from placed.http.lanes.connection import Limits
from tests.http.lanes.test_connection import GOOD, statuses
from tests.support.serving import LIMIT_SECONDS, Server

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    Start = Callable[..., AbstractAsyncContextManager[Server]]

HOST = b"Host: placed.test\r\n"
EDIT = b'{"x": 1, "y": 2, "color": 3}'
_HELD_SECONDS = 1.0
_MOST_TAKEN_BYTES = 30_000_000  # the sockets' buffers of both sides, and the bytes read until the end was noticed


def _status(answer: bytes) -> int:
    match = re.match(rb"HTTP/1\.1 (\d{3})", answer)
    assert match, answer[:100]
    return int(match[1])


@pytest.mark.parametrize(
    "target",
    [
        b"/static/../../etc/passwd",
        b"/static/..%2f..%2fetc/passwd",
        b"/static/%2e%2e/%2e%2e/etc/passwd",
        b"/static/..%5c..%5cetc",
        b"/static//etc/passwd",
        b"/static/%00",
        b"/static/index.html%00.png",
        b"//edit?x=1&y=1&color=1",
        b"/./edit?x=1&y=1&color=1",
        b"/edit/?x=1&y=1&color=1",
        b"/EDIT?x=1&y=1&color=1",
        b"/edit;a=b?x=1&y=1&color=1",
        b"/edit%3fx=1&y=1&color=1",
        b"/edit%00?x=1&y=1&color=1",
        b"/%65dit%2f?x=1&y=1&color=1",
        b"/" + b"a/" * 4_000,
    ],
)
@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_path_that_plays_tricks_leads_nowhere(standing: Server, method: bytes, target: bytes) -> None:
    before = standing.state()
    answer = await standing.exchange(method + b" " + target + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert _status(answer) in (400, 404, 405)
    assert b"root:" not in answer
    await standing.assert_well(before)


async def test_absolute_target_is_the_same_request(server: Server) -> None:
    target = b"http://placed.test/edit?x=1&y=1&color=1"  # RFC 9112, section 3.2.2: it must be accepted
    answer = await server.exchange(b"POST " + target + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert _status(answer) == 200


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"gzip, gzip", b"GZIP"])
async def test_packed_body_is_refused_and_never_unpacked(standing: Server, coding: bytes) -> None:
    before = standing.state()
    body = gzip.compress(EDIT.ljust(4_000_000))[:4_096]
    kind = b"Content-Type: application/json\r\nContent-Encoding: " + coding + b"\r\nContent-Length: %d\r\n" % len(body)
    answer = await standing.exchange(b"POST /edit HTTP/1.1\r\n" + HOST + kind + b"Connection: close\r\n\r\n" + body)
    assert _status(answer) == 415
    assert b"accept-encoding: identity" in answer.lower()
    await standing.assert_well(before)


async def test_body_as_it_is_may_be_called_so(server: Server) -> None:
    kinds = ("Content-Type", "application/json"), ("Content-Encoding", "identity")
    assert (await server.request("POST", "/edit", *kinds, body=EDIT)).status == 200


@pytest.mark.parametrize(
    "head",
    [
        b"POST /edit HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n",
        b"POST /edit HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999\r\n\r\n",
        b"GET /edits?v=1 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /edits?v=1 HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n",
        b"GET /info HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["chunks", "a length", "behind a stream's head", "a stream's chunks", "chunks that nobody asked for"],
)
async def test_body_without_end_is_not_heard_for_ever(server: Server, head: bytes) -> None:
    before = server.state()
    chunk = b"1000\r\n" + bytes(4_096) + b"\r\n"
    sent = 0
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        with trio.move_on_after(LIMIT_SECONDS):
            try:
                await stream.send_all(head)
                while sent < _MOST_TAKEN_BYTES:
                    with trio.fail_after(_HELD_SECONDS):  # the slow lane reads nothing after a stream's head
                        await stream.send_all(chunk * 16)
                    sent += len(chunk) * 16
            except (trio.BrokenResourceError, trio.TooSlowError):
                pass
    assert sent < _MOST_TAKEN_BYTES
    await server.assert_well(before)


@pytest.mark.parametrize("end", [b"\n\r\n", b"\n\n"])
async def test_head_that_ends_with_a_bare_lf_is_answered_at_once(server: Server, end: bytes) -> None:
    head = b"POST /edit?x=1&y=2&color=3 HTTP/1.1\r\n" + HOST + b"Connection: close"
    began = trio.current_time()
    assert statuses(await server.exchange(head + end)) == [200]
    assert trio.current_time() - began < Limits().head_seconds / 2


@pytest.mark.parametrize("behind", [b"\0", b"GET /info HTTP/1.1\r\n", b"x" * 100_000, GOOD])
@pytest.mark.parametrize("target", [b"POST /edit?x=1&y=2&color=3", b"POST /edit?x=%31&y=2&color=3", b"GET /healthz"])
async def test_what_comes_behind_the_last_request_is_passed_over(server: Server, target: bytes, behind: bytes) -> None:
    chunked = b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"  # for Hypercorn, in both lanes
    answer = await server.exchange(target + b" HTTP/1.1\r\n" + HOST + chunked + behind)
    assert statuses(answer) == [200]
    assert server.projection.version == (2 if b"POST" in target else 1)


async def test_head_request_with_a_broken_body_gets_400_without_one(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    chunks = b"Transfer-Encoding: chunked\r\n\r\nno chunk\r\n"
    answer = await server.exchange(b"HEAD /edit HTTP/1.1\r\n" + HOST + chunks)
    assert statuses(answer) == [400]
    assert answer.endswith(b"\r\n\r\n")
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("method", [b"HEaD", b"head", b"get", b"Post"])
async def test_method_that_is_not_in_capitals_is_none(
    standing: Server, method: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    line = method + b" /edit?x=1&y=1&color=1 HTTP/1.1\r\n"
    answer = await standing.exchange(line + HOST + b"Content-Length: 0\r\n\r\n")
    assert statuses(answer) == [400]
    assert b"application/problem+json" in answer
    assert standing.projection.version == 1
    assert not [record for record in caplog.records if record.exc_info]
