"""The fast lane: what it handles, what it leaves to Hypercorn, and that clients can't tell the lanes apart."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st

from placed.http.body import BODY_BYTES, EDITS_BODY_BYTES
from placed.http.lanes.hot_request import may_be_hot, read_head
from tests.support.http_connection import connect
from tests.support.serving import LIMIT_SECONDS, serving

if TYPE_CHECKING:
    from pathlib import Path

HOST = b"Host: placed.test\r\n"
FAST, SLOW = b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 \r\n"  # Hypercorn gives no reason phrase


def head(line: bytes = b"POST /edit?x=1&y=2&color=3 HTTP/1.1", *fields: bytes, host: bytes = HOST) -> bytes:
    """A request's head."""
    return line + b"\r\n" + host + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


PLAIN = {
    "an edit by query": head(),
    "an edit with a body": head(b"POST /edit HTTP/1.1", b"Content-Length: 28", b"Content-Type: application/json"),
    "an edit with the largest body": head(b"POST /edit HTTP/1.1", b"Content-Length: %d" % BODY_BYTES),
    "edits": head(b"POST /edits HTTP/1.1", b"Content-Length: %d" % EDITS_BODY_BYTES),
    "an image": head(b"GET /canvas.png HTTP/1.1", b"Cookie: a=b; c=d", b"Accept: */*"),
    "an image that passes caches by": head(b"GET /canvas.png?t=1 HTTP/1.1"),
    "an image's head": head(b"HEAD /canvas.png HTTP/1.1"),
    "the page": head(b"GET / HTTP/1.1"),
    "a file of the page": head(b"GET /static/0f/view/screen.js HTTP/1.1"),
    "the facts": head(b"GET /info HTTP/1.1"),
    "a stream": head(b"GET /edits?v=1 HTTP/1.1", b"Last-Event-ID: 3"),
    "a repeated header": head(b"GET /edits?v=1 HTTP/1.1", b"X-Forwarded-For: a", b"X-Forwarded-For: b"),
    "an address": head(host=b"Host: [::1]:8080\r\n"),
    "an empty header": head(b"GET /edits?v=1 HTTP/1.1", b"Last-Event-ID:"),
}
NOT_PLAIN = {
    "HTTP/1.0": head(b"POST /edit?x=1&y=2&color=3 HTTP/1.0"),
    "HTTP/2.0": head(b"POST /edit?x=1&y=2&color=3 HTTP/2.0"),
    "no version": head(b"GET /canvas.png"),
    "a target with a space": head(b"GET /canvas.png?a b HTTP/1.1"),
    "two spaces before the version": head(b"GET /edits?v=2  HTTP/1.1"),
    "a fragment": head(b"GET /canvas.png?a#b HTTP/1.1"),
    "no host": head(host=b""),
    "two hosts": head(host=HOST + HOST),
    "a bad host": head(host=b"Host: ..,\r\n"),
    "a host with an empty label": head(host=b"Host: placed..test\r\n"),
    "a host with a path": head(host=b"Host: a/b\r\n"),
    "chunks": head(b"POST /edit HTTP/1.1", b"Transfer-Encoding: chunked"),
    "chunks and a length": head(b"POST /edit HTTP/1.1", b"Content-Length: 3", b"Transfer-Encoding: chunked"),
    "two lengths": head(b"POST /edit HTTP/1.1", b"Content-Length: 3", b"Content-Length: 4"),
    "the same length twice": head(b"POST /edit HTTP/1.1", b"Content-Length: 3", b"Content-Length: 3"),
    "a list of lengths": head(b"POST /edit HTTP/1.1", b"Content-Length: 3, 3"),
    "a negative length": head(b"POST /edit HTTP/1.1", b"Content-Length: -3"),
    "a length with a sign": head(b"POST /edit HTTP/1.1", b"Content-Length: +3"),
    "a length too large": head(b"POST /edit HTTP/1.1", b"Content-Length: %d" % (BODY_BYTES + 1)),
    "a length too large for edits": head(b"POST /edits HTTP/1.1", b"Content-Length: %d" % (EDITS_BODY_BYTES + 1)),
    "a length without end": head(b"POST /edit HTTP/1.1", b"Content-Length: " + b"9" * 5_000),
    "a length in other digits": head(b"POST /edit HTTP/1.1", b"Content-Length: \xb2"),
    "an image's body": head(b"GET /canvas.png HTTP/1.1", b"Content-Length: 3"),
    "an expectation": head(b"POST /edit HTTP/1.1", b"Content-Length: 3", b"Expect: 100-continue"),
    "an upgrade": head(b"GET /canvas.png HTTP/1.1", b"Connection: Upgrade", b"Upgrade: websocket"),
    "a folded header": head(b"GET /canvas.png HTTP/1.1", b"A: b", b" c"),
    "a header without colon": head(b"GET /canvas.png HTTP/1.1", b"nonsense"),
    "a space before the colon": head(b"GET /canvas.png HTTP/1.1", b"Content-Length : 3"),
    "a bare LF": head(b"GET /canvas.png HTTP/1.1\nA: b"),
    "a bare CR": head(b"GET /canvas.png HTTP/1.1", b"A: b\rContent-Length: 3"),
    "a NUL": head(b"GET /canvas.png HTTP/1.1", b"A: \0"),
}


