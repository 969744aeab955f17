"""Answers that somebody takes over from the task of their request, which ends, and with it all that it holds.

A request costs a task, what was read of it, and what Hypercorn and Quart think of it: tens of kilobytes, for as long as
its reader likes to take for the answer. So whoever has an answer that may take long lets go of the request first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import attrs

from placed.http.answer import Answer

if TYPE_CHECKING:
    from placed.http.answer import Body
    from placed.http.lanes.deadline_stream import DeadlineStream

# Given an answer, and whether it is the last of its connection: sends it, now or later, and says whether it does.
Take = Callable[[Answer, bool], Awaitable[bool]]
TAKE: Final = "take"  # where a scope's state has a `Take`


@attrs.frozen
class Unsent:
    """A response of HTTP/1.1 that is still to be sent, and all that has to be known for it.

    Attributes:
        data: its first bytes.
        body: what follows them.
        closes: whether it is the connection's last.
    """

    data: bytes
    body: Body = b""
    closes: bool = False

    async def send(self, stream: DeadlineStream, linger_seconds: float) -> bool:
        """Send it; whether the connection goes on.

        Raises:
            trio.BrokenResourceError, trio.ClosedResourceError: as `DeadlineStream.send_answer`.
        """
        await stream.send_answer(self.data, self.body)
        if self.closes:
            await stream.linger(linger_seconds)
        return not self.closes
