"""A compacted topic of Kafka for records with keys, which `placed.backends.keyed` describes; on the log's brokers.

The link, the readers, outages and the one partition are as with a log, `placed.backends.kafka.log`. The topic's
settings are others: the brokers keep the last record of each key, and delete older ones within a day and some hours.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import trio

from placed.backends import LogUnavailable, OutcomeUnknown
from placed.backends.kafka.client import Client
from placed.backends.kafka.log import APPEND_SECONDS, KafkaLog
from placed.backends.kafka.topic import Purpose, prepare_topic
from placed.backends.keyed import KeyedBatch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from placed.backends.kafka.place import KafkaPlace, KafkaSecurity
    from placed.backends.kafka.topic import Topic

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
SEGMENT, TOMBSTONES = "segment.ms", "delete.retention.ms"
_DEFAULT_MS: Final = {SEGMENT: 7 * _DAY_MS, TOMBSTONES: _DAY_MS}  # Kafka's own
_MOST_RECORD_BYTES: Final = 16_384  # of ours; the longest, a report with its picture, takes 10 KB


def _cautions(configs: dict[str, str], _copies: int) -> list[str]:
    told = []
    if int(configs.get("max.message.bytes", 1 << 30)) < _MOST_RECORD_BYTES:
        most = configs["max.message.bytes"]
        told.append(f"its max.message.bytes is {most}; reports, and people with long ids, will be refused")
    if int(configs.get("max.compaction.lag.ms", 1 << 62)) > 7 * _DAY_MS:
        told.append(
            f"its max.compaction.lag.ms is {configs.get('max.compaction.lag.ms', 'not set')}, so that forgotten"
            " records may stay in the brokers' files for long; 86400000 is a day"
        )
    return told


COMPACTED: Final = Purpose(
    what="the people's topic",
    policy="compact",
    why="which doesn't keep the last record of each key",
    configs={
        "cleanup.policy": "compact",
        SEGMENT: str(_HOUR_MS),
        "max.compaction.lag.ms": str(_DAY_MS),
        "min.cleanable.dirty.ratio": "0.1",
        TOMBSTONES: str(7 * _DAY_MS),
        "message.timestamp.type": "LogAppendTime",
    },
    cautions=_cautions,
)


def keyed_batch(records: list[Any]) -> KeyedBatch:
    """A batch of kafka-python's records."""
    return KeyedBatch(
        offsets=np.array([record.offset for record in records], np.int64),
        times_ms=np.array([record.timestamp for record in records], np.int64),
        values=[record.value or b"" for record in records],
        keys=[record.key or b"" for record in records],
    )


class KafkaKeyedTopic(KafkaLog):
    """A `placed.backends.keyed.KeyedTopic`; opened by `open_keyed_topic`."""

    batch_of = staticmethod(keyed_batch)

    def __init__(self, client: Client, topic: Topic) -> None:
        super().__init__(client, topic)
        self.cautions = tuple(f"{client.place.topic}: {caution}" for caution in topic.cautions)
        self.segment_ms = int(topic.configs.get(SEGMENT, _DEFAULT_MS[SEGMENT]))
        self.tombstone_ms = int(topic.configs.get(TOMBSTONES, _DEFAULT_MS[TOMBSTONES]))

    async def put_all(self, records: Sequence[tuple[bytes, bytes | None]]) -> list[int]:
        """See `KeyedTopic`."""
        self._check()
        self._readable.check()
        tickets = []
        try:
            with trio.move_on_after(APPEND_SECONDS):
                for key, value in records:
                    await self._slots.acquire()
                    try:
                        await self._connected()
                        tickets.append(self._send(value, key))
                    except BaseException:
                        self._slots.release()
                        raise
                for ticket in tickets:
                    await ticket.settled.wait()
            offsets = [self._outcome(ticket) for ticket in tickets]
        except LogUnavailable as error:
            if not tickets:
                raise
            raise OutcomeUnknown(str(error)) from error
        if len(offsets) < len(records):
            raise OutcomeUnknown(f"{self._client.place}: not all was acknowledged within {APPEND_SECONDS:g} s")
        return offsets


@contextlib.asynccontextmanager
async def open_keyed_topic(
    place: KafkaPlace, *, security: KafkaSecurity, replication: int | None
) -> AsyncGenerator[KafkaKeyedTopic]:
    """The compacted topic at `place`, made if there is none; closed when the block ends.

    Args:
        place: the brokers and the topic.
        security: how to speak to the brokers.
        replication: copies of a new topic's records; None is the cluster's default.

    Raises:
        LogUnavailable: no broker answers.
        LogRefused: the brokers refuse us.
        LogCorrupt: the topic has several partitions, or isn't compacted.
    """
    client = Client(place, security)
    prepare = partial(prepare_topic, client, replication=replication, purpose=COMPACTED)
    topic = KafkaKeyedTopic(client, await trio.to_thread.run_sync(prepare, abandon_on_cancel=True))
    try:
        await topic.connect()
        yield topic
    finally:
        await topic.close()


def people_place(place: KafkaPlace) -> KafkaPlace:
    """The place of the people's topic for the log at `place`."""
    return attrs.evolve(place, topic=f"{place.topic}-people")
