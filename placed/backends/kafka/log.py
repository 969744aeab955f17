"""Keeps a log in Kafka, for many servers: `kafka://HOST:PORT[,HOST:PORT…]/TOPIC`, one topic of one partition.

The log's threads and their work; all of them end with the log:

    Trio      KafkaLog: appends, their outcomes, the readers
    link      asks for the topic's bounds and id each second; makes the producer, and closes one that failed
    readers   one each, with its consumer: `placed.backends.kafka.reader`
    kafka-python's own, one for each of its clients

          +--bounds answered, producer made--+
          v                                  |
      reachable --no answer in 2 s, topic gone--> outage: appends and reads are refused at once, readers are ended
          |
          +--topic has another id--> replaced, for good

An append has `DELIVERY_SECONDS`. If its outcome is unknown then, the log throws the producer away, so that no retry
lands later. Gaps in the offsets are legal, and Kafka leaves some. May import Trio and numpy.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import trio

from placed.backends import (
    Log,
    LogClosed,
    LogError,
    LogRefused,
    LogReplaced,
    LogUnavailable,
    LogUndecodable,
    OutcomeUnknown,
)
from placed.backends.kafka.client import DELIVERY_SECONDS, Bounds, Client, append_error
from placed.backends.kafka.link import Link
from placed.backends.kafka.place import PLAIN
from placed.backends.kafka.readable import Readable
from placed.backends.kafka.reader import KafkaReader, plain_batch
from placed.backends.kafka.topic import prepare_topic
from placed.backends.tail import check_value

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from placed.backends.kafka.client import Producer
    from placed.backends.kafka.place import KafkaPlace, KafkaSecurity
    from placed.backends.kafka.topic import Topic
    from placed.canvas.batch import Batch

MAX_IN_FLIGHT: Final = 64  # appends: at most 64 MB inside the producer; our writer has one at a time
APPEND_SECONDS: Final = DELIVERY_SECONDS + 0.5  # for a producer that says nothing, not even that time is up
OPEN_SECONDS: Final = 10.0  # for the first answers; a broker that has just started takes a second or two
FLUSH_SECONDS: Final = 2.0  # for appends in flight when the log is closed
RECONNECT_SECONDS: Final = 2.0  # for a new producer while the log is reachable; it takes some ms
END_SECONDS: Final = 5.0  # for the link's thread to end; longer only where a name server doesn't answer


class _Ticket:
    """One append that waits for its outcome."""

    def __init__(self, producer: Producer) -> None:
        self.producer = producer
        self.settled = trio.Event()
        self.offset: int | None = None
        self.error: Exception | None = None


class KafkaLog(Log):
    """A Kafka topic as a log; opened by `open_kafka_log`. Its news from the brokers is at most some seconds old."""

    batch_of: Callable[[list[Any]], Batch] = staticmethod(plain_batch)  # makes a batch of a reader's records

    def __init__(self, client: Client, topic: Topic) -> None:
        self._client = client
        self._topic = topic
        self._link = Link(self, client, topic.topic_id)
        self._slots = trio.Semaphore(MAX_IN_FLIGHT, max_value=MAX_IN_FLIGHT)
        self._in_flight: set[_Ticket] = set()
        self._readers: set[KafkaReader] = set()
        self._asking = trio.CapacityLimiter(4)  # threads that wait for an answer: a reader or two, and the metrics
        self._changed = trio.Event()  # set, and a new one made, at each change of the outage, producer or `_closed`
        self._asked = trio.Event()
        self._outage: LogError | None = LogUnavailable(f"{client.place}: not connected yet")
        self._readable = Readable()  # while the log can't be read, it refuses appends: nobody would see them
        self._producer: Producer | None = None
        self._closed = False
        self._was_reached = False
        self.cautions = topic.cautions

    @property
    def id(self) -> str:
        """The identity of this log: its topic's id, 32 hex digits."""
        return self._topic.log_id

    @property
    def reachable(self) -> bool:
        """Whether the brokers have just answered."""
        return self._outage is None

    async def bounds(self) -> tuple[int, int]:
        """The first and next offset, as the broker has them now; see `Log.bounds`."""
        self._check()
        bounds = await trio.to_thread.run_sync(self._link.bounds, limiter=self._asking, abandon_on_cancel=True)
        self._check()
        return bounds.first, bounds.next

    async def append(self, value: bytes) -> int:
        """Append one record; see `Log.append`."""
        check_value(value)
        self._check()
        self._readable.check()
        await self._slots.acquire()
        try:
            await self._connected()
            ticket = self._send(value)
        except BaseException:
            self._slots.release()
            raise
        with trio.move_on_after(APPEND_SECONDS):
            await ticket.settled.wait()
        return self._outcome(ticket)

    async def _connected(self) -> None:
        """Wait a moment for the producer that replaces a failed one."""
        with trio.move_on_after(RECONNECT_SECONDS):
            while self._producer is None and self._outage is None and not self._closed:
                await self._changed.wait()

    def _send(self, value: bytes | None, key: bytes | None = None) -> _Ticket:
        self._check()
        if self._producer is None:
            raise LogUnavailable(f"{self._client.place}: reconnecting after a failed append")
        ticket = _Ticket(self._producer)
        token = trio.lowlevel.current_trio_token()

        def done(offset: int | None, error: Exception | None) -> None:
            with contextlib.suppress(trio.RunFinishedError):
                token.run_sync_soon(self._settle, ticket, offset, error)

        self._producer.send(value, done, key)
        self._in_flight.add(ticket)
        return ticket

    def _settle(self, ticket: _Ticket, offset: int | None, error: Exception | None) -> None:
        ticket.offset, ticket.error = offset, error
        self._in_flight.discard(ticket)
        self._slots.release()
        ticket.settled.set()

    def _outcome(self, ticket: _Ticket) -> int:
        if ticket.offset is not None:
            return ticket.offset
        if ticket.error is None:
            unknown, reason = True, f"{self._client.place}: no acknowledgement within {APPEND_SECONDS:g} s"
        else:
            unknown, reason = append_error(ticket.error, self._client.place)
        # After any error: kafka-python's idempotent producer refuses all later records after some of them.
        if self._producer is ticket.producer:
            self._producer = None
            self._link.replace(ticket.producer)
        raise OutcomeUnknown(reason) if unknown else LogUnavailable(reason)

    @contextlib.asynccontextmanager
    async def read(self, offset: int) -> AsyncGenerator[KafkaReader]:
        """Read from `offset` on; see `Log.read`."""
        self._check()
        doubtful, passed = self._readable.is_doubtful(offset), self._readable.passed
        topic_id = self._topic.topic_id
        reader = KafkaReader(self._client, topic_id, offset, self.batch_of, is_doubtful=doubtful, passed=passed)
        self._readers.add(reader)
        try:
            await reader.start()
            self._readable.entered(offset)
            yield reader
        except (LogUndecodable, LogRefused) as error:
            if reader.has_failed:  # the error may also be that of the link, or of the reader's task
                self._readable.failed(reader.offset, error)
            raise
        finally:
            self._readers.discard(reader)
            await reader.aclose()

    def _check(self) -> None:
        if self._closed:
            raise LogClosed("the log was closed")
        if self._outage is not None:
            # A traceback belongs to one raise; tasks that failed together don't share the exception.
            raise type(self._outage)(*self._outage.args)

    # The link's reports, on the Trio thread.

    def answered(self, bounds: Bounds) -> None:
        """The log was reached."""
        self.heard_next = bounds.next
        self._readable.answered(bounds)
        if self._outage is not None and self._producer is not None and not isinstance(self._outage, LogReplaced):
            self._outage = None
            self.reconnects += self._was_reached
            self._was_reached = True
            self._note_change()
            self._asked.set()

    def connected(self, producer: Producer) -> None:
        """There is a producer."""
        self._producer = producer
        self._note_change()

    def failed(self, error: LogError) -> None:
        """The log can't be reached, or is no longer there."""
        if isinstance(self._outage, LogReplaced):
            return
        self._outage = error
        self._note_change()
        self._asked.set()
        for reader in self._readers:
            reader.fail(type(error)(*error.args))

    def _note_change(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    async def wait_until(self, *, reachable: bool) -> None:
        """Wait until the brokers answer, or, with False, until they don't."""
        while self.reachable != reachable:
            await self._changed.wait()
        await trio.lowlevel.checkpoint()

    async def wait_until_replaced(self) -> None:
        """Wait until another topic has been found in this one's place."""
        while not isinstance(self._outage, LogReplaced):
            await self._changed.wait()
        await trio.lowlevel.checkpoint()

    # Opening and closing.

    async def connect(self) -> None:
        """Start the link, and wait until it has reached the log.

        Raises:
            LogError: it hasn't, within `OPEN_SECONDS`.
        """
        self._link.start()
        with trio.move_on_after(OPEN_SECONDS):
            await self._asked.wait()
        self._check()

    async def close(self) -> None:
        """Refuse all further calls, wake the readers with LogClosed, give appends in flight a moment. Idempotent.

        Cancellation: the log closes all the same, within some seconds.
        """
        self._closed = True
        self._note_change()
        for reader in self._readers:
            reader.fail(LogClosed("the log was closed"))
        with trio.move_on_after(FLUSH_SECONDS, shield=True):
            for ticket in list(self._in_flight):
                await ticket.settled.wait()
        self._link.stop()
        with trio.move_on_after(END_SECONDS, shield=True):
            await self._link.ended()
        for reader in list(self._readers):
            await reader.ended()


@contextlib.asynccontextmanager
async def open_kafka_log(
    place: KafkaPlace, *, security: KafkaSecurity = PLAIN, replication: int | None = None, create: bool = True
) -> AsyncGenerator[KafkaLog]:
    """The log in a topic, made if there is none; closed when the block ends.

    Args:
        place: the brokers and the topic.
        security: how to speak to the brokers.
        replication: copies of a new topic's records; None is the cluster's default.
        create: whether to make a missing topic; if not, a missing topic raises LogUnavailable.

    Raises:
        LogUnavailable: no broker answers.
        LogRefused: the brokers refuse us.
        LogCorrupt: the topic can't be a log.
    """
    client = Client(place, security)
    topic = await trio.to_thread.run_sync(
        partial(prepare_topic, client, replication=replication, create=create), abandon_on_cancel=True
    )
    log = KafkaLog(client, topic)
    try:
        await log.connect()
        yield log
    finally:
        await log.close()
