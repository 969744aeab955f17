"""Ends the streams of clients that may not watch any more, with `--watch signed-in`.

The server checks each request for the canvas. But a stream is one request, and may last for days. So the server checks
all streams twice a second: a sign-out everywhere, a revoked token and the end of a session end the streams within a
second, on each server.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

    from placed.stream.subscriber import Subscriber
    from placed.stream.subscriber_sockets import SubscriberSockets

_LOOK_SECONDS: Final = 0.5
_AT_ONCE: Final = 1_000  # checks of 0.5 us each; then other tasks have a turn


class Watchers:
    """The open streams of one server, each with a check whether its client may still watch."""

    def __init__(self) -> None:
        # Weak, because a stream that nobody began to read is never ended, only dropped.
        self._passes: weakref.WeakKeyDictionary[Subscriber, Callable[[], bool]] = weakref.WeakKeyDictionary()

    def __len__(self) -> int:
        """How many streams are checked."""
        return len(self._passes)

    def note(self, subscriber: Subscriber, may_watch: Callable[[], bool]) -> None:
        """Check a stream from now on."""
        self._passes[subscriber] = may_watch

    async def run(self, sockets: SubscriberSockets) -> None:
        """Check the streams for ever; `sockets` has the streams that have no task of their own."""
        while True:
            await trio.sleep(_LOOK_SECONDS)
            await self.look(sockets)

    async def look(self, sockets: SubscriberSockets) -> None:
        """End the streams of clients that may not watch any more."""
        ended = set()
        for count, (subscriber, may_watch) in enumerate(list(self._passes.items()), 1):
            if not may_watch():
                ended.add(subscriber)
            if not count % _AT_ONCE:
                await trio.lowlevel.checkpoint()
        for subscriber in ended:
            del self._passes[subscriber]
            subscriber.end()
        if ended:
            sockets.end(ended)
