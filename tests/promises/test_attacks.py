"""Promise 4, attack by attack: its result and its bounded cost, while an honest client goes on."""

from __future__ import annotations

import contextlib
import json
import re
import resource
import socket
import struct
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import trio

from placed.telemetry.line_limit import BURST, PER_SECOND
from tests.promises.bystander import LIMIT_SECONDS, standing_by
from tests.support.http_connection import ConnectionCut, connect, get
from tests.support.parts import require
from tests.support.server_process import running

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

HOST = b"Host: placed.test\r\n"
IDLE = 10_000
REFUSED = 300
BYTES_PER_IDLE = 12_000
BYTES_PER_HALF = 60_000
DESCRIPTORS = 12_000
OLD_EDITS = 60_000
# This machine has no limits unless another network replaces it in the setting.
WITH_LIMITS = ("--unlimited-client", "192.0.2.0/24")


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Raise the limit of descriptors for the client's side of many connections; the server raises its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    require(f"room for {DESCRIPTORS} descriptors", hard >= DESCRIPTORS or hard == -1, "ulimit -Hn 20000")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, DESCRIPTORS), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _open(stack: AsyncExitStack, port: int, count: int, said: bytes = b"") -> list[trio.SocketStream]:
    """Open `count` connections; each sends something and then nothing, until the stack is left."""
    streams = []
    for _ in range(count):
        plain = stack.enter_context(trio.socket.socket())
        await plain.connect(("127.0.0.1", port))
        stream = trio.SocketStream(plain)
        if said:
            await stream.send_all(said)
        streams.append(stream)
    return streams


