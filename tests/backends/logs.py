"""What the tests of the log contract need to know about a backend; and a way to read a log with a time limit."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import attrs
import trio

from placed.backends.kafka.place import KafkaPlace
from placed.backends.lmdb.log import open_lmdb_log
from placed.backends.memory import open_memory_log
from tests.support.kafka_servers import opened_log
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from placed.backends import Log

LIMIT_SECONDS: Final = PATIENCE_SECONDS  # for each wait
WHOLE_SECONDS: Final = 150.0  # for a test of several waits: pytest-timeout would end it after 180 s, and say less


@attrs.frozen
class Backend:
    """One way to open a log.

    Attributes:
        name: its name in the test's id.
        open: opens the log at a place, which is a folder of the test's own; a new place is a new log.
        durable: whether opening the same place again gives the same log.
        examples: number of examples of a property to try; a slower backend gets fewer.
    """

    name: str
    open: Callable[[Path], AbstractAsyncContextManager[Log]]
    durable: bool
    examples: int


LOCAL_BACKENDS: Final = {
    "memory": Backend("memory", lambda _place: open_memory_log(), durable=False, examples=100),
    "lmdb": Backend("lmdb", lambda place: open_lmdb_log(place / "log"), durable=True, examples=25),
}


def kafka_backend(addresses: str) -> Backend:
    """The backend that keeps its logs on the brokers at `addresses`; a place is a topic."""

    def topic(place: Path) -> KafkaPlace:
        name = hashlib.sha256(str(place).encode()).hexdigest()[:32]
        return KafkaPlace(tuple(addresses.split(",")), f"place-{name}")

    return Backend("kafka", lambda place: opened_log(topic(place)), durable=True, examples=10)


@attrs.frozen
class Read:
    """The records read: offset, time and value of each."""

    offsets: list[int]
    times_ms: list[int]
    values: list[bytes]


async def read(log: Log, offset: int, count: int) -> Read:
    """Read from `offset` until there are at least `count` records; 0 reads nothing."""
    result = Read([], [], [])
    if count == 0:
        return result
    with trio.fail_after(LIMIT_SECONDS):
        async with log.read(offset) as batches:
            async for batch in batches:
                assert len(batch.values) == len(batch.offsets) == len(batch.times_ms) >= 1
                result.offsets.extend(batch.offsets.tolist())
                result.times_ms.extend(batch.times_ms.tolist())
                result.values.extend(batch.values)
                if len(result.values) >= count:
                    break
    return result


async def append_all(log: Log, values: list[bytes]) -> list[int]:
    """Append the values one after the other; return their offsets."""
    with trio.fail_after(LIMIT_SECONDS):
        return [await log.append(value) for value in values]
