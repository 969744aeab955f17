"""Accepting connections: passing errors of the system end nothing, and waiting clients always get an answer."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Self, cast

import pytest
import trio
import trio.testing

from placed.http.lanes.accepting import accept

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_SECONDS = 10.0


class _Listener:
    """Fails as the test says, once for each error, and then accepts; `waiting` is its queue."""

    def __init__(self, errors: list[BaseException]) -> None:
        self.errors = errors
        self.closed = False
        self.waiting: list[trio.SocketStream] = []
        self.asked = trio.Event()

    async def accept(self) -> trio.SocketStream:
        """The next connection, or raise the next error."""
        await trio.lowlevel.checkpoint()
        if self.errors:
            raise self.errors.pop(0)
        if self.waiting:
            return self.waiting.pop(0)
        self.asked.set()
        await trio.sleep_forever()
        raise AssertionError

    async def aclose(self) -> None:
        """Close it."""
        self.closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


async def _stay(_stream: trio.SocketStream) -> None:
    await trio.sleep_forever()


async def accepting(listener: _Listener, on_full: Callable[[], None]) -> None:
    """Accept until the listener has no more connections and errors."""
    with trio.fail_after(LIMIT_SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(accept, cast("trio.SocketListener", listener), _stay, nursery, on_full)
            await listener.asked.wait()
            while listener.errors or listener.waiting:
                await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
async def test_those_who_wait_while_there_is_no_descriptor_are_closed(number: int) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.setblocking(False)
        listener, full = _Listener([OSError(number, "too many files")]), list[int]()
        listener.waiting.append(trio.SocketStream(trio.socket.from_stdlib_socket(ours)))
        await accepting(listener, lambda: full.append(1))
        assert full == [1]
        assert theirs.recv(1) == b""
        assert listener.closed


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.ENOMEM, "no memory"), OSError(errno.ENOBUFS, "none")])
async def test_want_of_memory_is_waited_out(error: BaseException) -> None:
    listener = _Listener([error])
    await accepting(listener, lambda: None)
    assert listener.closed


async def test_a_listener_that_is_broken_ends_it() -> None:
    listener = _Listener([OSError(errno.EBADF, "closed")])
    with pytest.RaisesGroup(OSError):
        async with trio.open_nursery() as nursery:
            await accept(cast("trio.SocketListener", listener), _stay, nursery, lambda: None)
    assert listener.closed
