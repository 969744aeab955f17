"""Listening: the server's sockets, and what is said there while it isn't ready."""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING, Final

import trio

from placed.http.app import create_waiting_app
from placed.http.front import Front

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

_WAITING_GRACE_SECONDS: Final = 1.0


class CannotListen(Exception):
    """The address can't be listened on."""


async def listen(host: str, port: int) -> list[trio.SocketListener]:
    """Listen on each address of the host; port 0 lets the system choose.

    Raises:
        CannotListen: it isn't free, or not one of ours.
    """
    try:
        return await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        busy = error.errno == errno.EADDRINUSE or isinstance(error.__cause__, OSError)
        why = "the address is in use" if busy and error.errno != errno.EACCES else (error.strerror or str(error))
        raise CannotListen(f"{host}:{port}: {why}; choose another with --host and --port") from error


def url_of(scheme: str, listener: trio.SocketListener) -> str:
    """Where a listener is found."""
    host, port = listener.socket.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


@contextlib.asynccontextmanager
async def refusing(listeners: list[trio.SocketListener], tls: ssl.SSLContext | None) -> AsyncIterator[None]:
    """Answer 503 at the listeners, which stay open, while the block runs."""
    front = Front(create_waiting_app(), tls=tls)
    async with trio.open_nursery() as nursery:
        await nursery.start(front.serve, [trio.SocketListener(listener.socket.dup()) for listener in listeners])
        try:
            yield
        finally:
            with trio.CancelScope(shield=True):  # bounded by the grace
                await front.stop(_WAITING_GRACE_SECONDS)
            nursery.cancel_scope.cancel()
