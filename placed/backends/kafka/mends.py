"""What kafka-python 3.x forgets, mended in its own classes, since it has no public place for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka.net.inet import KafkaNetSocket
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

if TYPE_CHECKING:
    import socket


def mend_library() -> None:
    """Mend it for all clients of this process. Idempotent."""
    for transport in (KafkaTCPTransport, KafkaSSLTransport):
        _hear_last_words(transport)
    _close_unconnected(KafkaNetSocket)


def _hear_last_words(transport: type[KafkaTCPTransport]) -> None:
    """Have kafka-python read the bytes that come together with a connection's end."""
    receive = transport._sock_recv  # noqa: SLF001 - see above
    if receive.__name__ == "receive_then_end":
        return

    def receive_then_end(self: KafkaTCPTransport) -> tuple[bytes, Exception | None]:
        data, error = receive(self)
        return (data, None) if data else (data, error)  # the end is still there at the next call

    transport._sock_recv = receive_then_end  # noqa: SLF001


def _close_unconnected(sockets: type[KafkaNetSocket]) -> None:
    """Have a socket closed that couldn't be connected, or that is being connected while its client is closed."""
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
