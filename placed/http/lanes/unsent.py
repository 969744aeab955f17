"""Answers that are sent after the task of their request has ended, and has freed all that it held.

A request holds a task, the bytes that were read, and the objects of Hypercorn and Quart: tens of kilobytes, for as long
as its client takes to read the answer. So an answer that may take long is sent once its request is gone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import attrs

from placed.http.answer import Answer

if TYPE_CHECKING:
    from placed.http.answer import Body
    from placed.http.lanes.deadline_stream import DeadlineStream

# A function that gets an answer, and whether it is its connection's last. It takes the answer over, to send it now or
# later, or says False.
Take = Callable[[Answer, bool], Awaitable[bool]]
TAKE: Final = "take"  # the key of a `Take` in a scope's state


@attrs.frozen
class Unsent:
    """An HTTP/1.1 response that is still to be sent.

    Attributes:
        data: its first bytes.
        body: the bytes that follow `data`.
        closes: whether it is the connection's last response.
    """

    data: bytes
    body: Body = b""
    closes: bool = False

    async def send(self, stream: DeadlineStream, linger_seconds: float) -> bool:
        """Send the response, and say whether the connection goes on.

        Raises:
            trio.BrokenResourceError, trio.ClosedResourceError: see `DeadlineStream.send_answer`.
        """
        await stream.send_answer(self.data, self.body)
        if self.closes:
            await stream.linger(linger_seconds)
        return not self.closes
