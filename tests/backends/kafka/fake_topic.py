"""A topic without brokers: a `KafkaLog` reads from it with its own threads, and finds what the test has put in."""

from __future__ import annotations

import contextlib
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from kafka.errors import KafkaError

from placed.backends import LogUnavailable
from placed.backends.kafka.client import Bounds, log_error
from placed.backends.kafka.log import KafkaLog
from placed.backends.kafka.place import KafkaPlace
from placed.backends.kafka.topic import Topic

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from placed.backends import LogError

_SLICE_SECONDS = 0.005  # a broker's empty answer takes as long
_ID = "f" * 32


class FakeTopic:
    """The contents of the topic.

    Attributes:
        records: the records, by their offsets.
        first, next: the bounds of its offsets; an offset without a record is a gap.
        topic_id: the id that readers get from now on.
        away: how often the topic doesn't answer before it answers again.
        broken: offsets that can't be read, with their errors.
        refused: the error for all readers; None lets everybody read.
        begun: the offsets at which readers have begun, in order.
    """

    def __init__(self) -> None:
        self.records: dict[int, bytes] = {}
        self.first = self.next = 0
        self.topic_id = _ID
        self.away = 0
        self.broken: dict[int, LogError | KafkaError] = {}
        self.refused: LogError | None = None
        self.begun: list[int] = []
        self.place = KafkaPlace(("nowhere:9092",), "fake")

    def add(self, value: bytes) -> None:
        """Append a record."""
        self.records[self.next] = value
        self.next += 1

    def add_broken(self, error: LogError) -> None:
        """Append a record that can't be read."""
        self.broken[self.next] = error
        self.next += 1

    def break_at(self, offset: int, error: LogError) -> None:
        """Make an appended record unreadable."""
        del self.records[offset]
        self.broken[offset] = error

    def add_gap(self) -> None:
        """Append the end of a transaction, which readers don't see."""
        self.next += 1

    @property
    def bounds(self) -> Bounds:
        """The topic's bounds."""
        return Bounds(self.first, self.next)

    @contextlib.contextmanager
    def consumer(self) -> Iterator[Any]:
        """Like `Client.consumer`."""
        try:
            yield _FakeConsumer(self)
        except KafkaError as error:
            raise log_error(error, self.place) from error

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncGenerator[KafkaLog]:
        """Open the log in it; the log can be reached and appended to."""
        log = KafkaLog(self, Topic(_ID, _ID, (), {}))  # type: ignore[arg-type]  # it isn't a Client
        log.connected(SimpleNamespace(send=self._send))  # type: ignore[arg-type]  # nor a Producer
        log.answered(self.bounds)
        try:
            yield log
        finally:
            await log.close()

    def _send(self, value: bytes, done: Callable[[int | None, Exception | None], None], _key: object) -> None:
        self.add(value)
        done(self.next - 1, None)


class _FakeConsumer:
    """Like `placed.backends.kafka.client.Consumer`: it first returns the records before a broken one."""

    def __init__(self, topic: FakeTopic) -> None:
        self._topic = topic
        self.topic_id = topic.topic_id
        self.position = 0
        self.is_at_end = False

    def bounds(self, go_on: Callable[[], bool]) -> Bounds:
        assert go_on()
        if self._topic.away:
            self._topic.away -= 1
            raise LogUnavailable("no answer")
        return self._topic.bounds

    def seek(self, offset: int) -> None:
        self._topic.begun.append(offset)
        self.position = offset

    def poll(self, most: int) -> list[Any]:
        if self._topic.refused is not None:
            raise self._topic.refused
        found: list[Any] = []
        end = self._topic.next  # records below it don't change, even if others are appended meanwhile
        while self.position < end and self.position in self._topic.records and len(found) < most:
            found.append(SimpleNamespace(offset=self.position, timestamp=0, value=self._topic.records[self.position]))
            self.position += 1
        if not found:
            self._pass_gap(end)
        if not found:
            time.sleep(_SLICE_SECONDS)
        self.is_at_end = self.position >= end
        return found

    def _pass_gap(self, end: int) -> None:
        """Go past a gap: an answer may end with one."""
        if self.position in self._topic.broken:
            raise self._topic.broken[self.position]
        self.position += self.position < end
