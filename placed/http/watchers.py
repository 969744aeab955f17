"""Ends the streams of those who may not watch any more, where only people may: `--watch signed-in`.

Who asks for the canvas shows each time that they may. A stream is asked for once, and may last for days. So all are
looked at twice a second: a sign-out everywhere, a revoked token and the end of a session end them within a second, on
each server.
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
_AT_ONCE: Final = 1_000  # looks of 0.5 us each; then others have a turn


class Watchers:
    """Those of one server, as far as their streams are open."""

    def __init__(self) -> None:
        # Weak, as a stream that nobody began to read ends by being forgotten.
        self._passes: weakref.WeakKeyDictionary[Subscriber, Callable[[], bool]] = weakref.WeakKeyDictionary()

    def __len__(self) -> int:
        """How many are looked at."""
        return len(self._passes)

    def note(self, subscriber: Subscriber, may_watch: Callable[[], bool]) -> None:
        """Look at a stream from now on."""
        self._passes[subscriber] = may_watch

    async def run(self, sockets: SubscriberSockets) -> None:
        """Look after them for ever; `sockets` has those that have no task of their own."""
        while True:
            await trio.sleep(_LOOK_SECONDS)
            await self.look(sockets)

    async def look(self, sockets: SubscriberSockets) -> None:
        """End the streams of those who may not watch any more."""
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
