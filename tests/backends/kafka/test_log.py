"""What the Kafka log adds to the contract: it makes and checks its topic, skips foreign records, and logs in."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource
from kafka.errors import UnknownTopicOrPartitionError

from bench.equipment.kafka.cluster import Certificate, Cluster, Login
from placed.backends import LogCorrupt, LogError, LogRefused, LogReplaced, LogUnavailable, OffsetOutOfRange
from placed.backends.kafka.log import open_kafka_log
from placed.backends.kafka.mends import mend_library
from placed.backends.kafka.place import KafkaPlace, KafkaSecurity
from tests.backends.logs import LIMIT_SECONDS, WHOLE_SECONDS, append_all, read
from tests.support.kafka_servers import opened_log
from tests.support.own_cluster import own_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.kafka


@pytest.fixture
def place(kafka: Cluster, request: pytest.FixtureRequest) -> KafkaPlace:
    """A topic that doesn't exist yet."""
    return KafkaPlace((kafka.addresses(),), "".join(c if c.isalnum() else "-" for c in request.node.name)[:200])


@pytest.fixture(scope="module")
def admin(kafka: Cluster) -> Iterator[KafkaAdminClient]:
    """Kafka's own tool, to do what operators do."""
    client = KafkaAdminClient(bootstrap_servers=kafka.addresses())
    yield client
    client.close()


def make_topic(admin: KafkaAdminClient, topic: str, partitions: int = 1, **configs: str) -> None:
    """Make a topic without placed; `_` stands for `.` in the configs' names."""
    dotted = {name.replace("_", "."): value for name, value in configs.items()}
    admin.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1, "configs": dotted}})
    admin.wait_for_topics([topic])


def configs_of(admin: KafkaAdminClient, topic: str) -> dict[str, str]:
    """A topic's configs."""
    found: dict[str, Any] = admin.describe_configs([ConfigResource("TOPIC", topic)], config_filter="all")
    return {name: config["value"] for name, config in found["topic"][topic].items()}


async def test_a_missing_topic_is_made_so_that_it_keeps_everything(place: KafkaPlace, admin: KafkaAdminClient) -> None:
    async with opened_log(place, replication=1) as log:
        assert log.cautions == ()
        (described,) = admin.describe_topics([place.topic])
        assert described["topic_id"].replace("-", "") == log.id
    assert len(described["partitions"]) == 1
    configs = configs_of(admin, place.topic)
    wanted = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
    assert wanted.items() <= configs.items()
    assert configs["message.timestamp.type"] == "LogAppendTime"


async def test_settings_of_a_topic_that_the_broker_does_not_know_are_an_error(
    place: KafkaPlace, admin: KafkaAdminClient
) -> None:
    """As with a topic just made elsewhere: kafka-python said that it has no settings, and so a start failed."""
    mend_library()
    with pytest.raises(UnknownTopicOrPartitionError):
        await trio.to_thread.run_sync(configs_of, admin, place.topic)


async def test_servers_that_make_the_topic_at_once_have_the_same_log(place: KafkaPlace) -> None:
    ids = []

    async def open_one() -> None:
        async with open_kafka_log(place) as log:  # each with its first attempt
            ids.append(log.id)

    with trio.fail_after(LIMIT_SECONDS):
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(open_one)
    assert len(ids) == 4
    assert len(set(ids)) == 1


async def test_more_copies_than_brokers_are_refused(place: KafkaPlace) -> None:
    with pytest.raises(LogUnavailable, match="too few brokers for 3 copies"):
        async with open_kafka_log(place, replication=3):
            pass


async def test_a_topic_of_two_partitions_is_refused(place: KafkaPlace, admin: KafkaAdminClient) -> None:
    make_topic(admin, place.topic, partitions=2)
    with pytest.raises(LogCorrupt, match="2 partitions, and a log has 1"):
        async with open_kafka_log(place):
            pass


async def test_a_compacted_topic_is_refused(place: KafkaPlace, admin: KafkaAdminClient) -> None:
    make_topic(admin, place.topic, cleanup_policy="compact,delete")
    with pytest.raises(LogCorrupt, match=r"cleanup\.policy is 'compact,delete'"):
        async with open_kafka_log(place):
            pass


