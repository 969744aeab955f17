"""Answers polls: requests that wait for new edits, and end. They are for clients that no stream reaches.

While a poll waits, it follows the feed as a stream does, and counts as one subscriber. Its answer begins with the
status at the moment of the answer; then come the frames that there are by then, or a reload. A poll occupies the task
of its connection, and the server doesn't notice a peer that leaves before `MAX_WAIT_SECONDS` are over. So there is a
limit for each client.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from placed.stream.subscriber import Subscriber

MAX_WAIT_SECONDS: Final = 30  # all proxies and browsers wait at least this long for an answer
MOST_POLLS: Final = 256  # of one client, at once; twice as many as streams, as a school's tabs all come at once
# In a fleet, each poll may come to another server, which may be a moment behind the last one. If the server answered
# with a reload, the client would load the image again and again.
_AHEAD_SECONDS: Final = 2.0
_ENOUGH_BYTES: Final = 65_536  # an answer ends with the frame that passes this; a client far behind asks again
MOST_FRAMES: Final = 4  # full frames, as base64, that make so many bytes
# A poll waits this long after the first new edit, and takes all edits that have come by then. So a client that asks
# again at once does so four times a second, however much is painted. The time is random, because an edit wakes all
# polls, and a thousand of them are 0.1 s of work.
_GATHER_SECONDS: Final = (0.15, 0.35)


class Polls:
    """All polls of one server.

    Attributes:
        open: how many polls wait, or are being answered.
    """

    def __init__(self) -> None:
        self.open = 0

    async def events(self, subscriber: Subscriber, wait_seconds: float, retry_ms: int) -> bytes:
        """The events for a subscriber, as soon as there are new edits, or the wait is over.

        Args:
            subscriber: a new one; this closes it.
            wait_seconds: the longest wait.
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
