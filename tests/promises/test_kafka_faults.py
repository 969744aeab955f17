"""Promise 5, with real brokers: what a server does if its log is away, damaged, or another one; docs/operations.md."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import trio
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource

from bench.equipment.kafka.cluster import Cluster, Login
from placed.process.exit_codes import ExitCode
from tests.support.http_connection import connect, get, place
from tests.support.kafka_servers import answering, logged_url, painted, records_of, url_of
from tests.support.offline_log import record_of
from tests.support.own_cluster import mended, own_cluster
from tests.support.server_process import refusal, running, starting
from tests.support.stream_client import EventParser, Habits, StreamClient, served_pixels

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.http_connection import HttpConnection, Response
    from tests.support.server_process import ServerProcess

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

LIMIT_SECONDS = 120.0
BACK_SECONDS = 3.0  # edits must be placed again so soon after a broker answers others, even on a busy machine
AT_ONCE_SECONDS = 1.0
OUTAGE_SECONDS = 30.0
JSON = ("--log-format", "json")


@pytest.fixture(scope="module")
def one_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A broker for all tests here."""
    with own_cluster(tmp_path_factory.mktemp("harmed")) as cluster:
        yield cluster


@pytest.fixture
def harmed(one_broker: Cluster) -> Iterator[Cluster]:
    """One broker, for a test that harms it."""
    with mended(one_broker):
        yield one_broker


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """A topic that doesn't exist yet."""
    return "".join(c if c.isalnum() else "-" for c in request.node.name)[:200]


@pytest.fixture
def admin(harmed: Cluster) -> Iterator[KafkaAdminClient]:
    """Kafka's own tool, to do what operators do."""
    client = KafkaAdminClient(bootstrap_servers=harmed.addresses())
    yield client
    client.close()


def events(server: ServerProcess) -> list[str]:
    """The events that it has logged, in order; its log is JSON."""
    return [json.loads(line)["event"] for line in server.output.splitlines()]


async def ask_until(connection: HttpConnection, status: int) -> Response:
    """Place one edit after the other until an answer has this status."""
    while True:
        answer = await place(connection, 1, 1, 1)
        if answer.status == status:
            return answer
        await trio.sleep(0.02)  # like a person who tries again


async def test_server_waits_for_a_broker_that_is_down_at_its_start(harmed: Cluster, topic: str, tmp_path: Path) -> None:
    (broker,) = harmed.brokers
    await trio.to_thread.run_sync(broker.stop)
    with trio.fail_after(LIMIT_SECONDS):
        async with starting(tmp_path, "--log", url_of(harmed, topic), *JSON) as server:
            port = await logged_url(server, "waiting for the log")
            assert (await get(port, "/healthz")).status == 200
            for method, target in (("GET", "/readyz"), ("GET", "/"), ("POST", "/edit?x=1&y=1&color=1")):
                async with connect(port) as connection:
                    answer = await connection.request(target, method=method)
                assert (answer.status, answer.json()["code"]) == (503, "not-ready")
                assert int(answer.headers["retry-after"]) >= 1
            await trio.to_thread.run_sync(broker.start)
            await server.ready()
            assert server.port == port
            assert (await get(port, "/readyz")).json() == {"ready": True, "version": 1, "lag": 0}
            assert events(server).count("waiting for the log") == 1
            await server.stop()


async def test_server_that_waits_ends_when_asked_to(topic: str, tmp_path: Path) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        async with starting(tmp_path, "--log", f"kafka://127.0.0.1:1/{topic}", *JSON) as server:
            await logged_url(server, "waiting for the log")
            await server.stop()


async def test_server_told_not_to_wait_ends_with_one_line(topic: str, tmp_path: Path) -> None:
    flags = ("--log", f"kafka://127.0.0.1:1/{topic}", "--exit-if-unreachable")
    with trio.fail_after(LIMIT_SECONDS):
        code, output = await refusal(tmp_path, *flags)
    assert code == ExitCode.UNUSABLE
    assert len(output.splitlines()) == 1
    assert f"kafka://127.0.0.1:1/{topic}" in output


