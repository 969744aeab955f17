"""Fills a new topic with the records of another log, which keep their times.

    topic      made, or empty --> takes our times --filled, each offset checked--> takes its own --> a log as any

A topic dates records itself (message.timestamp.type=LogAppendTime); while it is filled, it takes the records' own times
(CreateTime). Nobody but the copy may write meanwhile: a record whose offset isn't the next one is an error. If the copy
fails, a topic that it made is deleted.

Thread: kafka-python blocks, so all its calls run in worker threads, one after the other.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import trio
from kafka import KafkaProducer
from kafka import errors as kafka_errors

from placed.backends import LogCorrupt, LogError
from placed.backends.kafka.client import Client
from placed.backends.kafka.topic import AppendTime, date_records_by, delete_topic, prepare_empty_topic

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from placed.backends.kafka.place import KafkaPlace, KafkaSecurity

_BATCH_BYTES: Final = 512 << 10  # by default a topic takes 1 MB at once
_IN_FLIGHT_BYTES: Final = 8 << 20  # kafka-python has no bound of its own
_ACKNOWLEDGE_SECONDS: Final = 30.0  # for `_IN_FLIGHT_BYTES`; a broker that is away longer ends the copy
_CLOSE_SECONDS: Final = 5.0


class KafkaFilling:
    """A topic that the copy fills; made by `fill_kafka_log`.

    Attributes:
        next: the topic's next offset.
    """

    def __init__(self, client: Client, producer: KafkaProducer) -> None:
        self._client = client
        self._producer = producer
        self.next = 0

    async def extend(self, times_ms: NDArray[np.int64], values: Sequence[bytes]) -> NDArray[np.int64]:
        """Append records, durably, and return their times in the topic.

        Args:
            times_ms: the records' times, int64, shape (n,), each from 0 on.
            values: n values.

        Raises:
            LogError: the records can't be written, or somebody else writes too.
        """
        begin, times = 0, times_ms.tolist()
        while begin < len(values):
            end, size_bytes = begin, 0
            while end < len(values) and (end == begin or size_bytes + len(values[end]) <= _IN_FLIGHT_BYTES):
                size_bytes += len(values[end])
                end += 1
            await trio.to_thread.run_sync(self._send, times[begin:end], values[begin:end])
            begin = end
        return times_ms

    def _send(self, times: list[int], values: Sequence[bytes]) -> None:
        topic, partition = self._client.partition
        with self._client.errors():
            futures = [
                self._producer.send(topic, value=value, partition=partition, timestamp_ms=time)
                for time, value in zip(times, values, strict=True)
            ]
            self._producer.flush(timeout=_ACKNOWLEDGE_SECONDS)
            for future in futures:
                offset = future.get(timeout=_ACKNOWLEDGE_SECONDS).offset
                if offset != self.next:
                    raise LogCorrupt(
                        f"{self._client.place}: a record is at offset {offset}, not at {self.next}: somebody else"
                        " writes to the topic. Copy to another one"
                    )
                self.next += 1


@contextlib.asynccontextmanager
async def fill_kafka_log(
    place: KafkaPlace, *, security: KafkaSecurity, replication: int | None
) -> AsyncGenerator[KafkaFilling]:
    """An empty topic to fill, made if there is none; it dates records itself once the block ends without an error.

    Args:
        place: the brokers and the topic.
        security: how to speak to the brokers.
        replication: copies of a new topic's records; None is the cluster's default.

    Raises:
        LogCorrupt: the topic has records, or can't be a log.
        LogError: the brokers don't answer, or refuse us.
    """
    client = Client(place, security)
    is_new = await trio.to_thread.run_sync(lambda: prepare_empty_topic(client, replication=replication))
    try:
        producer = await trio.to_thread.run_sync(_producer, client)
        try:
            yield KafkaFilling(client, producer)
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 2 * _CLOSE_SECONDS):
                await trio.to_thread.run_sync(_close, producer)
        await trio.to_thread.run_sync(date_records_by, client, AppendTime.LOG)
    except BaseException:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _ACKNOWLEDGE_SECONDS):
            await trio.to_thread.run_sync(_give_up, client, is_new)
        raise


def _producer(client: Client) -> KafkaProducer:
    with client.errors():
        return KafkaProducer(
            **client.config,
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            linger_ms=5,  # gathers the records that `extend` sends at once
            batch_size=_BATCH_BYTES,
            metrics_enabled=False,
        )


def _close(producer: KafkaProducer) -> None:
    with contextlib.suppress(kafka_errors.KafkaError):
        producer.close(timeout=_CLOSE_SECONDS)


def _give_up(client: Client, is_new: bool) -> None:
    """Delete the topic if this copy made it; else have it date records itself again."""
    with contextlib.suppress(LogError):
        if is_new:
            delete_topic(client)
        else:
            date_records_by(client, AppendTime.LOG)
