"""Answers polls: requests that wait for new edits, and end. They are for clients that no stream reaches.

A poll follows while it waits, as a stream does, and counts as one subscriber. Its answer begins with the status at the
moment when it is given, and then has the frames that there are by then, or reload. A poll takes the task of its
connection, and the server doesn't notice a peer that leaves before `MAX_WAIT_SECONDS` are over. So there is a limit for
each client.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from placed.stream.subscriber import Subscriber

MAX_WAIT_SECONDS: Final = 30  # what proxies and browsers wait for an answer at the least
MOST_POLLS: Final = 256  # of one client, at once; twice as many as streams, as a school's tabs all come at once
# Of a fleet, each poll may come to another server, which is a moment behind the one before: to send the poll back to
# the image would load it again and again.
_AHEAD_SECONDS: Final = 2.0
_ENOUGH_BYTES: Final = 65_536  # and the frame by which that is passed: who is far behind asks again
MOST_FRAMES: Final = 4  # full ones, as base64, that are so many bytes
# What comes so soon after an edit goes with it. So one who asks again at once does so four times a second, however much
# is painted; and it's spread, as a thousand who are woken by one edit are 0.1 s of work.
_GATHER_SECONDS: Final = (0.15, 0.35)


class Polls:
    """All polls of one server.

    Attributes:
        open: how many wait, or are being answered.
    """

    def __init__(self) -> None:
        self.open = 0

    async def events(self, subscriber: Subscriber, wait_seconds: float, retry_ms: int) -> bytes:
        """The events for a subscriber, as soon as there are new edits, or its time is over.

        Args:
            subscriber: just begun; closed here.
            wait_seconds: at most.
            retry_ms: how long EventSource waits before it asks again.

        Cancellation: loses nothing.
        """
        self.open += 1
        try:
            with trio.move_on_after(wait_seconds):
                with trio.move_on_after(_AHEAD_SECONDS):
                    await subscriber.wait_until_there()
                if not subscriber.has_news():
                    await subscriber.wait()
                    if not subscriber.is_ending:
                        await trio.sleep(random.uniform(*_GATHER_SECONDS))  # noqa: S311 - keeps no secret
            return subscriber.opening(retry_ms) + await subscriber.take(_ENOUGH_BYTES)
        finally:
            self.open -= 1
            subscriber.close()