async def test_broker_stopped_under_load(harmed: Cluster, topic: str, tmp_path: Path, chance: random.Random) -> None:
    (broker,) = harmed.brokers
    with trio.fail_after(LIMIT_SECONDS):
        async with running(tmp_path, "--log", url_of(harmed, topic), *JSON) as server, trio.open_nursery() as nursery:
            client = StreamClient(server.port, Habits(), chance)
            nursery.start_soon(client.run)
            async with connect(server.port) as connection, connect(server.port) as stream:
                await ask_until(connection, 200)
                await stream.send("/edits?v=1")
                assert (await stream.head()).status == 200
                await trio.to_thread.run_sync(broker.stop)
                await ask_until(connection, 503)
                # A refused append may be the first to notice the outage. The next append then waits at most 2 s for a
                # new producer, until it is known that none can be had.
                await server.writes("the log can't be read")
                told = await _refused_at_once(connection, stream)
                assert told >= 3  # at the stream's beginning, when edits were refused, and by heartbeats
                assert (await get(server.port, "/readyz")).status == 503
                assert (await get(server.port, "/canvas.png")).status == 200
                await trio.to_thread.run_sync(broker.start)
                await answering(harmed, topic)
                with trio.fail_after(BACK_SECONDS):
                    answer = await ask_until(connection, 200)
                    await client.wait_past(answer.json()["v"])
                assert client.told.cuts == 0
                assert client.told.images == 1
                assert bytes(client.pixels) == await served_pixels(server.port, client.version)
            metrics = (await get(server.port, "/metrics")).body.decode()
            assert "placed_log_reconnects_total 1.0" in metrics
            assert "placed_log_lag 0.0" in metrics
            assert "placed_append_errors_total" in metrics
            nursery.cancel_scope.cancel()
            said = events(server)
        assert painted(await records_of(url_of(harmed, topic))) == bytes(client.pixels)
    for once in ("the log can't be read", "the log can be read again", "edits can't be appended to the log"):
        assert said.count(once) == 1, said


async def _refused_at_once(connection: HttpConnection, stream: HttpConnection) -> int:
    """Place edits during the outage, each refused at once; return how often the stream sent its status."""
    told = 0

    async def count() -> None:
        nonlocal told
        while True:
            data = await stream.data()
            assert data is not None, "the stream has ended"
            told += data.count(b"event: status")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(count)
        until = trio.current_time() + OUTAGE_SECONDS
        while trio.current_time() < until:
            with trio.fail_after(AT_ONCE_SECONDS):
                answer = await place(connection, 2, 2, 2)
            assert answer.status == 503
            assert int(answer.headers["retry-after"]) >= 1
            await trio.sleep(0.2)  # a patient crowd
        nursery.cancel_scope.cancel()
    return told


async def test_broker_that_hangs_costs_seconds_and_no_memory(harmed: Cluster, topic: str, tmp_path: Path) -> None:
    (broker,) = harmed.brokers
    waits: list[float] = []

    async def insist(port: int) -> None:
        async with connect(port) as connection:
            while True:
                began = time.monotonic()
                answer = await place(connection, 3, 3, 3)
                waits.append(time.monotonic() - began)
                assert answer.status == 503, answer
                await trio.sleep(0.25)  # a patient crowd

    with trio.fail_after(LIMIT_SECONDS):
        async with running(tmp_path, "--log", url_of(harmed, topic)) as server, connect(server.port) as connection:
            await ask_until(connection, 200)
            broker.halt()
            try:
                before = server.resident_bytes()
                with trio.move_on_after(15):
                    async with trio.open_nursery() as nursery:
                        for _ in range(50):
                            nursery.start_soon(insist, server.port)
                grown = server.resident_bytes() - before
            finally:
                broker.resume()
            await answering(harmed, topic)
            with trio.fail_after(BACK_SECONDS):
                await ask_until(connection, 200)
    assert max(waits) < 6
    assert len(waits) > 500, "most are refused at once"
    assert grown < 20_000_000


