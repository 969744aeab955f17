"""Opens a topic: creates it if it is missing, and checks that its settings suit its purpose (`Purpose`).

A topic has one partition, since offsets count within one. A log's topic is created with retention.ms=-1 and
cleanup.policy=delete, so that it keeps every record, and with message.timestamp.type=LogAppendTime, so that a record's
time is the log's own. With 3 copies or more it also has min.insync.replicas=2, so that an acknowledged record is on two
brokers. Knows nothing of Trio.
"""

from __future__ import annotations

import hashlib
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import attrs
from kafka import errors as kafka_errors
from kafka.admin import ConfigResource

from placed.backends import Log, LogCorrupt, LogUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kafka import KafkaAdminClient

    from placed.backends.kafka.client import Client


@attrs.frozen
class Purpose:
    """The purpose of a topic: a log, or the people's records.

    Attributes:
        what: the purpose's name, for messages.
        policy: the cleanup.policy that the topic needs.
        why: what is wrong with another policy, as a clause to follow a comma.
        configs: the settings of a new topic.
        cautions: makes sentences for the operator from an existing topic's settings and number of copies.
    """

    what: str
    policy: str
    why: str
    configs: Mapping[str, str]
    cautions: Callable[[dict[str, str], int], list[str]]


CONFIGS: Final = MappingProxyType(
    {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "message.timestamp.type": "LogAppendTime",
    }
)


class AppendTime(Enum):
    """Who dates a topic's records."""

    LOG = "LogAppendTime"  # the brokers, when they append a record
    WRITER = "CreateTime"  # the sender of a record


DATED_BY: Final = "message.timestamp.type"
VISIBLE_SECONDS: Final = 5.0  # for a new topic to get a leader; a loaded cluster takes a second
_RECORD_OVERHEAD_BYTES: Final = 200  # a batch's header is 61 bytes, a record's at most 21
_CLUSTER_DEFAULT: Final = -1


@attrs.frozen
class Topic:
    """A topic that has passed the checks.

    Attributes:
        log_id: 32 hex digits: the topic's id. Brokers before 2.8 have no topic ids: there it is a hash of the cluster's
            id and the topic's name, and nobody notices a topic made anew.
        topic_id: the topic's id; None from such brokers.
        cautions: settings that an operator should know of, as sentences.
        configs: the topic's settings.
    """

    log_id: str
    topic_id: str | None
    cautions: tuple[str, ...]
    configs: Mapping[str, str]


def prepare_topic(
    client: Client, *, replication: int | None, create: bool = True, purpose: Purpose | None = None
) -> Topic:
    """Make the topic if there is none, and check it.

    Args:
        client: this log's client.
        replication: copies of a new topic's records; None is the cluster's default.
        create: whether to make a missing topic; if not, it is an error.
        purpose: the topic's purpose; None is a log.

    Raises:
        LogUnavailable: no broker answers, or the topic isn't there, or can't be made just now.
        LogRefused: the brokers refuse us.
        LogCorrupt: the topic doesn't suit its purpose: it has more than one partition, or another cleanup.policy.
    """
    purpose = purpose or LOG
    with client.admin() as admin:
        found = _describe(admin, client)
        if found is None and not create:
            raise LogUnavailable(f"{client.place}: there is no such topic")
        if found is None:
            _create(admin, client, replication, dict(purpose.configs))
            found = _describe(admin, client)
            if found is None:
                raise LogUnavailable(f"{client.place}: the topic was made, and is gone")
        _check_partitions(found, client)
        configs = _check_configs(admin, client, purpose)
        cautions = tuple(purpose.cautions(configs, len(found["partitions"][0]["replica_nodes"])))
        if found["topic_id"] is not None:
            topic_id = str(found["topic_id"]).replace("-", "")
            return Topic(topic_id, topic_id, cautions, configs)
        cluster_id = admin.describe_cluster()["cluster_id"]
        log_id = hashlib.sha256(f"{cluster_id}/{client.place.topic}".encode()).hexdigest()[:32]
        return Topic(log_id, None, cautions, configs)


def _describe(admin: KafkaAdminClient, client: Client) -> dict[str, Any] | None:
    (found,) = admin.describe_topics([client.place.topic])
    error = kafka_errors.for_code(found["error_code"])
    if error is kafka_errors.UnknownTopicOrPartitionError:
        return None
    if error is not kafka_errors.NoError:
        raise error(client.place.topic)
    answer: dict[str, Any] = found
    return answer


