"""Makes kafka-python's clients safe to use: each ends with all its threads, and raises errors of `placed.backends`.

Faults of kafka-python 3.0 that this module deals with: A constructor that fails leaves its thread running. A producer
has no bound for records in flight, waits for metadata inside `send`, and its `close` waits for a dead broker. The
library drops a broker's last words before it hangs up, such as that the password is wrong. A broker that refuses us, or
whose certificate isn't trusted, looks like one that is away. Debug lines show passwords.

Only this module turns the library's errors into those of `placed.backends`. It knows nothing of Trio. Everything here
blocks, and every wait has a limit.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import attrs
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka import errors as kafka_errors
from kafka.net.compat import KafkaNetClient

from placed.backends import (
    LogCorrupt,
    LogError,
    LogRefused,
    LogReplaced,
    LogUnavailable,
    LogUndecodable,
    OffsetOutOfRange,
)
from placed.backends.kafka.codecs import is_of_codec, undecodable
from placed.backends.kafka.mends import mend_library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kafka.net.connection import KafkaConnection

    from placed.backends.kafka.place import KafkaPlace, KafkaSecurity

DELIVERY_SECONDS: Final = 4.0  # a web request waits 5 s, and a little of that is left to answer it
REQUEST_SECONDS: Final = 2.0  # below DELIVERY_SECONDS, so that a request to a dead broker is tried once more
OFFSETS_SECONDS: Final = 2.0  # a healthy broker answers in ms; longer is an outage
CLOSE_SECONDS: Final = 2.0
SLICE_SECONDS: Final = 0.25  # how long one call blocks, and so how late a thread sees its stop flag
FETCH_BYTES: Final = 4 << 20
_PARTITION: Final = 0
_CONNECTIONS_REMEMBERED: Final = 16  # several for each broker that is tried within `bootstrap_timeout_ms`
_REFUSALS: Final = (kafka_errors.SaslAuthenticationFailedError, kafka_errors.UnsupportedSaslMechanismError)

# Our own lines say the same, once; kafka-python says it at each retry, and at the level debug with passwords.
_LOGGER: Final = logging.getLogger("kafka")
_SILENT: Final = logging.CRITICAL + 1


@attrs.frozen
class Bounds:
    """The offsets that a topic holds: `first <= offset < next`."""

    first: int
    next: int


class Client:
    """Makes the consumers, producers and admin clients of one log.

    Attributes:
        place: the brokers and the topic.
        broker_version: the brokers' version, as kafka-python writes it; None until an admin client has asked. Once it
            is known, making a client doesn't wait for a broker.
    """

    def __init__(self, place: KafkaPlace, security: KafkaSecurity) -> None:
        _LOGGER.setLevel(_SILENT)
        mend_library()
        self._tls = _tls_context(security, place) if security.protocol.endswith("ssl") else None
        self.place = place
        self.partition = TopicPartition(place.topic, _PARTITION)
        self.broker_version: tuple[int, ...] | None = None
        self._config: dict[str, Any] = {
            "bootstrap_servers": list(place.brokers),
            "client_id": "placed",
            "request_timeout_ms": _ms(REQUEST_SECONDS),
            "retry_backoff_ms": 50,  # so that a broker that is back gets used within 3 s
            "reconnect_backoff_ms": 50,
            "reconnect_backoff_max_ms": 500,
            "bootstrap_timeout_ms": _ms(2 * REQUEST_SECONDS),
            # How soon a client notices a topic made anew, if its offsets look the same.
            "metadata_max_age_ms": 1000,
            **security.config(),
            "ssl_context": self._tls,
        }

    @contextlib.contextmanager
    def admin(self) -> Iterator[KafkaAdminClient]:
        """An admin client, closed when the block ends; asks for the brokers' version.

        Raises:
            LogError: no broker answers, or they refuse us.
        """
        if self._tls is not None:
            self._shake_hands(self._tls)
        with self.errors(), self._made(KafkaAdminClient, api_version=None) as (admin, client):
            self.broker_version = client.get_broker_version()
            yield admin

    def _shake_hands(self, tls: ssl.SSLContext) -> None:
        """Find out whether we and the first broker that answers trust each other.

        Raises:
            LogRefused: we don't.
        """
        for broker in self.place.brokers:
            host, _, port = broker.rpartition(":")
            host = host.strip("[]")
            try:
                with (
                    socket.create_connection((host, int(port)), timeout=REQUEST_SECONDS) as plain,
                    tls.wrap_socket(plain, server_hostname=host) as wrapped,
                ):
                    wrapped.settimeout(SLICE_SECONDS)
                    wrapped.recv(1)  # in TLS 1.3 a refusal of our certificate comes after the handshake
            except ssl.SSLError as error:
                raise LogRefused(f"{self.place}: TLS with the broker {broker} fails: {_text(error)}") from error
            except TimeoutError:
                return
            except OSError:
                continue

    @contextlib.contextmanager
    def consumer(self) -> Iterator[Consumer]:
        """A consumer of the topic, closed when the block ends; all its errors are LogErrors."""
        with (
            self.errors(),
            self._made(
                KafkaConsumer,
                auto_offset_reset="none",
                enable_auto_commit=False,
                allow_auto_create_topics=False,
                max_partition_fetch_bytes=FETCH_BYTES,
                fetch_max_bytes=FETCH_BYTES,
                fetch_max_wait_ms=_ms(REQUEST_SECONDS / 2),
                metrics_enabled=False,
            ) as (consumer, client),
        ):
            consumer.assign([self.partition])
            yield Consumer(consumer, client, self.partition)

    @contextlib.contextmanager
    def _made(self, kind: Callable[..., Any], **config: Any) -> Iterator[tuple[Any, KafkaNetClient]]:
        """A client of kafka-python and its network client, closed together, also if the constructor fails."""
        made: list[KafkaNetClient] = []
        connections: deque[KafkaConnection] = deque(maxlen=_CONNECTIONS_REMEMBERED)

        def net_client(**net_config: Any) -> KafkaNetClient:
            client = KafkaNetClient(**net_config)
            made.append(client)
            manager = client._manager  # noqa: SLF001 - it throws away why a connection failed
            connect = manager.get_connection

            def connect_and_remember(*args: Any, **kwargs: Any) -> KafkaConnection:
                connections.append(connect(*args, **kwargs))
                return connections[-1]

            manager.get_connection = connect_and_remember
            return client

        config = {**self.config, "kafka_client": net_client, **config}
        try:
            yield kind(**config), made[0]
        except kafka_errors.KafkaTimeoutError as error:
            failures = [failure for each in connections if (failure := each.init_future.exception) is not None]
            # kafka-python asks brokers that have refused us again and again, till the time is up.
            for refusal in (failure for failure in failures if isinstance(failure, _REFUSALS)):
                raise refusal from error
            if failures:
                raise kafka_errors.KafkaTimeoutError(f"{error}: {failures[-1]}") from error
            raise
        finally:
            for client in made:
                client.close()

    def producer(self) -> Producer:
        """A producer that knows the topic's leader and sends at once.

        Raises:
            LogError: no broker answers, or they refuse us.
        """
        with self.errors():
            producer = KafkaProducer(
                **self.config,
                acks="all",
                enable_idempotence=True,
                allow_auto_create_topics=False,
                delivery_timeout_ms=_ms(DELIVERY_SECONDS),
                max_block_ms=_ms(REQUEST_SECONDS),
                metrics_enabled=False,
            )
            made = Producer(producer, self.partition)
            try:
                producer.partitions_for(self.place.topic)
            except BaseException:
                made.close()
                raise
            # From here on `send` belongs to the Trio thread: without metadata it fails instead of waiting.
            producer.config["max_block_ms"] = 0
            return made

    @property
    def config(self) -> dict[str, Any]:
        """The options of kafka-python for any client of this log."""
        return {**self._config, "api_version": self.broker_version}

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Turn each error of kafka-python in the block into a LogError."""
        try:
            yield
        except LogError:
            raise
        # kafka-python lets errors of sockets, of TLS and of its own state through.
        except (kafka_errors.KafkaError, OSError, RuntimeError) as error:
            raise log_error(error, self.place) from error


