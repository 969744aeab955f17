"""Promise 6: no input kills the server, or makes the canvas differ from the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from tests.support.http_connection import ConnectionCut, connect, get, place
from tests.support.offline_log import ModelCanvas, read_records
from tests.support.painters import Load, at_random
from tests.support.server_process import running
from tests.support.stream_client import Habits, StreamClient, served_pixels

if TYPE_CHECKING:
    import random
    from pathlib import Path

WIDTH, HEIGHT, COLORS = 64, 48, 16
LIMIT_SECONDS = 90.0
ROUNDS = 400  # connections that send garbage
AT_ONCE = 8
ANSWER_SECONDS = 0.3  # after that the test gives the connection up, whatever the server was waiting for

_GOOD = b"POST /edit?x=1&y=2&color=3 HTTP/1.1\r\nHost: placed.test\r\n\r\n"
_JSON = (
    b"POST /edit HTTP/1.1\r\nHost: placed.test\r\nContent-Type: application/json\r\n"
    b'Content-Length: 28\r\n\r\n{"x": 1, "y": 2, "color": 3}'
)
_CHUNKED = (
    b"POST /edit HTTP/1.1\r\nHost: placed.test\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n8\r\nx=1&y=2&\r\n7\r\ncolor=3\r\n0\r\n\r\n"
)
_SEEDS = (
    _GOOD,
    _JSON,
    _CHUNKED,
    _GOOD * 3,
    b"GET /edits?v=1 HTTP/1.1\r\nHost: placed.test\r\nLast-Event-ID: 1\r\n\r\n",
    b"GET /canvas.png HTTP/1.1\r\nHost: placed.test\r\nIf-None-Match: *\r\n\r\n",
    b"GET /edits?v=1 HTTP/1.0\r\n\r\n",
    (
        b"GET /edits?v=1 HTTP/1.1\r\nHost: placed.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ),
    (
        b"GET / HTTP/1.1\r\nHost: placed.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    ),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    b"OPTIONS * HTTP/1.1\r\nHost: placed.test\r\n\r\n",
    b"CONNECT placed.test:443 HTTP/1.1\r\nHost: placed.test\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /static/..%2f..%2fetc/passwd HTTP/1.1\r\nHost: placed.test\r\n\r\n",
    b"GET /static/%00 HTTP/1.1\r\nHost: placed.test\r\nX-Forwarded-For: 1.2.3.4, \xff\r\n\r\n",
)
_TOKENS = (
    b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b"%", b"&", b"=", b"\xff\xfe", b"-1", b"4294967301", b"1e3", b"9" * 400,
    b"HTTP/9.9", b"Content-Length: 99999999999\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: x\r\n", b"x" * 20_000,
)  # fmt: skip


def _mutated(chance: random.Random) -> bytes:
    """One or several requests, with some bytes changed, cut out, doubled, or replaced by bytes that often hurt."""
    data = bytearray(chance.choice(_SEEDS))
    for _ in range(chance.choice([0, 1, 1, 2, 5, 20])):
        at = chance.randrange(len(data) + 1)
        until = min(len(data), at + chance.randint(1, 8))
        change = chance.choice(["flip", "cut", "double", "token", "random"])
        if change == "flip" and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif change == "cut":
            del data[at:until]
        elif change == "double":
            data[at:at] = data[at:until]
        elif change == "token":
            data[at:at] = chance.choice(_TOKENS)
        else:
            data[at:until] = chance.randbytes(until - at)
    return bytes(data)


async def _throw(port: int, data: bytes, chance: random.Random) -> None:
    """Send data in one piece or several, read a little of the answer, and hang up in some way."""
    with trio.move_on_after(ANSWER_SECONDS):
        try:
            async with connect(port) as connection:
                stream = connection.stream
                step = chance.choice([len(data), 1 + len(data) // 3, 64])
                for at in range(0, len(data), max(1, step)):
                    await stream.send_all(data[at : at + step])
                if chance.random() < 0.3:
                    await stream.send_eof()
                while await stream.receive_some(4_096):
                    pass
        except (ConnectionCut, trio.BrokenResourceError):
            pass


async def _throw_all(port: int, chance: random.Random) -> None:
    turns = trio.Semaphore(AT_ONCE)

    async def one() -> None:
        data = chance.randbytes(chance.randint(1, 3_000)) if chance.random() < 0.1 else _mutated(chance)
        async with turns:
            await _throw(port, data, chance)

    async with trio.open_nursery() as nursery:
        for _ in range(ROUNDS):
            nursery.start_soon(one)


@pytest.mark.timeout(120)
async def test_garbage_from_all_sides_leaves_the_canvas_equal_to_the_log(tmp_path: Path, chance: random.Random) -> None:
    load = Load(at_random(chance, WIDTH, HEIGHT, COLORS))
    with trio.fail_after(LIMIT_SECONDS):
        async with running(tmp_path) as server, trio.open_nursery() as nursery:
            client = StreamClient(server.port, Habits(), chance)
            nursery.start_soon(client.run)
            async with trio.open_nursery() as painters:
                painters.start_soon(load.paint, server.port, 2)  # two people paint meanwhile
                await _throw_all(server.port, chance)
                painters.cancel_scope.cancel()
            assert not server.ended
            async with connect(server.port) as connection:
                last = (await place(connection, 1, 1, 1)).json()["v"]
            await client.wait_past(last)
            await server.stop()
            assert "Traceback" not in server.output, server.output
            nursery.cancel_scope.cancel()
        async with running(tmp_path) as server:
            version = (await get(server.port, "/info")).json()["version"]
            served = await served_pixels(server.port, version)
            assert "not understood" not in server.output
            await server.stop()
    assert load.refused == []
    assert client.told.streams == 1
    records = await read_records(tmp_path / "log")
    # Each record holds edits, all of them inside the canvas, and the server serves the canvas that they make.
    assert all(records[1:])
    edits = [edit for record in records for edit in record]
    assert all(x < WIDTH and y < HEIGHT and color < COLORS for x, y, color in edits)
    assert ModelCanvas.of(records, WIDTH, HEIGHT).pixels == served
    assert all(edit in records[version - 1] for edit, version in load.acknowledged)


_WEBSOCKET = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
_H2C = b"GET / HTTP/1.1\r\nHost: placed.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        pytest.param(b"GET /edits?v=1 HTTP/1.1\r\nHost: placed.test\r\n" + _WEBSOCKET, b"HTTP/1.1 200", id="websocket"),
        pytest.param(b"GET ?v=1 HTTP/1.1\r\nHost: placed.test\r\n\r\n", b"HTTP/1.1 400", id="no path"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: ..\r\n\r\n", b"HTTP/1.1 400", id="bad host"),
        pytest.param(_H2C + b"A\r\n\r\n", b"HTTP/1.1 200", id="HTTP/2 settings that are no base64"),
        pytest.param(_H2C + b"AAMA\r\n\r\n", b"HTTP/1.1 200", id="HTTP/2 settings cut short"),
        pytest.param(_H2C + b"AAIAAAAJ\r\n\r\n", b"HTTP/1.1 200", id="HTTP/2 settings that are not allowed"),
    ],
)
async def test_bad_request_is_answered_without_a_traceback(tmp_path: Path, sent: bytes, answer: bytes) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        async with running(tmp_path) as server:
            async with connect(server.port) as connection:
                await connection.stream.send_all(sent)
                assert (await connection.stream.receive_some(4_096)).startswith(answer)
            assert (await get(server.port, "/readyz")).status == 200
            await server.stop()
            assert "Traceback" not in server.output
