"""Compressed topics: each codec on a real broker, and the message if a codec is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from kafka import KafkaAdminClient, KafkaProducer
from kafka import codec as kafka_codecs
from kafka.admin import ConfigResource

from placed.backends import Log, LogUndecodable
from placed.backends.kafka.place import KafkaPlace
from tests.backends.logs import LIMIT_SECONDS, WHOLE_SECONDS, append_all, read
from tests.support.kafka_servers import opened_log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.equipment.kafka.cluster import Cluster
    from placed.backends.kafka.log import KafkaLog

pytestmark = pytest.mark.kafka

CODECS = ("gzip", "snappy", "lz4", "zstd")
VALUES = [b"one", b"pixel" * 2_000, b"\0" * Log.max_value_bytes, bytes(range(256)) * 3_900]


@pytest.fixture
def place(kafka: Cluster, request: pytest.FixtureRequest) -> KafkaPlace:
    """A topic that doesn't exist yet."""
    name = "".join(c if c.isalnum() else "-" for c in request.node.name)[:200]
    return KafkaPlace((kafka.addresses(),), name)


@pytest.fixture
def admin(kafka: Cluster) -> Iterator[KafkaAdminClient]:
    """Kafka's own tool, to do what operators do."""
    client = KafkaAdminClient(bootstrap_servers=kafka.addresses())
    yield client
    client.close()


def compress(admin: KafkaAdminClient, place: KafkaPlace, codec: str) -> None:
    """Make the brokers compress all records appended from now on."""
    admin.alter_configs([ConfigResource("TOPIC", place.topic, configs={"compression.type": codec})])


def append_compressed(place: KafkaPlace, codec: str, values: list[bytes]) -> None:
    """Append the values in one batch, as another program that compresses it would."""
    producer = KafkaProducer(
        bootstrap_servers=list(place.brokers), compression_type=codec, linger_ms=500, batch_size=1 << 20
    )
    sent = [producer.send(place.topic, value=value, partition=0) for value in values]
    producer.flush(LIMIT_SECONDS)
    producer.close()
    assert all(one.succeeded() for one in sent)


@pytest.mark.parametrize("codec", CODECS)
async def test_topic_that_brokers_compress_is_read_as_it_was_written(
    place: KafkaPlace, admin: KafkaAdminClient, codec: str
) -> None:
    with trio.fail_after(WHOLE_SECONDS):
        async with opened_log(place) as log:
            await append_all(log, [b"before"])
            await trio.to_thread.run_sync(compress, admin, place, codec)
            await append_all(log, VALUES)
            assert (await read(log, 0, 1 + len(VALUES))).values == [b"before", *VALUES]
        async with opened_log(place) as log:
            assert (await read(log, 0, 1 + len(VALUES))).values == [b"before", *VALUES]


@pytest.mark.parametrize("codec", CODECS)
async def test_batch_that_another_program_has_compressed_is_read(place: KafkaPlace, codec: str) -> None:
    values = [b"%d" % number * 100 for number in range(2_000)]
    with trio.fail_after(WHOLE_SECONDS):
        async with opened_log(place) as log:
            await trio.to_thread.run_sync(append_compressed, place, codec, values)
            assert (await read(log, 0, len(values))).values == values


async def read_until_undecodable(log: KafkaLog, offset: int) -> LogUndecodable:
    """The error that ends a reader that began at `offset`."""
    try:
        async with log.read(offset) as batches:
            async for _ in batches:
                pass
    except LogUndecodable as error:
        return error
    raise AssertionError("a reader ended without an error")


async def test_missing_codec_is_named_keeps_appends_out_and_is_found_again_at_once(
    place: KafkaPlace, admin: KafkaAdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with trio.fail_after(WHOLE_SECONDS):
        async with opened_log(place) as log:
            await append_all(log, [b"before"])
            await trio.to_thread.run_sync(compress, admin, place, "zstd")
            await append_all(log, [b"x" * 1_000])
            with monkeypatch.context() as without:
                without.setattr(kafka_codecs, "zstd", None)
                error = await read_until_undecodable(log, 0)
                assert place.topic in str(error)
                assert "zstd" in str(error)
                assert "placed[kafka]" in str(error)
                with pytest.raises(LogUndecodable, match="zstd"):
                    await log.append(b"nobody would see it")
                # A reader that comes back to the same place gets the error on entering, not after a good start.
                with pytest.raises(LogUndecodable):
                    async with log.read(1):
                        pytest.fail("it can't be read")
                assert log.reachable
            assert (await read(log, 1, 1)).values == [b"x" * 1_000]
            await append_all(log, [b"after"])


@pytest.mark.parametrize("codec", CODECS)
async def test_batch_that_its_codec_refuses_is_told(
    place: KafkaPlace, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_payload: bytes) -> bytes:
        """The error of the codec's own library for bytes that it didn't write."""
        decoded: bytes = decode(b"\x82nothing of the kind" * 4)
        return decoded

    decode = getattr(kafka_codecs, f"{codec}_decode")
    monkeypatch.setattr(f"kafka.record.default_records.{codec}_decode", damaged)
    with trio.fail_after(WHOLE_SECONDS):
        async with opened_log(place) as log:
            await trio.to_thread.run_sync(append_compressed, place, codec, [b"x" * 1_000])
            error = await read_until_undecodable(log, 0)
            assert place.topic in str(error)
            assert "can't be undone" in str(error)


def test_every_codec_that_kafka_has_is_here() -> None:
    assert all(getattr(kafka_codecs, f"has_{codec}")() for codec in CODECS)
