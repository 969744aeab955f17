"""Promise 4: requests without end, and thousands of refused requests, with an honest client meanwhile."""

from __future__ import annotations

import contextlib
import gzip
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest
import trio

from tests.promises.bystander import standing_by
from tests.support.server_process import running

if TYPE_CHECKING:
    import random
    from pathlib import Path

HOST: Final = b"Host: placed.test\r\n"
POST: Final = b"POST /edit HTTP/1.1\r\n" + HOST
CHUNKED: Final = POST + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB: Final = gzip.compress(bytes(4_000_000))[:4_096]
LETTERS: Final = b"a" * 65_536
CONNECTIONS: Final = 20
REFUSED: Final = 600
MOST_BYTES: Final = 40_000_000


@pytest.mark.parametrize(
    ("begun", "again"),
    [
        (b"GET /", LETTERS),
        (b"GET /info HTTP/1.1\r\n" + HOST + b"X-Long: ", LETTERS),
        (b"GET /info HTTP/1.1\r\n" + HOST, b"X: y\r\n" * 10_000),
        (POST + b"Content-Length: 999999999999\r\n\r\n", LETTERS),
        (CHUNKED, b"10000\r\n" + LETTERS + b"\r\n"),
        (CHUNKED, b"1\r\n \r\n" * 10_000),
        (CHUNKED + b"1;", LETTERS),
        (CHUNKED + b"0\r\n", b"X: y\r\n" * 10_000),
        (b"GET /edits?v=1 HTTP/1.1\r\n" + HOST + b"\r\n", LETTERS),
    ],
    ids=["line", "field", "fields", "body", "chunks", "tiny chunks", "chunk extension", "trailers", "behind a stream"],
)
async def test_request_without_end_is_cut_costs_bounded_memory_and_delays_nobody(
    tmp_path: Path, chance: random.Random, begun: bytes, again: bytes
) -> None:
    async def send_for_ever(port: int) -> None:
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            with contextlib.suppress(trio.BrokenResourceError):
                await stream.send_all(begun)
                while True:
                    await stream.send_all(again)

    async with (
        running(tmp_path) as server,
        standing_by(server, chance, most_bytes=MOST_BYTES),
        trio.open_nursery() as nursery,  # it ends when all have been cut
    ):
        for _ in range(CONNECTIONS):
            nursery.start_soon(send_for_ever, server.port)


def _packed(_number: int) -> bytes:
    kind = b"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB)
    return POST + kind + BOMB


def _tricky_path(number: int) -> bytes:
    return b"GET /%d/..%%2f..%%2f../etc/passwd HTTP/1.1\r\n" % number + HOST + b"\r\n"


def _cross_site(number: int) -> bytes:
    origin = b"Origin: https://elsewhere-%d.example\r\nSec-Fetch-Site: cross-site\r\n" % number
    return b"POST /edit?x=1&y=1&color=1 HTTP/1.1\r\n" + HOST + origin + b"Content-Length: 0\r\n\r\n"


def _forged(number: int) -> bytes:
    forged = b"10.%d.%d.1" % divmod(number, 256)
    proxies = b"X-Forwarded-For: " + forged + b"\r\nForwarded: for=" + forged + b"\r\n"
    return b"POST /edit?x=64&y=1&color=1 HTTP/1.1\r\n" + HOST + proxies + b"Content-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("request_of", "status"),
    [(_packed, 415), (_tricky_path, 404), (_cross_site, 403), (_forged, 400)],
    ids=["packed bodies", "tricky paths", "other sites", "forged addresses"],
)
@pytest.mark.parametrize("lane", ["--fast-lane", "--no-fast-lane"])
async def test_flood_of_refused_requests_leaves_nothing_and_delays_nobody(
    tmp_path: Path, chance: random.Random, request_of: object, status: int, lane: str
) -> None:
    assert callable(request_of)
    statuses: Counter[int] = Counter()
    numbers = iter(range(REFUSED))

    async def ask(port: int) -> None:
        for number in numbers:
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                await stream.send_all(request_of(number))
                statuses[int((await stream.receive_some(4_096))[9:12])] += 1

    async with (
        running(tmp_path, lane) as server,
        standing_by(server, chance, most_bytes=MOST_BYTES // 2),
        trio.open_nursery() as nursery,
    ):
        for _ in range(CONNECTIONS):
            nursery.start_soon(ask, server.port)
    assert statuses == {status: REFUSED}
