"""Opens the log that settings name. Only this module names the backends; it imports Kafka's only for a kafka:// log."""

from __future__ import annotations

import importlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from placed.backends import CannotStart
from placed.backends.kafka.place import KafkaPlace, KafkaSecurity
from placed.backends.lmdb.log import open_lmdb_log
from placed.backends.memory import open_memory_log
from placed.backends.places import parse_place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from placed.backends import Log
    from placed.backends.kafka.filling import KafkaFilling
    from placed.backends.keyed import KeyedTopic
    from placed.backends.places import LogPlace
    from placed.backends.settings import LogSettings

_MAX_PASSWORD_BYTES: Final = 4096
_MOST_TOPIC_CHARACTERS: Final = 249  # Kafka's


def open_log(settings: LogSettings, *, create: bool = True) -> AbstractAsyncContextManager[Log]:
    """Open the log that these settings name.

    Args:
        settings: the server's settings.
        create: whether to make a missing Kafka topic; if not, it is an error. Other logs are always made.

    Raises:
        CannotStart: a library that the log needs isn't installed, or the password can't be read.
        LogError: on entering, as its backend says.
    """
    place = place_of(settings)
    return _OPENERS[place.kind](settings, place, create)


def place_of(settings: LogSettings) -> LogPlace:
    """Where the log of these settings is: below the data folder, if they name no log."""
    return parse_place(settings.log or f"lmdb:{settings.data / 'log'}")


def _open_memory(_settings: LogSettings, _place: LogPlace, _create: bool) -> AbstractAsyncContextManager[Log]:
    return open_memory_log()


def _open_lmdb(settings: LogSettings, place: LogPlace, _create: bool) -> AbstractAsyncContextManager[Log]:
    return open_lmdb_log(place.folder or settings.data)


def fill_topic(settings: LogSettings) -> AbstractAsyncContextManager[KafkaFilling]:
    """Open the Kafka topic of these settings, still empty, to fill it with records that have their times already.

    Raises:
        CannotStart: a library that the log needs isn't installed, or the password can't be read.
        LogError: on entering, as `placed.backends.kafka.filling.fill_kafka_log` says.
    """
    filling = _kafka_module(settings, "placed.backends.kafka.filling")
    place = KafkaPlace.parse(place_of(settings).url)
    filled: AbstractAsyncContextManager[KafkaFilling] = filling.fill_kafka_log(
        place, security=_security(settings), replication=settings.kafka_replication
    )
    return filled


def open_people_topic(settings: LogSettings) -> AbstractAsyncContextManager[KeyedTopic] | None:
    """Open the topic with the people of all servers of a Kafka log; None for other logs, which keep people in a folder.

    Raises:
        CannotStart: as `open_log`; or the topic's name would be too long.
        LogError: on entering, as `placed.backends.kafka.keyed.open_keyed_topic` says.
    """
    place = place_of(settings)
    if not place.is_remote:
        return None
    keyed = _kafka_module(settings, "placed.backends.kafka.keyed")
    people = keyed.people_place(KafkaPlace.parse(place.url))
    if len(people.topic) > _MOST_TOPIC_CHARACTERS:
        written = settings.origin("log").with_value(repr(settings.log))
        raise CannotStart(f"{written}: the people's topic would be {people.topic!r}, and 249 characters are the most")
    opened: AbstractAsyncContextManager[KeyedTopic] = keyed.open_keyed_topic(
        people,
        security=_security(settings),
        replication=settings.kafka_replication,
    )
    return opened


def _open_kafka(settings: LogSettings, place: LogPlace, create: bool) -> AbstractAsyncContextManager[Log]:
    kafka = _kafka_module(settings, "placed.backends.kafka.log")
    opened: AbstractAsyncContextManager[Log] = kafka.open_kafka_log(
        KafkaPlace.parse(place.url), security=_security(settings), replication=settings.kafka_replication, create=create
    )
    return opened


def _kafka_module(settings: LogSettings, name: str) -> Any:
    try:
        importlib.import_module("crc32c")  # without it kafka-python works, but six times slower
        return importlib.import_module(name)
    except ImportError as error:
        written = settings.origin("log").with_value(repr(settings.log))
        reason = f"{written}: {error.name} is missing; kafka:// logs need: pip install 'placed[kafka]'"
        raise CannotStart(reason) from error


def _security(settings: LogSettings) -> KafkaSecurity:
    return KafkaSecurity(
        protocol=settings.kafka_protocol,
        ca=settings.kafka_ca,
        certificate=settings.kafka_certificate,
        key=settings.kafka_key,
        mechanism=settings.kafka_mechanism,
        user=settings.kafka_user,
        password=_kafka_password(settings),
    )


def _kafka_password(settings: LogSettings) -> str | None:
    path = settings.kafka_password_file
    if path is None:
        return settings.kafka_password
    try:
        with path.open("rb") as file:
            return file.read(_MAX_PASSWORD_BYTES).decode().partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotStart(
            f"{settings.origin('kafka_password_file').with_value(repr(str(path)))} can't be read: {error}"
        ) from error


_OPENERS: Final[Mapping[str, Callable[[LogSettings, LogPlace, bool], AbstractAsyncContextManager[Log]]]] = (
    MappingProxyType({"memory": _open_memory, "lmdb": _open_lmdb, "kafka": _open_kafka})
)
