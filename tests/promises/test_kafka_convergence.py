"""Promises 1 to 3 on a cluster: whichever process is killed, all servers and clients end with the topic's canvas."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
import trio

from bench.equipment.free_ports import free_ports
from placed.backends import LogUnavailable
from placed.backends.kafka.place import KafkaPlace
from tests.backends.logs import read
from tests.support.http_connection import connect, get, place
from tests.support.kafka_servers import (
    COLORS,
    HEIGHT,
    WIDTH,
    all_in_sync,
    leader,
    opened_log,
    painted,
    records_of,
    shared_key,
    url_of,
)
from tests.support.own_cluster import mended, own_cluster
from tests.support.painters import Load, at_random
from tests.support.server_process import running
from tests.support.stream_client import Habits, StreamClient, served_pixels

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncGenerator, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from bench.equipment.kafka.cluster import Cluster
    from placed.backends.kafka.log import KafkaLog
    from tests.support.server_process import ServerProcess

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(420)]

LIMIT_SECONDS = 360.0
SERVERS, PEOPLE, CLIENTS = 3, 6, 6
PAUSE_SECONDS = 0.25  # of each painter: they paint all the time; the crowds below make the load
LEADERS_KILLED = 2
LIFE_SECONDS = (3.0, 9.0)  # of a server, before it is killed: longer than a start takes, shorter than the storm
CROWD = 4  # paint together without a pause where something is about to be killed, so that merged edits are under way
CROWD_SECONDS = (0.05, 0.25)
EDITS_BETWEEN = 25  # more than can be under way: that many more edits show that a broker leads
APPEND_PAUSE_SECONDS = 0.01
START_PAUSE_SECONDS = 0.2  # while a broker starts: more edits would take the core that it needs


@pytest.fixture(scope="module")
def own_three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three brokers for the tests here."""
    with own_cluster(tmp_path_factory.mktemp("cluster"), brokers=3) as cluster:
        yield cluster


@pytest.fixture
def three(own_three: Cluster) -> Iterator[Cluster]:
    """Three brokers, which the test may kill."""
    with mended(own_three):
        yield own_three


class Fleet:
    """Servers on their own ports, with one log and one author key.

    Attributes:
        ports: their ports.
        killed: for each server, set once it was killed and has started again.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.ports = free_ports(SERVERS)
        self.killed = {port: trio.Event() for port in self.ports}
        self._folder = folder
        self._flags = ("--log", url, "--author-key-file", str(shared_key(folder)), "--kafka-replication", "3")

    def server(self, port: int) -> AbstractAsyncContextManager[ServerProcess]:
        """Run one of the servers until it is ready."""
        return running(self._folder / str(port), "--port", str(port), *self._flags)

    async def run_and_kill(
        self, port: int, load: Load, done: trio.Event, chance: random.Random, ready: trio.Event
    ) -> None:
        """Run a server, kill -9 it after a while, amid edits, and start it again, until `done`."""
        while not done.is_set():
            async with self.server(port) as server:
                if ready.is_set():
                    self.killed[port].set()
                ready.set()
                with trio.move_on_after(chance.uniform(*LIFE_SECONDS)):
                    await done.wait()
                async with _amid_edits(load, port, chance):
                    await server.kill()

    async def paint(self, load: Load, chance: random.Random) -> None:
        """Paint without end, and switch to another server whenever one is gone."""
        while True:
            await load.paint(chance.choice(self.ports), people=1, pause_seconds=PAUSE_SECONDS)
            await trio.sleep(0.1)  # like a person who tries again


@contextlib.asynccontextmanager
async def _amid_edits(load: Load, port: int, chance: random.Random) -> AsyncGenerator[None]:
    """Let a crowd paint on a server while the block runs, so that the block begins while edits are under way."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(load.paint, port, CROWD)
        await trio.sleep(chance.uniform(*CROWD_SECONDS))
        yield
        nursery.cancel_scope.cancel()


