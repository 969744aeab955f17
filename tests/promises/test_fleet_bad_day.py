"""A fleet on one topic behind nginx, on a bad day: a server that halts, a clock that jumps, resets, replays."""

from __future__ import annotations

import contextlib
import signal
import socket
import struct
from typing import TYPE_CHECKING

import pytest
import trio

from bench.torturing.clock import Clock
from bench.torturing.shim import can_preload, compiled
from tests.support.http_connection import ConnectionCut, connect, get, place
from tests.support.kafka_servers import COLORS, HEIGHT, WIDTH, painted, records_of, shared_key, url_of
from tests.support.nginx_front import run_nginx
from tests.support.painters import Load, at_random
from tests.support.parts import require
from tests.support.server_process import running
from tests.support.stream_client import EventParser, Habits, StreamClient, served_pixels

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from bench.equipment.kafka.cluster import Cluster
    from tests.support.server_process import ServerProcess

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

LIMIT_SECONDS = 240.0
STILL_SECONDS = 20.0  # longer than nginx's timeout of 15 s
PAUSE_SECONDS = 0.2  # of each painter: painters whose edit is at the halted server wait for nginx anyway
AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: the end of a connection is a reset
LATE = {502, 503, 504}  # answers of nginx and the servers if the outcome of an edit is unknown


def flags(url: str, key: Path) -> tuple[str, ...]:
    return ("--log", url, "--author-key-file", str(key), "--trusted-proxy", "127.0.0.1")


async def last_version(servers: list[ServerProcess]) -> int:
    """The version that all servers have reached, once the edits under way when people left have landed."""
    while True:
        async with connect(servers[0].port) as connection:
            placed = await place(connection, 0, 0, 1)
        if placed.status in LATE:
            await trio.sleep(0.05)  # the server that was halted looks for its log
            continue
        version: int = placed.json()["v"]
        told = []
        for server in servers:
            await reached(server, version)
            told.append((await get(server.port, "/info")).json()["version"])
        if told == [version] * len(servers):
            return version


async def reached(server: ServerProcess, version: int) -> None:
    """Wait until the server has reached `version`."""
    here = (await get(server.port, "/info")).json()["version"]  # a later one would get a reload
    if here >= version:
        return
    async with connect(server.port) as connection:
        await connection.send(f"/edits?v={here}&format=json")
        parser = EventParser()
        while not any(event.id and int(event.id) >= version for event in parser.feed(await connection.data() or b"")):
            pass


async def check_converged(servers: list[ServerProcess], load: Load, clients: list[StreamClient], url: str) -> None:
    """Check that all have the topic's canvas, and that each acknowledged edit is in the topic."""
    log = (await get(servers[0].port, "/info")).json()["log"]
    version = await last_version(servers)
    images = [await served_pixels(server.port, version) for server in servers]
    for client in clients:
        await client.wait_for(log, version)
    records = await records_of(url)
    assert images == [painted(records)] * len(servers)
    assert [bytes(client.pixels) for client in clients] == [images[0]] * len(clients)
    for edit, at in load.acknowledged:
        assert edit in records[at - 1], (edit, at)
    for server in servers:
        assert not server.ended
        assert "Traceback" not in server.output, server.output[-3_000:]


async def test_fleet_goes_on_while_one_server_stands_still(
    kafka: Cluster, tmp_path: Path, chance: random.Random
) -> None:
    url, key = url_of(kafka, "standing-still"), shared_key(tmp_path)
    load = Load(at_random(chance, WIDTH, HEIGHT, COLORS))
    with trio.fail_after(LIMIT_SECONDS):
        async with running(tmp_path / "a", *flags(url, key)) as one, running(tmp_path / "b", *flags(url, key)) as two:
            with run_nginx(tmp_path / "nginx", [one.port, two.port], unlimited=True) as nginx:
                clients = [StreamClient(nginx.port, Habits(as_json=number == 0), chance) for number in range(4)]
                async with trio.open_nursery() as nursery:
                    for client in clients:
                        nursery.start_soon(client.run)
                    for _ in range(4):
                        nursery.start_soon(load.paint, nginx.port, 1, PAUSE_SECONDS)
                    await load.acknowledge(1)
                    for client in clients:
                        await client.wait_past(load.acknowledged[0][1])
                    one.send(signal.SIGSTOP)
                    before = len(load.acknowledged)
                    await trio.sleep(STILL_SECONDS)
                    during = len(load.acknowledged) - before
                    one.send(signal.SIGCONT)
                    await load.acknowledge(len(load.acknowledged) + 10)
                    nursery.cancel_scope.cancel()
            assert during > 20, f"{during} edits were taken by the other server"
            assert set(load.refused) <= LATE
            direct = [StreamClient(server.port, Habits(), chance) for server in (one, two)]
            async with trio.open_nursery() as nursery:
                for client in direct:
                    nursery.start_soon(client.run)
                await check_converged([one, two], load, direct, url)
                nursery.cancel_scope.cancel()


