"""Limits how much one client may have open at a time: connections, or streams.

A client is an address, an IPv6 address together with its whole /64, as for cooldowns. Only what is open is counted, and
a counter that has come to 0 is removed. So there are never more counters than open connections and streams. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from placed.canvas.author import client_of
from placed.http.answer import Problem, retry_after
from placed.http.client_address import is_inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placed.http.client_address import Network

_RETRY_SECONDS = 10.0  # a guess: a tab that is closed makes room


class Held:
    """One client's count of open connections or streams; all of them share it. Each calls `leave` once."""

    __slots__ = ("_by_client", "_client", "count")

    def __init__(self, by_client: dict[bytes, Held], client: bytes) -> None:
        self._by_client = by_client
        self._client = client
        self.count = 0

    def leave(self) -> None:
        """One of them is closed."""
        self.count -= 1
        if not self.count:
            self._by_client.pop(self._client, None)


class ClientLimit:
    """A limit for each client.

    Args:
        most: how many one client may have open; 0 is no limit.
        unlimited: networks whose clients aren't counted. Who has no IP address, as behind a Unix socket, isn't either.
    """

    def __init__(self, most: int, unlimited: Sequence[Network] = ()) -> None:
        self.most = most
        self._unlimited = tuple(unlimited)
        self._by_client: dict[bytes, Held] = {}
        self._uncounted = Held({}, b"")  # one for all of them: it is held for as long as a stream, by each stream

    def __len__(self) -> int:
        """How many clients have anything open."""
        return len(self._by_client)

    def enter(self, address: str) -> Held | None:
        """One more for the client at `address`, to be left again; None when it has all that it may."""
        client = client_of(address)
        if not self.most or client is None or is_inside(address, self._unlimited):
            self._uncounted.count += 1
            return self._uncounted
        held = self._by_client.get(client)
        if held is None:
            held = self._by_client[client] = Held(self._by_client, client)
        if held.count >= self.most:
            return None
        held.count += 1
        return held


def too_many(what: str, limit: ClientLimit) -> Problem:
    """The 429 to a client that has as many `what`, streams or connections, open as it may."""
    detail = f"your address has {limit.most} {what} open, as many as it may; close some, or try again"
    return Problem(429, f"too-many-{what}", detail, retry_after(_RETRY_SECONDS), limit=limit.most)