@pytest.mark.parametrize("data", PLAIN.values(), ids=PLAIN)
def test_plain_hot_request_is_read(data: bytes) -> None:
    read = read_head(data)
    assert may_be_hot(data)
    assert read is not None
    assert f"{read.method} {read.path}".encode() == data.partition(b"?")[0].partition(b" HTTP")[0]
    assert read.headers["host"]
    assert not read.closes


@pytest.mark.parametrize("data", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_what_is_not_plain_is_left_to_hypercorn(data: bytes) -> None:
    assert not may_be_hot(data) or read_head(data) is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        *((b"POST /edit"[:size], True) for size in range(11)),
        (b"POST /edit?", True),
        (b"POST /edits", True),
        (b"POST /edits ", True),
        (b"POST /edits?", True),
        (b"POST /editsx", False),
        (b"POST /edits/", False),
        (b"GET /edit", True),
        (b"GET /edit?", False),
        (b"GET /edits ", True),
        (b"GET /", True),
        (b"GET / ", True),
        (b"HEAD /?a", True),
        (b"GET //", False),
        (b"GET /static/0f/view/screen.js ", True),
        (b"HEAD /static/0f/main.js?v=1", True),
        (b"GET /static", False),
        (b"GET /static/ ", False),
        (b"GET /static/0f/ ", False),
        (b"GET /static/0f//main.js ", False),
        (b"GET /static/0f/m%61in.js ", False),
        (b"POST /static/0f/main.js ", False),
        (b"GET /canvas.png/", False),
        (b"HEAD /edits", False),
        (b"post /edit ", False),
        (b"PRI * HTTP/2.0", False),
        (b"\x16\x03\x01", False),
        (b"\r\nGET /edits", False),
    ],
)
def test_what_begins_like_a_hot_request_may_be_one(data: bytes, expected: bool) -> None:
    assert may_be_hot(data) is expected