async def test_clock_that_jumps_on_one_server_moves_no_charge(kafka: Cluster, tmp_path: Path) -> None:
    require("a C compiler on Linux", can_preload(), "apt-get install gcc")
    url, key = url_of(kafka, "jumping-clock"), shared_key(tmp_path)
    clock = Clock(compiled("clock", tmp_path), tmp_path / "clock")
    jumping = ("env", *(f"{name}={value}" for name, value in clock.environment.items()))
    charges = (*flags(url, key), "--charges", "5", "--charge-seconds", "600")
    with trio.fail_after(LIMIT_SECONDS):
        async with (
            running(tmp_path / "a", *charges, prefix=jumping) as one,
            running(tmp_path / "b", *charges) as two,
            connect(one.port) as first,
            connect(two.port) as other,
        ):
            version = [(await place(first, x, 0, 1)).json()["v"] for x in range(5)][-1]
            await reached(two, version)
            for seconds in (86_400, -3 * 86_400, 2 * 86_400):
                clock.step(seconds)
                assert (await place(first, 9, 9, 1)).status == 429
                assert (await place(other, 9, 9, 1)).status == 429
            told = (await first.request("/info")).json()["cooldown"]
            assert told["remaining"] == 0
            assert told["next_seconds"] <= 600
            images = [await served_pixels(server.port, version) for server in (one, two)]
            assert images[0] == images[1] == painted(await records_of(url))
            assert "Traceback" not in one.output + two.output


async def reset_for_ever(ports: tuple[int, ...], heads: tuple[bytes, ...], chance: random.Random) -> None:
    """Open connections, send something, and reset them, as fast as possible."""
    while True:
        with trio.socket.socket() as plain:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            await plain.connect(("127.0.0.1", chance.choice(ports)))
            with contextlib.suppress(OSError):
                await plain.send(chance.choice(heads))


async def test_storm_of_resets_at_all_ports_stops_nobody(kafka: Cluster, tmp_path: Path, chance: random.Random) -> None:
    url, key = url_of(kafka, "resets"), shared_key(tmp_path)
    load = Load(at_random(chance, WIDTH, HEIGHT, COLORS))
    heads = (
        b"",
        b"GET /edits?v=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"POST /edit?x=1&y=1&color=2 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    )
    with trio.fail_after(LIMIT_SECONDS):
        async with running(tmp_path / "a", *flags(url, key)) as one, running(tmp_path / "b", *flags(url, key)) as two:
            with run_nginx(tmp_path / "nginx", [one.port, two.port], unlimited=True) as nginx:
                clients = [StreamClient(nginx.port, Habits(), chance) for _ in range(2)]
                async with trio.open_nursery() as nursery:
                    for client in clients:
                        nursery.start_soon(client.run)
                    async with trio.open_nursery() as storm:
                        storm.start_soon(load.paint, nginx.port, 2, 0.02)
                        storm.start_soon(reset_for_ever, (nginx.port, one.port, two.port), heads, chance)
                        await load.acknowledge(100)
                        storm.cancel_scope.cancel()
                    await check_converged([one, two], load, clients, url)
                    nursery.cancel_scope.cancel()
            assert set(load.refused) <= LATE


async def test_replayed_edit_is_an_edit_and_nothing_else(kafka: Cluster, tmp_path: Path) -> None:
    """A relay that repeats requests spends charges, and can do no more."""
    url, key = url_of(kafka, "replays"), shared_key(tmp_path)
    head = b"POST /edit?x=3&y=3&color=2 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"
    with trio.fail_after(LIMIT_SECONDS):
        async with running(tmp_path / "a", *flags(url, key), "--charges", "3", "--charge-seconds", "600") as server:
            statuses = []
            for _ in range(5):
                with contextlib.suppress(ConnectionCut):
                    async with connect(server.port) as connection:
                        await connection.stream.send_all(head)
                        answer = await connection.stream.receive_some(4_096)
                        statuses.append(int(answer.split()[1]))
            assert statuses == [200, 200, 200, 429, 429]
            records = await records_of(url)
            assert [edits for edits in records.values() if edits] == [[(3, 3, 2)]] * 3
