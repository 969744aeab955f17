"""Opens the server's sockets, and refuses requests there while the server isn't ready."""

from __future__ import annotations

import contextlib
import errno
import socket
from typing import TYPE_CHECKING, Final

import trio

from placed.http.lanes.app import create_waiting_app
from placed.http.lanes.front import Front

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Iterable

    from placed.http.answer import Problem

_WAITING_GRACE_SECONDS: Final = 1.0


class CannotListen(Exception):
    """The server can't listen on the address."""


async def listen(host: str, port: int, chosen_by: str = "--host and --port") -> list[trio.SocketListener]:
    """Listen on each address of the host; port 0 lets the system choose.

    Args:
        host: a name or an address.
        port: 0 to 65535.
        chosen_by: the settings that give host and port, as the operator knows them, for the error message.

    Raises:
        CannotListen: the address isn't free, or isn't one of this machine's.
    """
    try:
        return await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        busy = error.errno == errno.EADDRINUSE or isinstance(error.__cause__, OSError)
        why = "the address is in use" if busy and error.errno != errno.EACCES else (error.strerror or str(error))
        raise CannotListen(f"{host}:{port}: {why}; choose another with {chosen_by}") from error


class Listening:
    """The sockets that one process listens on, for as long as it lives: also while its server starts again.

    Args:
        host: a name or an address; not used if there are inherited sockets.
        port: 0 to 65535; not used if there are inherited sockets.
        chosen_by: see `listen`.
        inherited: sockets that listen already.

    Attributes:
        sockets: the open sockets.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        chosen_by: str = "--host and --port",
        inherited: Iterable[socket.socket] = (),
    ) -> None:
        self._host = host
        self._port = port
        self._chosen_by = chosen_by
        self.sockets = list(inherited)

    async def open(self) -> list[trio.SocketListener]:
        """Make listeners on these sockets, and open the sockets if they aren't. Closing a listener leaves them open.

        Raises:
            CannotListen: see `listen`.
        """
        if not self.sockets:
            listeners = await listen(self._host, self._port, self._chosen_by)
            self.sockets = [socket.socket(fileno=listener.socket.detach()) for listener in listeners]
        copies = [trio.socket.from_stdlib_socket(each.dup()) for each in self.sockets]
        return [trio.SocketListener(copy) for copy in copies]

    def close(self) -> None:
        """Close the sockets: the system refuses new connections once the listeners are closed, too. Idempotent."""
        for each in self.sockets:
            each.close()
        self.sockets = []


def address_of(listener: trio.SocketListener) -> str:
    """The IP address that the listener listens on."""
    return str(listener.socket.getsockname()[0])


def url_of(scheme: str, listener: trio.SocketListener) -> str:
    """The URL at which the listener answers."""
    host, port = listener.socket.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


@contextlib.asynccontextmanager
async def refusing(
    listeners: list[trio.SocketListener], tls: ssl.SSLContext | None, problem: Callable[[], Problem]
) -> AsyncIterator[None]:
    """Answer each request with `problem` while the block runs; the listeners stay open."""
    front = Front(create_waiting_app(problem), tls=tls)
    async with trio.open_nursery() as nursery:
        await nursery.start(front.serve, [trio.SocketListener(listener.socket.dup()) for listener in listeners])
        try:
            yield
        finally:
            with trio.CancelScope(shield=True):  # bounded by the grace
                await front.stop(_WAITING_GRACE_SECONDS)
            nursery.cancel_scope.cancel()