@given(st.sampled_from([*PLAIN.values(), *NOT_PLAIN.values()]), st.integers(0, 300), st.binary(max_size=9))
@example(PLAIN["an image"], 0, b"\r\n")
def test_any_head_is_read_or_left(data: bytes, at: int, put_in: bytes) -> None:
    at = min(at, len(data))
    read = read_head((data[:at] + put_in + data[at:]).partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    if read is not None:
        assert 0 <= read.length <= EDITS_BODY_BYTES
        assert not {"transfer-encoding", "expect", "upgrade"} & read.headers.keys()


ASKED = {
    "an edit": head(),
    "an edit as JSON": head(b"POST /edit HTTP/1.1", b"Content-Length: 28", b"Content-Type: application/json")
    + b'{"x": 1, "y": 2, "color": 3}',
    "an edit as a form": head(
        b"POST /edit HTTP/1.1", b"Content-Length: 15", b"Content-Type: application/x-www-form-urlencoded"
    )
    + b"x=1&y=2&color=3",
    "an edit out of range": head(b"POST /edit?x=1000&y=2&color=3 HTTP/1.1"),
    "an edit without a color": head(b"POST /edit?x=1&y=2 HTTP/1.1"),
    "an edit from another site": head(b"POST /edit?x=1&y=2&color=3 HTTP/1.1", b"Origin: https://evil.test"),
    "an edit as XML": head(b"POST /edit HTTP/1.1", b"Content-Length: 4", b"Content-Type: text/xml") + b"<a/>",
    "an image": head(b"GET /canvas.png HTTP/1.1"),
    "an image's head": head(b"HEAD /canvas.png HTTP/1.1"),
    "an image that is known": head(b"GET /canvas.png HTTP/1.1", b"If-None-Match: *"),
    "a stream's bad version": head(b"GET /edits?v=foo HTTP/1.1"),
    "a stream without a version": head(b"GET /edits HTTP/1.1"),
    "a long query": head(b"GET /edits?v=" + b"1" * 3_000 + b" HTTP/1.1"),
}


def comparable(answer: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Status, headers and body, without the parts that may differ: the reason phrase, the time, the order of headers,
    and the ids of logs and requests."""
    top, _, body = answer.partition(b"\r\n\r\n")
    line, *fields = top.split(b"\r\n")
    moment = (b"date:", b"last-modified:", b"etag:", b"x-canvas-log:")
    ids = re.compile(rb"(?<=^x-request-id: )[0-9a-f]{16}$")
    kept = sorted(ids.sub(b"ID", field.lower()) for field in fields if not field.lower().startswith(moment))
    return line[:12], kept, b"" if b"image/png" in top else body


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
async def test_both_lanes_give_the_same_answer(tmp_path: Path, asked: bytes) -> None:
    close = b"\r\nConnection: close\r\n\r\n"
    asked = asked.replace(b"\r\n\r\n", close, 1)
    answers = {}
    for lane in ("fast", "slow"):
        async with serving(lane, tmp_path / lane) as server:
            answers[lane] = await server.exchange(asked)
    assert comparable(answers["fast"]) == comparable(answers["slow"])
    assert answers["fast"].partition(b"\r\n")[0] != answers["slow"].partition(b"\r\n")[0]


async def test_both_lanes_give_the_same_stream(tmp_path: Path) -> None:
    own = {"date", "connection", "transfer-encoding"}  # the fast lane's frames have no chunks around them
    answers: dict[str, tuple[list[str], list[object]]] = {}
    for lane in ("fast", "slow"):
        async with serving(lane, tmp_path / lane) as server, server.follow("v=1&format=json") as stream:
            assert stream.head.status == 200
            for x in range(5):
                await server.place(x, 0, 1)
            edits: list[object] = []
            while len(edits) < 5:
                edits += json.loads((await stream.event()).data)["edits"]
            fields = [f"{name}: {value}" for name, value in stream.head.headers.items() if name not in own]
            answers[lane] = sorted(fields), edits
    assert answers["fast"] == answers["slow"]
    assert answers["fast"][1] == [[x, 0, 1] for x in range(5)]


async def test_connection_goes_to_and_fro_between_the_lanes(tmp_path: Path) -> None:
    async with serving("fast", tmp_path) as server, connect(server.port) as connection:
        for target, line in (
            *(("/canvas.png", FAST), ("/readyz", SLOW), ("/canvas.png", FAST), ("/canvas.png?a=1", FAST)),
            *(("/healthz", SLOW), ("/canvas.png", FAST)),
        ):
            with trio.fail_after(LIMIT_SECONDS):
                await connection.stream.send_all(b"GET %b HTTP/1.1\r\n%b\r\n" % (target.encode(), HOST))
                data = bytes(await connection.stream.receive_some(65_536))
                assert data.startswith(line), (target, data)
                await _rest(connection.stream, data)


async def test_requests_of_both_lanes_in_one_piece_are_answered_in_order(tmp_path: Path) -> None:
    async with serving("fast", tmp_path) as server:
        last = b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
        edit, health = head(), b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
        answer = await server.exchange(edit + edit + health + edit + last)
        assert answer.count(b"HTTP/1.1 200") == 5
        assert [answer.index(b'{"v":%d}' % version) for version in (2, 3, 4)] == sorted(
            answer.index(b'{"v":%d}' % version) for version in (2, 3, 4)
        )
        assert server.projection.version == 4


async def _rest(stream: trio.SocketStream, data: bytes) -> None:
    """Receive until the body that begins in `data` is complete."""
    top, _, body = data.partition(b"\r\n\r\n")
    (length,) = [int(line.split(b":")[1]) for line in top.lower().split(b"\r\n") if line.startswith(b"content-length")]
    size = len(body)
    while size < length:
        size += len(await stream.receive_some(65_536))
    assert size == length
