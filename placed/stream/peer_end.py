"""Finds out whether a connection's peer has left, or has only ended its own side and still reads.

TCP doesn't tell a peer that has left from one that has only ended its own side, as `nc -N` and load balancers' checks
do: a peer that has left resets the connection when anything more is sent to it. So a stream that seldom sends is nudged
to send something now.
"""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def has_left(fd: int) -> bool:
    """Whether the connection was reset. A read doesn't tell: behind the peer's end there is nothing to read."""
    poll = select.poll()
    poll.register(fd, 0)
    return bool(poll.poll(0))


class PeerEnd:
    """Of one connection: whether its peer has ended its side, and who wants to hear of it."""

    def __init__(self) -> None:
        self._is_there = False
        self._listeners: set[Callable[[], None]] = set()

    def set(self) -> None:
        """The peer says no more. Idempotent."""
        self._is_there = True
        for tell in list(self._listeners):
            tell()

    def listen(self, tell: Callable[[], None]) -> None:
        """Call `tell` when it says no more, or now if it does already; until `leave`."""
        self._listeners.add(tell)
        if self._is_there:
            tell()

    def leave(self, tell: Callable[[], None]) -> None:
        """Call it no more. Idempotent."""
        self._listeners.discard(tell)
