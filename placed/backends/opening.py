"""Opens the log that settings name. Only this module names concrete backends; Kafka's is imported when asked for."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from placed.backends import CannotStart
from placed.backends.kafka.place import KafkaPlace, KafkaSecurity
from placed.backends.lmdb.log import open_lmdb_log
from placed.backends.memory import open_memory_log

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from placed.backends import Log
    from placed.backends.kafka.filling import KafkaFilling
    from placed.backends.settings import LogSettings

_MAX_PASSWORD_BYTES: Final = 4096


def open_log(settings: LogSettings, *, create: bool = True) -> AbstractAsyncContextManager[Log]:
    """The log of these settings.

    Args:
        settings: of the server.
        create: whether a topic that isn't there is made; without, it is an error. Other logs are always made.

    Raises:
        CannotStart: a part that it needs isn't installed, or the password can't be read.
        LogError: on entering, as its backend says.
    """
    kind, _, place = log_url(settings).partition(":")
    if kind == "memory":
        return open_memory_log()
    if kind == "lmdb":
        return open_lmdb_log(Path(place))
    return _open_kafka(settings, create=create)


def lmdb_folder(settings: LogSettings) -> Path | None:
    """The folder of these settings' log; None when it isn't in one."""
    kind, _, place = log_url(settings).partition(":")
    return Path(place) if kind == "lmdb" else None


def log_url(settings: LogSettings) -> str:
    """The URL of these settings' log."""
    return settings.log or f"lmdb:{settings.data / 'log'}"


def is_kafka(settings: LogSettings) -> bool:
    """Whether the log is on other machines, and may be away for a while."""
    return settings.log is not None and settings.log.startswith("kafka:")


def fill_topic(settings: LogSettings) -> AbstractAsyncContextManager[KafkaFilling]:
    """The Kafka topic of these settings, without records, to be filled with some that have their times.

    Raises:
        CannotStart: a part that it needs isn't installed, or the password can't be read.
        LogError: on entering, as `placed.backends.kafka.filling.fill_kafka_log` says.
    """
    filling = _kafka_module(settings, "placed.backends.kafka.filling")
    place = KafkaPlace.parse(settings.log or "")
    filled: AbstractAsyncContextManager[KafkaFilling] = filling.fill_kafka_log(
        place, security=_security(settings), replication=settings.kafka_replication
    )
    return filled


def _open_kafka(settings: LogSettings, *, create: bool) -> AbstractAsyncContextManager[Log]:
    kafka = _kafka_module(settings, "placed.backends.kafka.log")
    place = KafkaPlace.parse(settings.log or "")
    opened: AbstractAsyncContextManager[Log] = kafka.open_kafka_log(
        place, security=_security(settings), replication=settings.kafka_replication, create=create
    )
    return opened


def _kafka_module(settings: LogSettings, name: str) -> Any:
    try:
        importlib.import_module("crc32c")  # kafka-python does without, six times slower
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
