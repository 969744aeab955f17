"""Mends faults of kafka-python 3.x in its own classes, because it has no public place for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from kafka import KafkaAdminClient
from kafka import errors as kafka_errors
from kafka.cluster import ClusterMetadata
from kafka.net.inet import KafkaNetSocket
from kafka.net.selector import NetworkSelector
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

if TYPE_CHECKING:
    import socket

    from kafka.future import Future


def mend_library() -> None:
    """Mend kafka-python for all clients of this process. Idempotent."""
    for transport in (KafkaTCPTransport, KafkaSSLTransport):
        _hear_last_words(transport)
    _close_unconnected(KafkaNetSocket)
    _close_with_their_loop(KafkaTCPTransport, NetworkSelector)
    _tell_why_not_described(KafkaAdminClient)
    _ask_once(ClusterMetadata)


def _hear_last_words(transport: type[KafkaTCPTransport]) -> None:
    """Make kafka-python read the bytes that come together with a connection's end."""
    receive = transport._sock_recv  # noqa: SLF001 - see above
    if receive.__name__ == "receive_then_end":
        return

    def receive_then_end(self: KafkaTCPTransport) -> tuple[bytes, Exception | None]:
        data, error = receive(self)
        return (data, None) if data else (data, error)  # the end is still there at the next call

    transport._sock_recv = receive_then_end  # noqa: SLF001


def _close_unconnected(sockets: type[KafkaNetSocket]) -> None:
    """Close a socket that couldn't be connected, or that is being connected while its client is closed."""
    connect = sockets.sock_connect
    if connect.__name__ == "connect_or_close":
        return

    async def connect_or_close(self: KafkaNetSocket, net: Any, sock: socket.socket, *where: Any, **until: Any) -> Any:
        try:
            return await connect(self, net, sock, *where, **until)
        except BaseException:  # GeneratorExit, where the client is closed
            sock.close()
            raise

    sockets.sock_connect = connect_or_close


def _close_with_their_loop(transport: type[KafkaTCPTransport], loop: type[NetworkSelector]) -> None:
    """Close sockets with the loop that serves them. A connection that closes while it still has bytes to send leaves
    its socket to the loop, which may end before it has closed the socket.
    """
    make, close = transport.__init__, loop.close
    if close.__name__ == "close_with_sockets":
        return
    served: WeakKeyDictionary[NetworkSelector, WeakSet[KafkaTCPTransport]] = WeakKeyDictionary()

    def make_served(self: KafkaTCPTransport, net: NetworkSelector, *rest: Any, **more: Any) -> None:
        make(self, net, *rest, **more)
        served.setdefault(net, WeakSet()).add(self)

    def close_with_sockets(self: NetworkSelector) -> None:
        close(self)
        for one in list(served.pop(self, ())):
            sock, one._sock = one._sock, None  # noqa: SLF001 - see above
            if sock is not None:
                sock.close()

    transport.__init__, loop.close = make_served, close_with_sockets


def _tell_why_not_described(admin: type[KafkaAdminClient]) -> None:
    """Make `describe_configs` raise the error that a broker answers instead of configs: it doesn't know the topic yet,
    or may not describe it to us. kafka-python returns no configs then, and no error.
    """
    read = admin._describe_configs_process_responses  # noqa: SLF001 - see above
    if read.__name__ == "read_or_raise":
        return

    def read_or_raise(responses: Any, *rest: Any, **more: Any) -> Any:
        for result in (result for response in responses for result in response.results):
            error = kafka_errors.for_code(result.error_code)
            if error is not kafka_errors.NoError:
                raise error(f"{result.resource_name}: {result.error_message}")
        return read(responses, *rest, **more)

    admin._describe_configs_process_responses = staticmethod(read_or_raise)  # noqa: SLF001


def _ask_once(metadata: type[ClusterMetadata]) -> None:
    """Make a second request for metadata wait for the answer to the first, and wake nobody. While no broker leads a
    partition, a producer asks whenever it wakes, and its request woke it again: it kept a core busy until a broker led.
    """
    request = metadata.request_update
    if request.__name__ == "request_once":
        return

    def request_once(self: ClusterMetadata) -> Future:
        asked, is_served = self._future, self._refresh_loop_future is not None
        is_open = self._need_update and asked is not None and not asked.is_done
        return asked if is_served and is_open else request(self)

    metadata.request_update = request_once