def prepare_empty_topic(client: Client, *, replication: int | None) -> bool:
    """Make the topic if there is none, and have it keep the times that the sender gives to records.

    Args:
        client: this log's client.
        replication: copies of a new topic's records; None is the cluster's default.

    Returns:
        Whether the topic was made.

    Raises:
        LogError: as `prepare_topic`; LogCorrupt also if the topic has records, or had some.
    """
    with client.admin() as admin:
        found = _describe(admin, client)
        if found is None:
            _create(admin, client, replication, {**CONFIGS, DATED_BY: AppendTime.WRITER.value})
            return True
        _check_partitions(found, client)
        _check_configs(admin, client, LOG)
    with client.consumer() as consumer:
        bounds = consumer.bounds()
    if bounds.next:
        raise LogCorrupt(
            f"{client.place}: the topic has records, up to offset {bounds.next}, and a new log needs an empty one."
            " Name another topic; placed makes one that is missing"
        )
    date_records_by(client, AppendTime.WRITER)
    return False


def date_records_by(client: Client, who: AppendTime) -> None:
    """Say who dates new records; the topic's other records keep their times.

    Raises:
        LogError: the brokers don't answer, or don't allow it.
    """
    with client.admin() as admin:
        admin.alter_configs([ConfigResource("TOPIC", client.place.topic, {DATED_BY: who.value})])


def delete_topic(client: Client) -> None:
    """Delete the topic, with all its records.

    Raises:
        LogError: the brokers don't answer, or don't allow it.
    """
    with client.admin() as admin:
        admin.delete_topics([client.place.topic])


def _create(admin: KafkaAdminClient, client: Client, replication: int | None, configs: dict[str, str]) -> None:
    topic = client.place.topic
    configs = configs | ({"min.insync.replicas": "2"} if (replication or 0) > 2 else {})
    wanted = {"num_partitions": 1, "replication_factor": replication or _CLUSTER_DEFAULT, "configs": configs}
    try:
        admin.create_topics({topic: wanted})
    except kafka_errors.TopicAlreadyExistsError:  # another server was quicker
        pass
    except kafka_errors.InvalidReplicationFactorError as error:
        raise LogUnavailable(
            f"{client.place}: the cluster has too few brokers for {replication} copies of the topic;"
            " ask for fewer (kafka-replication), or start more brokers"
        ) from error
    admin.wait_for_topics([topic], timeout_ms=VISIBLE_SECONDS * 1000)


def _check_partitions(found: dict[str, Any], client: Client) -> None:
    count = len(found["partitions"])
    if count != 1:
        raise LogCorrupt(
            f"{client.place}: the topic has {count} partitions, and a log has 1, as its records are in one order."
            " Name another topic; placed makes one that is missing"
        )


def _check_configs(admin: KafkaAdminClient, client: Client, purpose: Purpose) -> dict[str, str]:
    topic = client.place.topic
    described = admin.describe_configs([ConfigResource("TOPIC", topic)], config_filter="all")
    configs = {name: config["value"] for name, config in described["topic"][topic].items()}
    if configs["cleanup.policy"] != purpose.policy:
        raise LogCorrupt(
            f"{client.place}: the topic's cleanup.policy is {configs['cleanup.policy']!r}, {purpose.why};"
            f" {purpose.what} has {purpose.policy!r}. Set it, or name another topic"
        )
    return configs


def _cautions(configs: dict[str, str], copies: int) -> list[str]:
    cautions = [
        f"its {name} is {configs[name]}, so its beginning will be removed; -1 keeps all of it"
        for name in ("retention.ms", "retention.bytes")
        if configs.get(name, "-1") != "-1"
    ]
    if configs.get("message.timestamp.type", "LogAppendTime") != "LogAppendTime":
        cautions.append(
            f"its message.timestamp.type is {configs['message.timestamp.type']}, so the servers' clocks date the"
            " edits, and must agree; with LogAppendTime the brokers date them"
        )
    if int(configs.get("max.message.bytes", 1 << 30)) < Log.max_value_bytes + _RECORD_OVERHEAD_BYTES:
        cautions.append(
            f"its max.message.bytes is {configs['max.message.bytes']}, and a record may take"
            f" {Log.max_value_bytes + _RECORD_OVERHEAD_BYTES}; longer ones will be refused"
        )
    if copies > 1 and int(configs.get("min.insync.replicas", 1)) < 2:
        cautions.append(
            f"it has {copies} copies and its min.insync.replicas is 1, so an acknowledged edit may be on one broker"
            " alone, and be lost with it; 2 prevents that"
        )
    return cautions


LOG: Final = Purpose(what="a log", policy="delete", why="which removes records", configs=CONFIGS, cautions=_cautions)