async def test_topic_deleted_and_made_anew_is_another_log(
    harmed: Cluster, admin: KafkaAdminClient, topic: str, tmp_path: Path
) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        async with running(tmp_path, "--log", url_of(harmed, topic)) as server, connect(server.port) as connection:
            await ask_until(connection, 200)
            before = (await get(server.port, "/info")).json()
            await trio.to_thread.run_sync(admin.delete_topics, [topic])
            await ask_until(connection, 503)
            async with connect(server.port) as stream:
                await stream.send(f"/edits?v={before['version']}&log={before['log']}")
                assert (await stream.head()).status == 200
            await trio.to_thread.run_sync(_make_topic, admin, topic)
            await server.writes("starting again")
            await server.ready()  # on a port that the system chose again
            after = (await get(server.port, "/info")).json()
            assert after["log"] != before["log"]
            assert after["version"] == 1
            async with connect(server.port) as stream:
                await stream.send(f"/edits?v={before['version']}&log={before['log']}")
                assert (await stream.head()).status == 200
                parser, told = EventParser(), list[Any]()
                while not told:
                    data = await stream.data()
                    assert data is not None
                    told += parser.feed(data)
            assert told[0].kind == "reload"


def _make_topic(admin: KafkaAdminClient, topic: str, partitions: int = 1) -> None:
    admin.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1, "configs": {}}})
    admin.wait_for_topics([topic])


async def _painted_with_snapshot(harmed: Cluster, topic: str, data: Path, edits: int = 20) -> bytes:
    """A server's canvas after some edits; it has stopped, and left its snapshot."""
    async with running(data, "--log", url_of(harmed, topic)) as server, connect(server.port) as connection:
        for number in range(edits):
            answer = await place(connection, number, number, 5)
        pixels = await served_pixels(server.port, answer.json()["v"])
        await server.stop()
    return pixels


async def test_log_that_lost_its_beginning(
    harmed: Cluster, admin: KafkaAdminClient, topic: str, tmp_path: Path
) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        pixels = await _painted_with_snapshot(harmed, topic, tmp_path / "with")
        await trio.to_thread.run_sync(admin.delete_records, {TopicPartition(topic, 0): 10})
        async with running(tmp_path / "with", "--log", url_of(harmed, topic)) as server:
            assert await served_pixels(server.port, 21) == pixels
            async with connect(server.port) as connection:
                assert (await ask_until(connection, 200)).json() == {"v": 22}
        code, output = await refusal(tmp_path / "without", "--log", url_of(harmed, topic))
    assert code == ExitCode.UNUSABLE
    assert "begins at offset 10: its beginning is gone" in output
    assert "Restore a data folder" in output


async def test_snapshot_from_the_future_of_the_log_is_not_used(
    harmed: Cluster, admin: KafkaAdminClient, topic: str, tmp_path: Path
) -> None:
    """As after an unclean election: the topic is the same, but shorter than the applied records."""
    with trio.fail_after(LIMIT_SECONDS):
        await _painted_with_snapshot(harmed, topic, tmp_path / "ahead")
        await trio.to_thread.run_sync(admin.delete_topics, [topic])
        await trio.to_thread.run_sync(_make_topic, admin, topic)
        async with running(tmp_path / "ahead", "--log", url_of(harmed, topic)) as server:
            assert "the snapshot can't be used; the canvas is rebuilt from the log" in server.output
            assert (await served_pixels(server.port, 1)).count(0) == 64 * 48


async def test_topic_of_two_partitions_is_refused(
    harmed: Cluster, admin: KafkaAdminClient, topic: str, tmp_path: Path
) -> None:
    await trio.to_thread.run_sync(_make_topic, admin, topic, 2)
    with trio.fail_after(LIMIT_SECONDS):
        code, output = await refusal(tmp_path, "--log", url_of(harmed, topic))
    assert code == ExitCode.UNUSABLE
    assert "the topic has 2 partitions, and a log has 1" in output