class Consumer:
    """Reads the topic; for one thread, except `bounds`."""

    def __init__(self, consumer: KafkaConsumer, client: KafkaNetClient, partition: TopicPartition) -> None:
        self._consumer = consumer
        self._client = client
        self._partition = partition

    @property
    def topic_id(self) -> str | None:
        """The topic's id that a broker named last; None without such a topic, or from brokers too old for ids."""
        found = self._client.cluster.topic_id(self._partition.topic)
        return None if found is None else found.hex

    @property
    def knows_brokers(self) -> bool:
        """Whether any broker has answered."""
        return bool(self._client.cluster.brokers())

    def bounds(self, go_on: Callable[[], bool] = lambda: True) -> Bounds:
        """The topic's bounds as of now.

        Args:
            go_on: called every `SLICE_SECONDS`; False gives up.

        Raises:
            KafkaError: there was no answer within `OFFSETS_SECONDS`, or the answer was an error.
        """
        deadline = time.monotonic() + OFFSETS_SECONDS
        while True:
            try:
                first = self._consumer.beginning_offsets([self._partition], timeout_ms=_ms(SLICE_SECONDS))
                next_ = self._consumer.end_offsets([self._partition], timeout_ms=_ms(SLICE_SECONDS))
            except kafka_errors.KafkaTimeoutError:
                if not go_on() or time.monotonic() > deadline:
                    raise
            else:
                return Bounds(first[self._partition], next_[self._partition])

    def seek(self, offset: int) -> None:
        """Go on reading at `offset`."""
        self._consumer.seek(self._partition, offset)

    @property
    def position(self) -> int:
        """The offset to read next; if a gap follows the last records of `poll`, an offset past the gap."""
        return int(self._consumer.position(self._partition))

    @property
    def is_at_end(self) -> bool:
        """Whether a broker has let us read up to the topic's end; False until the first answer."""
        end = self._consumer.highwater(self._partition)
        return end is not None and bool(self.position >= end)

    def poll(self, max_records: int) -> list[Any]:
        """The next records, as kafka-python's ConsumerRecord; an empty list if none come within `SLICE_SECONDS`.

        Raises:
            LogUndecodable: they can't be unpacked here.
        """
        try:
            found = self._consumer.poll(timeout_ms=_ms(SLICE_SECONDS), max_records=max_records)
        except Exception as error:
            if is_of_codec(error):
                raise LogUndecodable(undecodable(self._partition.topic, error)) from error
            raise
        return list(found.get(self._partition, ()))


