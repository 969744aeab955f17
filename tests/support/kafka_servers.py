"""Servers whose log is a topic of a real cluster; and functions that read the topic without a server."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any, Final

import trio
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from placed.backends import LogUnavailable
from placed.backends.kafka.log import KafkaLog, open_kafka_log
from placed.backends.kafka.place import KafkaPlace
from placed.canvas.author import KEY_BYTES
from tests.support.offline_log import ModelCanvas, edits_in
from tests.support.server_process import READY_SECONDS
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from bench.equipment.kafka.cluster import Broker, Cluster
    from tests.support.offline_log import Edit
    from tests.support.server_process import ServerProcess

WIDTH, HEIGHT, COLORS = 64, 48, 16
_AGAIN_SECONDS: Final = 0.5  # a server waits as long between two attempts


def url_of(cluster: Cluster, topic: str) -> str:
    """The URL of the log in a topic of the cluster."""
    return f"kafka://{cluster.addresses()}/{topic}"


def shared_key(folder: Path) -> Path:
    """A file with an author key, for several servers."""
    path = folder / "authors.key"
    path.write_bytes(os.urandom(KEY_BYTES))
    return path


def leader(cluster: Cluster, topic: str) -> Broker:
    """The broker that leads the topic's partition."""
    node = _partition(cluster, topic)["leader_id"]
    return next(broker for broker in cluster.brokers if broker.node == node)


async def all_in_sync(cluster: Cluster, topic: str) -> None:
    """Wait until each broker has all records of the topic, and is in sync again."""

    def in_sync() -> int:
        return len(_partition(cluster, topic)["isr_nodes"])

    with trio.fail_after(PATIENCE_SECONDS):
        while await trio.to_thread.run_sync(in_sync) < len(cluster.brokers):  # noqa: ASYNC110 - only polling tells
            await trio.sleep(_AGAIN_SECONDS)


def _partition(cluster: Cluster, topic: str) -> dict[str, Any]:
    admin = KafkaAdminClient(bootstrap_servers=cluster.addresses().split(","))
    try:
        (described,) = admin.describe_topics([topic])
    finally:
        admin.close()
    partition: dict[str, Any] = described["partitions"][0]
    return partition


@contextlib.asynccontextmanager
async def opened_log(place: KafkaPlace, **how: Any) -> AsyncGenerator[KafkaLog]:
    """Open a log as `open_kafka_log` does, and try again if the brokers don't answer in time, like a server's start:
    an attempt waits 2 s, and a busy machine has taken longer to make a topic.
    """
    until = trio.current_time() + PATIENCE_SECONDS
    async with contextlib.AsyncExitStack() as stack:
        while True:
            try:
                log = await stack.enter_async_context(open_kafka_log(place, **how))
            except LogUnavailable:
                if trio.current_time() > until:
                    raise
                await trio.sleep(_AGAIN_SECONDS)
            else:
                break
        yield log


async def answering(cluster: Cluster, topic: str) -> None:
    """Wait until the brokers answer a new client. Otherwise a slow start of a broker on a busy machine would count as
    the server's own delay.
    """
    with trio.fail_after(PATIENCE_SECONDS):
        while not await trio.to_thread.run_sync(_answers, cluster, topic):
            pass


def _answers(cluster: Cluster, topic: str) -> bool:
    asked = [TopicPartition(topic, 0)]
    try:
        consumer = KafkaConsumer(bootstrap_servers=cluster.addresses().split(","), bootstrap_timeout_ms=2_000)
        try:
            return bool(consumer.end_offsets(asked, timeout_ms=2_000))
        finally:
            consumer.close()
    except KafkaError:
        return False


async def records_of(url: str) -> dict[int, list[Edit]]:
    """The edits of each record, by offset; an empty list for records of another kind."""
    records: dict[int, list[Edit]] = {}
    with trio.fail_after(PATIENCE_SECONDS):
        async with opened_log(KafkaPlace.parse(url)) as log:
            first, end = await log.bounds()
            if first < end:
                async with log.read(first) as batches:
                    async for batch in batches:
                        for offset, value in zip(batch.offsets.tolist(), batch.values, strict=True):
                            records[offset] = edits_in(value)
                        if batch.next_offset >= end:
                            break
    return records


def painted(records: dict[int, list[Edit]]) -> bytes:
    """Make the canvas of the records with a plain loop."""
    model = ModelCanvas(WIDTH, HEIGHT)
    for offset in sorted(records):
        model.paint(records[offset])
    return bytes(model.pixels)


async def logged_url(server: ServerProcess, event: str) -> int:
    """The port in the log line `event` (JSON) of a server that hasn't printed on standard output that it listens."""
    with trio.fail_after(READY_SECONDS):
        while True:
            for line in server.output.splitlines():
                told = json.loads(line)
                if told["event"] == event:
                    return int(told["url"].rpartition(":")[2])
            assert not server.ended, server.output
            await trio.sleep(0.01)  # a file gives no signal when it grows
