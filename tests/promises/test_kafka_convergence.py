"""Promises 1 to 3 on a cluster: whoever is killed, all servers and clients end with what the topic says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from bench.equipment.free_ports import free_ports
from tests.support.http_connection import connect, get, place
from tests.support.kafka_servers import (
    COLORS,
    HEIGHT,
    WIDTH,
    leader,
    painted,
    records_of,
    shared_key,
    url_of,
)
from tests.support.own_cluster import own_cluster
from tests.support.painters import Load, at_random
from tests.support.server_process import running
from tests.support.stream_client import Habits, StreamClient, served_pixels

if TYPE_CHECKING:
    import random
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from bench.equipment.kafka.cluster import Cluster
    from tests.support.server_process import ServerProcess

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(420)]

LIMIT_SECONDS = 360.0
SERVERS, PEOPLE, CLIENTS = 3, 9, 6
PAUSE_SECONDS = 0.05  # of each of them: what nine make of it is merged into records under load
LEADERS_KILLED = 2
LIFE_SECONDS = (4.0, 12.0)  # of a server, before it is killed: longer than a start takes, shorter than the storm
UP_SECONDS, DOWN_SECONDS = 6.0, 4.0  # of the broker that leads; it is missed after 3 s


class Fleet:
    """Servers on ports of their own, one log and one author key.

    Attributes:
        ports: theirs.
        killed: for each, set once it was killed and has started again.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.ports = free_ports(SERVERS)
        self.killed = {port: trio.Event() for port in self.ports}
        self._folder = folder
        self._flags = ("--log", url, "--author-key-file", str(shared_key(folder)), "--kafka-replication", "3")

    def server(self, port: int) -> AbstractAsyncContextManager[ServerProcess]:
        """One of them, ready."""
        return running(self._folder / str(port), "--port", str(port), *self._flags)

    async def run_and_kill(self, port: int, done: trio.Event, chance: random.Random, ready: trio.Event) -> None:
        """Run one, kill -9 it after a while, and start it again, until `done`."""
        while not done.is_set():
            async with self.server(port) as server:
                if ready.is_set():
                    self.killed[port].set()
                ready.set()
                with trio.move_on_after(chance.uniform(*LIFE_SECONDS)):
                    await done.wait()
                await server.kill()

    async def paint(self, load: Load, chance: random.Random) -> None:
        """One who paints for ever, on another server whenever one is gone."""
        while True:
            await load.paint(chance.choice(self.ports), people=1, pause_seconds=PAUSE_SECONDS)
            await trio.sleep(0.1)  # as one who comes again does


async def _harm_the_leader(cluster: Cluster, topic: str) -> None:
    """Kill the broker that leads, again and again, each time for a while."""
    for _ in range(LEADERS_KILLED):
        await trio.sleep(UP_SECONDS)
        broker = await trio.to_thread.run_sync(leader, cluster, topic)
        await trio.to_thread.run_sync(broker.kill)
        await trio.sleep(DOWN_SECONDS)
        await trio.to_thread.run_sync(broker.start)


async def test_all_servers_and_clients_converge_whoever_is_killed(tmp_path: Path, chance: random.Random) -> None:
    load = Load(at_random(chance, WIDTH, HEIGHT, COLORS))
    with own_cluster(tmp_path / "cluster", brokers=3) as cluster:
        fleet = Fleet(tmp_path, url_of(cluster, "canvas"))
        clients = [
            StreamClient(fleet.ports[number % SERVERS], Habits(as_json=number == 0), chance)
            for number in range(CLIENTS)
        ]
        with trio.fail_after(LIMIT_SECONDS):
            async with trio.open_nursery() as clients_nursery:
                await _storm(fleet, cluster, load, clients, clients_nursery, chance)
                await _check_converged(fleet, load, clients, url_of(cluster, "canvas"))
                clients_nursery.cancel_scope.cancel()
    assert len(load.acknowledged) > 100
    assert set(load.refused) <= {503}


async def _storm(
    fleet: Fleet,
    cluster: Cluster,
    load: Load,
    clients: list[StreamClient],
    clients_nursery: trio.Nursery,
    chance: random.Random,
) -> None:
    done = trio.Event()
    async with trio.open_nursery() as servers:
        ready = [trio.Event() for _ in fleet.ports]
        for port, event in zip(fleet.ports, ready, strict=True):
            servers.start_soon(fleet.run_and_kill, port, done, chance, event)
        for event in ready:
            await event.wait()
        for client in clients:
            clients_nursery.start_soon(client.run)
        async with trio.open_nursery() as people:
            for _ in range(PEOPLE):
                people.start_soon(fleet.paint, load, chance)
            await _harm_the_leader(cluster, "canvas")
            for killed in fleet.killed.values():
                await killed.wait()
            people.cancel_scope.cancel()
        done.set()


async def _check_converged(fleet: Fleet, load: Load, clients: list[StreamClient], url: str) -> None:
    one, two, three = fleet.ports
    async with fleet.server(one) as server, fleet.server(two), fleet.server(three), connect(one) as connection:
        log = (await get(one, "/info")).json()["log"]
        answer = await place(connection, 0, 0, 1)
        assert answer.status == 200, server.output
        version = answer.json()["v"]
        images = [await served_pixels(port, version) for port in fleet.ports]
        for client in clients:
            await client.wait_for(log, version)
        records = await records_of(url)
    assert images[0] == images[1] == images[2] == painted(records)
    for edit, at in load.acknowledged:
        assert edit in records[at - 1], (edit, at)
    for client in clients:
        assert bytes(client.pixels) == images[0]
        assert client.told.frames


async def test_charges_are_shared_by_all_servers(tmp_path: Path, kafka: Cluster) -> None:
    key = shared_key(tmp_path)
    flags = ("--log", url_of(kafka, "charges"), "--author-key-file", str(key), "--charges", "4")
    seconds = ("--charge-seconds", "600")
    with trio.fail_after(LIMIT_SECONDS):
        async with running(tmp_path / "a", *flags, *seconds) as one, running(tmp_path / "b", *flags, *seconds) as other:
            async with connect(one.port) as connection:
                versions = [(await place(connection, n, 0, 1)).json()["v"] for n in range(4)]
                assert (await place(connection, 5, 0, 1)).status == 429
            await served_pixels(other.port, versions[-1])
            async with connect(other.port) as connection:
                answer = await place(connection, 5, 0, 1)
    assert (answer.status, answer.json()["code"]) == (429, "cooldown")