class Producer:
    """Appends to the topic. `send` doesn't block; `close` does, a little."""

    def __init__(self, producer: KafkaProducer, partition: TopicPartition) -> None:
        self._producer = producer
        self._partition = partition

    def send(
        self, value: bytes | None, done: Callable[[int | None, Exception | None], None], key: bytes | None = None
    ) -> None:
        """Append a record; `done` gets the offset or the error, in a thread of the producer's.

        Raises:
            LogUnavailable: nothing was appended.
        """
        try:
            future = self._producer.send(
                self._partition.topic, value=value, key=key, partition=self._partition.partition
            )
        # As in `Client.errors`; any other error would end the writer, and with it the server.
        except (kafka_errors.KafkaError, OSError, RuntimeError, ValueError, AssertionError) as error:
            raise LogUnavailable(f"the record couldn't be sent: {error}") from error
        future.add_callback(lambda metadata: done(metadata.offset, None))
        future.add_errback(lambda error: done(None, error))

    def close(self) -> None:
        """End the producer and its thread; records in flight fail. Takes at most `CLOSE_SECONDS`."""
        sender = self._producer._sender  # noqa: SLF001 - the public close waits for all that is in flight
        sender.force_close()
        sender.wakeup()
        sender.join(CLOSE_SECONDS)
        with contextlib.suppress(kafka_errors.KafkaError):
            self._producer.close(timeout=0)


def _tls_context(security: KafkaSecurity, place: KafkaPlace) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=security.ca)
        if security.certificate is not None:
            context.load_cert_chain(security.certificate, security.key)
    except OSError as error:  # which ssl.SSLError is, too
        files = ", ".join(str(file) for file in (security.ca, security.certificate, security.key) if file)
        raise LogRefused(f"{place}: the certificates {files} can't be used: {_text(error)}") from error
    return context


def log_error(error: BaseException, place: KafkaPlace) -> LogError:
    """The error of `placed.backends` for kafka-python's `error` while reading or opening."""
    if isinstance(error, _REFUSALS):
        return LogRefused(f"{place}: the broker refuses user, password or mechanism: {_text(error)}")
    if isinstance(error, kafka_errors.AuthorizationError):
        return LogRefused(
            f"{place}: the broker doesn't allow it: {_text(error)}; the user needs READ, WRITE, DESCRIBE and"
            " DESCRIBE_CONFIGS on the topic, IDEMPOTENT_WRITE on an old cluster, and CREATE to make the topic"
        )
    if isinstance(error, kafka_errors.LogTruncationError | kafka_errors.CorruptRecordError):
        return LogCorrupt(f"{place}: {_text(error)}; the brokers have lost or damaged records")
    return LogUnavailable(f"{place}: {_text(error)}")


def append_error(error: Exception, place: KafkaPlace) -> tuple[bool, str]:
    """Whether the record may be in the log all the same, and why the append failed."""
    refused = (
        kafka_errors.AuthorizationError,
        kafka_errors.MessageSizeTooLargeError,
        kafka_errors.RecordListTooLargeError,
        kafka_errors.InvalidRecordError,
        kafka_errors.PolicyViolationError,
    )
    more = "; raise the topic's max.message.bytes" if isinstance(error, refused[1:3]) else ""
    return not isinstance(error, refused), f"{place}: {_text(error)}{more}"


def out_of_range(offset: int, bounds: Bounds) -> OffsetOutOfRange:
    """The error for a read at `offset`."""
    return OffsetOutOfRange(offset, bounds.first, bounds.next)


def check_topic_id(consumer: Consumer, expected: str | None, place: KafkaPlace) -> None:
    """Check that the topic is still the one that was opened.

    Raises:
        LogReplaced: it was deleted and made anew.
        LogUnavailable: it is gone.
    """
    if expected is None or consumer.topic_id == expected:
        return
    if consumer.topic_id is None:
        raise LogUnavailable(f"{place}: the topic is gone")
    raise LogReplaced(f"{place}: the topic was deleted and made anew, and is another log now; start again to serve it")


def _text(error: BaseException) -> str:
    words = " ".join(str(error).split())
    return words[:300] or type(error).__name__


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