async def test_foreign_records_and_transactions_change_nothing(harmed: Cluster, topic: str, tmp_path: Path) -> None:
    """All servers skip other programs' records alike, and log each kind once; a log with a gap at its end starts."""

    def write_foreign() -> None:
        producer = KafkaProducer(bootstrap_servers=harmed.addresses(), transactional_id=f"{topic}-t")
        producer.init_transactions()
        producer.begin_transaction()
        kinds = (b"", b"not ours", b"\x01\x09\x00", record_of([(60_000, 1, 1)]))
        for value in (*kinds, *kinds, record_of([(9, 9, 9)])):
            producer.send(topic, value=value, partition=0)
        producer.commit_transaction()
        producer.close()

    url = url_of(harmed, topic)
    with trio.fail_after(LIMIT_SECONDS):
        async with running(tmp_path / "one", "--log", url) as one, connect(one.port) as connection:
            await ask_until(connection, 200)
            await trio.to_thread.run_sync(write_foreign)
            async with running(tmp_path / "two", "--log", url) as two:
                version = (await ask_until(connection, 200)).json()["v"]
                pixels = [await served_pixels(server.port, version) for server in (one, two)]
                assert two.output.count("a record was not understood") == 4
            assert one.output.count("a record was not understood") == 4
    assert pixels[0] == pixels[1] == painted({0: [(1, 1, 1), (9, 9, 9)]})


async def test_codec_that_is_missing_ends_a_start_and_has_a_running_server_refuse_edits(
    harmed: Cluster, topic: str, admin: KafkaAdminClient, tmp_path: Path
) -> None:
    (tmp_path / "zstandard.py").write_text("raise ImportError")
    without_zstd = ("env", f"PYTHONPATH={tmp_path}")
    flags = ("--log", url_of(harmed, topic), *JSON)
    config = ConfigResource("TOPIC", topic, configs={"compression.type": "zstd"})
    with trio.fail_after(LIMIT_SECONDS):
        async with running(tmp_path / "a", *flags, prefix=without_zstd) as server, connect(server.port) as connection:
            await ask_until(connection, 200)
            await trio.to_thread.run_sync(admin.alter_configs, [config])
            answer = await ask_until(connection, 503)  # the edits before it are in the log
            assert answer.json()["code"] == "log-unavailable"
            assert "zstd" in answer.json()["detail"]
            for _ in range(20):  # it stays so, for as many attempts to read on
                assert (await place(connection, 1, 1, 1)).status == 503
                assert (await get(server.port, "/readyz")).status == 503
                await trio.sleep(0.1)
            assert (await get(server.port, "/canvas.png")).status == 200
            await server.stop()
            told = [line for line in server.output.splitlines() if "zstd" in line and "can't be read" in line]
            assert (len(told), topic in told[0]) == (1, True), server.output
            assert "the log can be read again" not in events(server)
        code, output = await refusal(tmp_path / "b", *flags, prefix=without_zstd)
        assert code == ExitCode.UNUSABLE
        (line,) = output.splitlines()
        assert topic in line
        assert "zstd" in line
        async with running(tmp_path / "a", *flags) as server, connect(server.port) as connection:
            await ask_until(connection, 200)


async def test_authentication_refused_is_one_line_without_the_password(
    tmp_path: Path,
) -> None:
    (tmp_path / "password").write_text("wr0ng-password\n")
    (tmp_path / "right").write_text("s3same-open\n")
    with (
        own_cluster(tmp_path / "cluster", login=Login("anna", "s3same-open")) as cluster,
        trio.fail_after(LIMIT_SECONDS),
    ):
        log = f"kafka://{cluster.addresses('sasl_plaintext')}/place"
        flags = ("--log", log, "--kafka-protocol", "sasl_plaintext", "--kafka-user", "anna", "--log-level", "debug")
        code, output = await refusal(tmp_path / "a", *flags, "--kafka-password-file", str(tmp_path / "password"))
        assert code == ExitCode.UNUSABLE
        assert "the broker refuses user, password or mechanism" in output
        async with running(tmp_path / "b", *flags, "--kafka-password-file", str(tmp_path / "right")) as server:
            async with connect(server.port) as connection:
                await ask_until(connection, 200)
            assert "s3same-open" not in server.output
    assert "wr0ng-password" not in output
