"""Accepts connections for as long as the server lives, even when the process has no file descriptor left.

When none is left, the server closes a spare descriptor. With the room for one descriptor it accepts and closes the
waiting connections, one after the other; otherwise their clients would wait until another connection ends. `on_full`
counts them. When the system has too little memory for a connection, the server does the same, and tries again.
"""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING, Final

import trio

from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_NO_DESCRIPTORS: Final = frozenset({errno.EMFILE, errno.ENFILE})
_NO_MEMORY: Final = frozenset({errno.ENOBUFS, errno.ENOMEM})
_AGAIN_SECONDS: Final = 0.1
_WAITING_SECONDS: Final = 0.01  # for a connection that is waiting already
_MOST_AT_ONCE: Final = 100  # connections closed in a row; then the other tasks have their turn


async def accept(
    listener: trio.SocketListener,
    handler: Callable[[trio.SocketStream], Awaitable[None]],
    handlers: trio.Nursery,
    on_full: Callable[[], None],
) -> None:
    """Accept until cancelled, and start a `handler` in `handlers` for each connection; close the listener at the end.

    Raises:
        OSError: the listener fails for another reason than too few descriptors or too little memory.
    """
    spare = os.open(os.devnull, os.O_RDONLY)
    try:
        async with listener:
            while True:
                try:
                    handlers.start_soon(_handled, handler, await listener.accept())
                except (OSError, MemoryError) as error:
                    if isinstance(error, OSError) and error.errno not in _NO_DESCRIPTORS | _NO_MEMORY:
                        raise
                    get_logger(__name__).warning("can't accept a connection", reason=_reason(error))
                    if spare >= 0:
                        os.close(spare)
                        spare = -1
                    await _close_those_who_wait(listener, on_full)
                    with contextlib.suppress(OSError):
                        spare = os.open(os.devnull, os.O_RDONLY)
                    await trio.sleep(_AGAIN_SECONDS)
    finally:
        if spare >= 0:
            os.close(spare)


async def _handled(handler: Callable[[trio.SocketStream], Awaitable[None]], stream: trio.SocketStream) -> None:
    try:
        await handler(stream)
    finally:
        stream.socket.close()


async def _close_those_who_wait(listener: trio.SocketListener, on_full: Callable[[], None]) -> None:
    for _ in range(_MOST_AT_ONCE):
        stream = None
        with trio.move_on_after(_WAITING_SECONDS), contextlib.suppress(OSError, MemoryError):
            stream = await listener.accept()
        if stream is None:
            return
        stream.socket.close()
        on_full()


def _reason(error: BaseException) -> str:
    return str((isinstance(error, OSError) and error.strerror) or "no memory is left")