async def test_settings_that_an_operator_may_regret_are_told(place: KafkaPlace, admin: KafkaAdminClient) -> None:
    make_topic(admin, place.topic, retention_ms="86400000", max_message_bytes="20000")
    async with opened_log(place) as log:
        assert [caution.split()[1] for caution in log.cautions] == [
            "retention.ms", "message.timestamp.type", "max.message.bytes",
        ]  # fmt: skip


async def test_a_record_that_the_broker_finds_too_long_is_refused(place: KafkaPlace, admin: KafkaAdminClient) -> None:
    make_topic(admin, place.topic, max_message_bytes="20000")
    async with opened_log(place) as log:
        with trio.fail_after(LIMIT_SECONDS):
            with pytest.raises(LogUnavailable, match=r"raise the topic's max\.message\.bytes") as raised:
                await log.append(bytes(30_000))
            assert type(raised.value) is LogUnavailable
            assert await log.append(b"short") == 0


async def test_records_that_retention_removed_are_out_of_range(place: KafkaPlace, admin: KafkaAdminClient) -> None:
    async with opened_log(place) as log:
        await append_all(log, [b"%d" % number for number in range(10)])
        admin.delete_records({TopicPartition(place.topic, 0): 6})
        assert await log.bounds() == (6, 10)
        with pytest.raises(OffsetOutOfRange) as raised:
            async with log.read(5):
                pass
        assert (raised.value.first, raised.value.next) == (6, 10)
        assert (await read(log, 6, 4)).values == [b"6", b"7", b"8", b"9"]


async def test_foreign_records_and_gaps_are_passed_over(kafka: Cluster, place: KafkaPlace) -> None:
    async with opened_log(place) as log:
        await append_all(log, [b"ours"])
        foreign = KafkaProducer(bootstrap_servers=kafka.addresses(), transactional_id=place.topic)
        foreign.init_transactions()
        for kept in (True, False):
            foreign.begin_transaction()
            foreign.send(place.topic, key=b"key", value=b"theirs", headers=[("name", b"value")])
            foreign.send(place.topic, key=b"key alone")
            foreign.flush()
            if kept:
                foreign.commit_transaction()
            else:
                foreign.abort_transaction()
        foreign.close()
        # The broker writes each end of a transaction some time later; it takes an offset that no reader sees.
        with trio.fail_after(LIMIT_SECONDS):
            while (await log.bounds())[1] < 7:  # noqa: ASYNC110
                await trio.sleep(0.02)  # there is no signal for it
        assert await log.append(b"ours again") == 7
        found = await read(log, 0, 6)
    assert found.offsets == [0, 1, 2, 4, 5, 7]
    assert found.values == [b"ours", b"theirs", b"", b"theirs", b"", b"ours again"]


async def test_a_topic_made_anew_is_another_log(place: KafkaPlace, admin: KafkaAdminClient) -> None:
    with trio.fail_after(WHOLE_SECONDS):
        async with opened_log(place) as log:
            await append_all(log, [b"old"])
            async with log.read(1) as batches:
                admin.delete_topics([place.topic])
                with pytest.raises(LogUnavailable):
                    await batches.receive()
            await log.wait_until(reachable=False)
            with pytest.raises(LogUnavailable, match="the topic is gone"):
                await log.bounds()
            make_topic(admin, place.topic)
            await log.wait_until_replaced()
            for refused in (log.append(b"new"), log.bounds()):
                with pytest.raises(LogReplaced, match="deleted and made anew"):
                    await refused
            with pytest.raises(LogReplaced):
                async with log.read(0):
                    pass
        async with opened_log(place) as other:
            assert other.id != log.id
            assert await other.bounds() == (0, 0)


async def test_no_thread_is_left_after_close_and_after_a_failed_opening(place: KafkaPlace) -> None:
    async with opened_log(place) as log, log.read(0):
        assert kafka_threads()
    assert not kafka_threads()
    nobody = KafkaPlace(("127.0.0.1:1",), place.topic)
    with trio.fail_after(LIMIT_SECONDS), pytest.raises(LogUnavailable, match=r"kafka://127\.0\.0\.1:1/"):
        async with open_kafka_log(nobody):
            pass
    assert not kafka_threads()


def kafka_threads() -> list[str]:
    """The threads of a Kafka log, including those of its clients."""
    return [thread.name for thread in threading.enumerate() if "placed" in thread.name]


async def test_reading_is_cancelled_within_a_second(place: KafkaPlace) -> None:
    async with opened_log(place) as log:
        begun = trio.current_time()
        with trio.move_on_after(0.2) as scope:
            async with log.read(0) as batches:
                await batches.receive()
        assert scope.cancelled_caught
        assert trio.current_time() - begun < 1.2
        assert not [name for name in kafka_threads() if "reader" in name]