@pytest.mark.parametrize(
    "begun",
    [
        b"POST /edit?x=1",
        b"GET /info HTTP/1.1\r\nX-Slow: ",
        b"POST /edit HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\n{",
        b"POST /edit HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    ],
    ids=["line", "head", "body", "chunk"],
)
async def test_slowloris_costs_bounded_memory_and_delays_nobody(
    tmp_path: Path, chance: random.Random, begun: bytes
) -> None:
    async with (
        running(tmp_path) as server,
        AsyncExitStack() as stack,
        standing_by(server, chance, most_bytes=400 * BYTES_PER_HALF) as bystander,
    ):
        streams = await _open(stack, server.port, 400, begun)
        for _ in range(3):
            for stream in streams:
                await stream.send_all(b" ")
            await bystander.rounds(5)


@pytest.mark.usefixtures("many_descriptors")
async def test_ten_thousand_idle_connections_cost_bounded_memory_and_delay_nobody(
    tmp_path: Path, chance: random.Random
) -> None:
    async with (
        running(tmp_path) as server,
        AsyncExitStack() as stack,
        standing_by(server, chance, most_bytes=IDLE * BYTES_PER_IDLE),
    ):
        await _open(stack, server.port, IDLE)
        told = (await get(server.port, "/metrics")).body
        found = re.search(rb"^placed_connections ([0-9.]+)", told, re.MULTILINE)
        assert found
        assert float(found[1]) >= IDLE


async def test_flood_of_connections_that_are_reset_at_once_leaves_nothing(
    tmp_path: Path, chance: random.Random
) -> None:
    at_once = struct.pack("ii", 1, 0)
    async with running(tmp_path) as server:
        async with standing_by(server, chance, most_bytes=20_000_000):
            for number in range(3_000):
                with trio.socket.socket() as plain:
                    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
                    await plain.connect(("127.0.0.1", server.port))
                    if number % 2:
                        await plain.send(b"GET /edits?v=1 HTTP/1.1\r\n" + HOST + b"\r\n")
        assert "ERROR" not in server.output.upper()


async def _ask_for_old_versions(port: int, form: str) -> None:
    """Follow from the beginning again and again, until cancelled."""
    while True:
        async with connect(port) as connection:
            await connection.send(f"/edits?v=1&format={form}")
            head = await connection.head()
            if head.status == 429:
                await trio.sleep(float(head.headers["retry-after"]))
                continue
            said = b""
            while b"\nid: " not in said or said.count(b"\nid: ") < OLD_EDITS // 4_000:
                said += await connection.data() or b""


@pytest.mark.parametrize("form", ["codes", "json"])
async def test_old_versions_asked_for_over_two_connections_leave_edits_their_time(
    tmp_path: Path, chance: random.Random, form: str
) -> None:
    flags = ("--width", "1000", "--height", "1000", *WITH_LIMITS)
    async with running(tmp_path, *flags) as server:
        async with connect(server.port) as connection:
            for number in range(OLD_EDITS // 1_000):
                edits = json.dumps({"edits": [[x, number, chance.randrange(16)] for x in range(1_000)]}).encode()
                kind = ("Content-Type", "application/json")
                assert (await connection.request("/edits", method="POST", headers=(kind,), body=edits)).status == 200
        async with standing_by(server, chance, most_bytes=20_000_000) as bystander, trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(_ask_for_old_versions, server.port, form)
            await bystander.rounds(40)
            nursery.cancel_scope.cancel()


async def test_one_address_that_opens_thousands_of_streams_has_those_that_it_may(
    tmp_path: Path, chance: random.Random
) -> None:
    flags = (*WITH_LIMITS, "--max-streams-per-client", "40", "--max-connections-per-client", "60")
    async with running(tmp_path, *flags) as server, AsyncExitStack() as stack:
        async with standing_by(server, chance, most_bytes=20_000_000):
            statuses: list[int] = []
            for _ in range(2_000):
                connection = await stack.enter_async_context(connect(server.port))
                with contextlib.suppress(ConnectionCut):  # in a flood not every client gets an answer
                    await connection.send("/edits?v=1")
                    statuses.append((await connection.head()).status)
        assert statuses.count(200) == 39  # and the bystander's own stream
        assert set(statuses) == {200, 429}


@pytest.mark.parametrize("line", [b"GET /canvas.png", b"GET /edits?v=x", b"GET /info", b"POST /edit?x=1&y=1&color=1"])
async def test_flood_of_pipelined_requests_whose_answers_nobody_reads_is_held_back(
    tmp_path: Path, chance: random.Random, line: bytes
) -> None:
    async def flood(stream: trio.SocketStream) -> None:
        with contextlib.suppress(trio.BrokenResourceError):
            while True:
                await stream.send_all((line + b" HTTP/1.1\r\n" + HOST + b"\r\n") * 100)

    async with (
        running(tmp_path, "--width", "500", "--height", "500") as server,
        AsyncExitStack() as stack,
        standing_by(server, chance, most_bytes=40_000_000) as bystander,
        trio.open_nursery() as nursery,
    ):
        for stream in await _open(stack, server.port, 20):
            nursery.start_soon(flood, stream)
        await bystander.rounds(8)
        nursery.cancel_scope.cancel()


async def test_heads_of_thousands_of_fields_are_read_in_bounded_time(tmp_path: Path, chance: random.Random) -> None:
    bomb = b"GET /canvas.png HTTP/1.1\r\n" + HOST + b"a:b\r\n" * 3_000 + b"\r\n"

    async def flood(stream: trio.SocketStream) -> None:
        with contextlib.suppress(trio.BrokenResourceError):
            while True:
                await stream.send_all(bomb)
                if not await stream.receive_some(65_536):
                    return

    async with (
        running(tmp_path) as server,
        AsyncExitStack() as stack,
        standing_by(server, chance, most_bytes=40_000_000) as bystander,
        trio.open_nursery() as nursery,
    ):
        for stream in await _open(stack, server.port, 20):
            nursery.start_soon(flood, stream)
        await bystander.rounds(8)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("form", ["text", "json"])
async def test_nothing_that_a_client_says_makes_a_line_of_the_log(tmp_path: Path, form: str) -> None:
    forged = b'{"event": "FORGED", "level": "error"}'
    heads = [
        b"GET /%0d%0a" + forged.replace(b" ", b"%20").replace(b'"', b"%22") + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /\x1b[2JFORGED HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /info HTTP/1.1\r\n" + HOST + b"X-Forwarded-For: \x1b[31m" + forged + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n" + forged + b"\n",
        b"POST /edit?x=%0aFORGED&y=1&color=1 HTTP/1.1\r\n" + HOST + b"User-Agent: \xff\xfe FORGED\r\n\r\n",
        forged + b"\r\n\r\n",
    ]
    flags = ("--log-level", "debug", "--log-format", form)
    with trio.fail_after(LIMIT_SECONDS):
        async with running(tmp_path, *flags) as server:
            for head in heads:
                async with connect(server.port) as connection:
                    await connection.stream.send_all(head)
                    assert await connection.stream.receive_some(4_096)
            await server.stop()
            lines = server.output.splitlines()
    assert lines
    assert not [line for line in lines if "FORGED" in line]
    assert not [line for line in lines if not line.isprintable()]
    if form == "json":
        assert all(isinstance(json.loads(line), dict) for line in lines)


@pytest.mark.parametrize("form", ["text", "json"])
async def test_flood_of_refusals_makes_few_lines_of_the_log_without_an_address(tmp_path: Path, form: str) -> None:
    flags = ("--log-format", form)
    few = ("sh", "-c", 'ulimit -n 80; exec "$0" "$@"')  # 16 connections, and 64 for the server itself
    began = trio.current_time()
    async with running(tmp_path, *flags, prefix=few) as server, AsyncExitStack() as stack:
        await _open(stack, server.port, 16)
        for _ in range(REFUSED):
            with contextlib.suppress(ConnectionCut):
                answer = await get(server.port, "/info")
                assert answer.status == 503
        await stack.aclose()
        await server.stop()
        seconds = trio.current_time() - began
        lines = server.output.splitlines()
    refused = [line for line in lines if "a request was refused" in line and "left out" not in line]
    assert BURST <= len(refused) <= BURST + PER_SECOND * seconds + 1
    assert [line for line in lines if "log lines were left out" in line and "a request was refused" in line]
    assert len(lines) < REFUSED / 3
    assert not [line for line in lines if "127.0.0.1" in line]