async def _harm_the_leader(fleet: Fleet, cluster: Cluster, topic: str, load: Load, chance: random.Random) -> None:
    """Kill the leading broker again and again, each time until edits flow without it."""
    for _ in range(LEADERS_KILLED):
        await all_in_sync(cluster, topic)
        await load.acknowledge(len(load.acknowledged) + EDITS_BETWEEN)
        broker = await trio.to_thread.run_sync(leader, cluster, topic)
        async with _amid_edits(load, chance.choice(fleet.ports), chance):
            await trio.to_thread.run_sync(broker.kill)
        await load.acknowledge(len(load.acknowledged) + EDITS_BETWEEN)
        await trio.to_thread.run_sync(broker.start)


async def test_all_servers_and_clients_converge_whoever_is_killed(
    three: Cluster, tmp_path: Path, chance: random.Random
) -> None:
    load = Load(at_random(chance, WIDTH, HEIGHT, COLORS))
    url = url_of(three, "canvas")
    fleet = Fleet(tmp_path, url)
    clients = [
        StreamClient(fleet.ports[number % SERVERS], Habits(as_json=number == 0), chance) for number in range(CLIENTS)
    ]
    with trio.fail_after(LIMIT_SECONDS):
        async with trio.open_nursery() as clients_nursery:
            await _storm(fleet, three, load, clients, clients_nursery, chance)
            await _check_converged(fleet, load, clients, url)
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
            servers.start_soon(fleet.run_and_kill, port, load, done, chance, event)
        for event in ready:
            await event.wait()
        for client in clients:
            clients_nursery.start_soon(client.run)
        async with trio.open_nursery() as people:
            for _ in range(PEOPLE):
                people.start_soon(fleet.paint, load, chance)
            await _harm_the_leader(fleet, cluster, "canvas", load, chance)
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


class Appenders:
    """Several tasks that append without end, and know the acknowledged values.

    Attributes:
        acknowledged: the acknowledged values, by offset.
        pause_seconds: pause of each task after each append.
    """

    def __init__(self, log: KafkaLog) -> None:
        self.acknowledged: dict[int, bytes] = {}
        self.pause_seconds = APPEND_PAUSE_SECONDS
        self._log = log
        self._count, self._counted = trio.open_memory_channel[None](1_000_000)

    async def append_for_ever(self, name: int) -> None:
        """Append; after a failure wait until the log is back, as a client would."""
        number = 0
        while True:
            value = b"%d.%d" % (name, number)
            number += 1
            try:
                self.acknowledged[await self._log.append(value)] = value
                self._count.send_nowait(None)
            except LogUnavailable:
                await self._log.wait_until(reachable=True)
            await trio.sleep(self.pause_seconds)

    async def wait_for(self, count: int) -> None:
        """Wait until `count` more were acknowledged."""
        for _ in range(self._counted.statistics().current_buffer_used + count):
            await self._counted.receive()


@pytest.mark.timeout(300)  # on two busy cores the brokers take 45 s to start, and the test 80 s
async def test_log_goes_on_whichever_broker_is_killed(three: Cluster) -> None:
    place = KafkaPlace(tuple(three.addresses().split(",")), "three")
    with trio.fail_after(200):
        async with opened_log(place) as log:
            assert log.cautions == ()
            appenders = Appenders(log)
            async with trio.open_nursery() as nursery:
                for name in range(4):
                    nursery.start_soon(appenders.append_for_ever, name)
                for broker in three.brokers:
                    await appenders.wait_for(50)
                    await trio.to_thread.run_sync(broker.kill)
                    await appenders.wait_for(50)
                    appenders.pause_seconds = START_PAUSE_SECONDS
                    await trio.to_thread.run_sync(broker.start)
                    appenders.pause_seconds = APPEND_PAUSE_SECONDS
                await appenders.wait_for(50)
                nursery.cancel_scope.cancel()
            first, next_ = await log.bounds()
            found = await read(log, first, next_ - first)
    assert appenders.acknowledged.items() <= dict(zip(found.offsets, found.values, strict=True)).items()
    assert len(set(found.values)) == len(found.values)


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