async def test_a_slow_reader_is_waited_for(place: KafkaPlace) -> None:
    async with opened_log(place) as log:
        values = [bytes([number]) * 500_000 for number in range(40)]
        await append_all(log, values)
        async with log.read(0) as batches:
            first = await batches.receive()
            await trio.testing.wait_all_tasks_blocked(0.5)
            # The fetched data is never more than some answers of the broker, however many records there are.
            assert len(first.values) * 500_000 <= 8 << 20
        assert (await read(log, 0, 40)).values == values


def test_the_password_is_not_shown() -> None:
    security = KafkaSecurity(protocol="sasl_plaintext", user="alice", password="sesame")
    assert "sesame" not in f"{security!r} {security}"
    assert security.config()["sasl_plain_password"] == "sesame"


@pytest.mark.parametrize("error", [LogRefused, LogReplaced])
def test_the_errors_are_in_the_tree(error: type[Exception]) -> None:
    assert issubclass(error, LogError)


PASSWORD = "s3same-0pen"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Path]]:
    """A broker that only lets clients in with a password or over TLS, and its authority's certificate."""
    folder = tmp_path_factory.mktemp("guarded")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued = authority.issue_cert("127.0.0.1")
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # Java can't read any other form
    (folder / "broker.pem").write_bytes(pem + b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    certificate = Certificate(folder / "broker.pem", folder / "ca.pem")
    with own_cluster(folder / "broker", login=Login("anna", PASSWORD), certificate=certificate) as cluster:
        yield cluster, folder / "ca.pem"


def place_over(cluster: Cluster, protocol: str) -> KafkaPlace:
    """A topic over one of the listeners."""
    return KafkaPlace((cluster.addresses(protocol),), "guarded")


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["sasl_plaintext", "sasl_ssl"])
async def test_a_user_is_let_in_with_the_right_password_only(
    guarded: tuple[Cluster, Path], protocol: str, mechanism: str
) -> None:
    cluster, ca = guarded
    trusting = ca if protocol.endswith("ssl") else None
    right = KafkaSecurity(protocol=protocol, ca=trusting, mechanism=mechanism, user="anna", password=PASSWORD)
    place = place_over(cluster, protocol)
    async with opened_log(place, security=right) as log:
        with trio.fail_after(LIMIT_SECONDS):
            offset = await log.append(b"let in")
        assert (await read(log, offset, 1)).values == [b"let in"]
    wrong = KafkaSecurity(protocol=protocol, ca=trusting, mechanism=mechanism, user="anna", password="wr0ng-password")
    with trio.fail_after(LIMIT_SECONDS), pytest.raises(LogRefused, match="refuses user, password or mechanism") as told:
        async with open_kafka_log(place, security=wrong):
            pass
    assert "wr0ng" not in f"{told.value!r} {wrong!r}"
    assert not kafka_threads()


async def test_tls_alone_is_enough_where_the_broker_says_so(guarded: tuple[Cluster, Path]) -> None:
    cluster, ca = guarded
    with trio.fail_after(LIMIT_SECONDS):
        async with opened_log(place_over(cluster, "ssl"), security=KafkaSecurity(protocol="ssl", ca=ca)) as log:
            await log.append(b"over TLS")


async def test_a_broker_whose_certificate_is_not_trusted_is_refused(guarded: tuple[Cluster, Path]) -> None:
    with (
        trio.fail_after(LIMIT_SECONDS),
        pytest.raises(LogRefused, match=r"TLS with the broker .*CERTIFICATE"),
    ):
        async with open_kafka_log(place_over(guarded[0], "ssl"), security=KafkaSecurity(protocol="ssl")):
            pass


async def test_a_certificate_file_that_is_none_is_refused_at_once(
    guarded: tuple[Cluster, Path], tmp_path: Path
) -> None:
    (tmp_path / "no.pem").write_text("not a certificate")
    for ca in (tmp_path / "missing.pem", tmp_path / "no.pem"):
        with trio.fail_after(1), pytest.raises(LogRefused, match=rf"the certificates {ca} can't be used"):
            async with open_kafka_log(place_over(guarded[0], "ssl"), security=KafkaSecurity(protocol="ssl", ca=ca)):
                pass
