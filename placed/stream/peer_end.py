"""Finds out whether a connection's peer has left, or has only ended its own side and still reads.

In TCP both look the same, and `nc -N` and load balancers' checks only end their own side. The difference shows when
something is sent: a peer that has left resets the connection. So a stream that seldom sends must send something now.
"""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def has_left(fd: int) -> bool:
    """Whether the connection was reset. A read can't tell: once the peer has ended its side, it only finds the end."""
    poll = select.poll()
    poll.register(fd, 0)
    return bool(poll.poll(0))


class PeerEnd:
    """Whether one connection's peer has ended its side, and the functions to call when it does."""

    def __init__(self) -> None:
        self._is_there = False
        self._listeners: set[Callable[[], None]] = set()

    def set(self) -> None:
        """Note that the peer has ended its side, and call the listeners. Idempotent."""
        self._is_there = True
        for tell in list(self._listeners):
            tell()

    def listen(self, tell: Callable[[], None]) -> None:
        """Call `tell` when the peer ends its side, or now if it has done so already; until `leave`."""
        self._listeners.add(tell)
        if self._is_there:
            tell()

    def leave(self, tell: Callable[[], None]) -> None:
        """Don't call `tell` any more. Idempotent."""
        self._listeners.discard(tell)
