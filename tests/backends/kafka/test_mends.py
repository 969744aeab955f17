"""The faults of kafka-python that placed works around, tested without a broker."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.cluster import ClusterMetadata
from kafka.errors import (
    BrokerResponseError,
    KafkaConnectionError,
    NoError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from kafka.net.inet import KafkaNetSocket
from kafka.net.selector import NetworkSelector
from kafka.net.transport import KafkaTCPTransport

from bench.equipment.free_ports import free_ports
from placed.backends import LogUnavailable
from placed.backends.kafka.client import Producer
from placed.backends.kafka.mends import mend_library

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


class _Waits:
    """Replaces kafka-python's loop: each wait is one step of the coroutine."""

    def __await__(self) -> Generator[None]:
        yield

    def wait_write(self, _sock: socket.socket, timeout_at: float | None = None) -> _Waits:
        assert timeout_at is None
        return self


class _Manager:
    """Replaces kafka-python's manager of connections and its loop; counts how often the loop was woken."""

    def __init__(self) -> None:
        self.woken = 0
        self._net = self

    def call_soon(self, _act: object) -> object:
        return object()

    def call_soon_threadsafe(self, _act: object) -> None:
        self.woken += 1


@pytest.fixture
def sock() -> Iterator[socket.socket]:
    mend_library()
    mend_library()
    with socket.socket() as sock:
        sock.setblocking(False)
        yield sock


def _run(steps: Generator[None, None, Any]) -> Any:
    while True:
        try:
            steps.send(None)
        except StopIteration as ended:
            return ended.value


def _connecting(sock: socket.socket, port: int) -> Any:
    return KafkaNetSocket().sock_connect(_Waits(), sock, ("127.0.0.1", port))


def _described(error: type[BrokerResponseError]) -> Any:
    """A broker's answer to a request for a topic's configs."""
    result = SimpleNamespace(
        error_code=error.errno, error_message=None, resource_type=2, resource_name="canvas", configs=[]
    )
    return KafkaAdminClient._describe_configs_process_responses([SimpleNamespace(results=[result])])


def test_configs_that_a_broker_does_not_describe_are_an_error_and_not_none() -> None:
    mend_library()
    mend_library()
    assert _described(NoError) == {"topic": {"canvas": {}}}
    for error in (UnknownTopicOrPartitionError, TopicAuthorizationFailedError):
        with pytest.raises(error, match="canvas"):
            _described(error)


def test_a_socket_that_is_being_connected_is_closed_with_its_client(sock: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connecting = _connecting(sock, listener.getsockname()[1])
        connecting.send(None)
        connecting.close()
    assert sock.fileno() == -1


def test_a_socket_that_cannot_be_connected_is_closed(sock: socket.socket) -> None:
    connecting = _connecting(sock, free_ports(1)[0])
    with pytest.raises(KafkaConnectionError):
        _run(connecting)
    assert sock.fileno() == -1


def test_a_socket_that_is_connected_stays_open(sock: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert _run(_connecting(sock, listener.getsockname()[1])) is sock
    assert sock.fileno() >= 0


def test_a_socket_that_has_bytes_to_send_is_closed_with_its_loop() -> None:
    loop = NetworkSelector()
    ours, theirs = socket.socketpair()
    with theirs:
        ours.setblocking(False)
        transport = KafkaTCPTransport(loop, ours)
        transport._write_buffer.append(b"unsent")
        transport.close()
        assert ours.fileno() != -1  # it stays open until the loop is done
        loop.close()
        assert ours.fileno() == -1


def test_brokers_are_asked_once_who_leads_and_again_when_they_have_answered() -> None:
    mend_library()
    mend_library()
    manager, subject = _Manager(), ClusterMetadata(bootstrap_servers="127.0.0.1:1")
    subject.attach(manager)
    asked = subject.request_update()
    assert subject.request_update() is asked
    assert manager.woken == 1
    subject.failed_update(KafkaConnectionError())
    assert asked.is_done
    assert subject.request_update() is not asked
    assert manager.woken == 2


@pytest.mark.parametrize(
    "error", [RuntimeError("NetworkSelector closed!"), OSError("no descriptor"), KafkaConnectionError()]
)
def test_record_that_cannot_be_sent_was_not_appended_whatever_kafka_python_raises(error: Exception) -> None:
    def send(*_: object, **_more: object) -> None:
        raise error

    subject = Producer(SimpleNamespace(send=send), TopicPartition("topic", 0))
    with pytest.raises(LogUnavailable, match="couldn't be sent"):
        subject.send(b"record", lambda offset, error: None)
