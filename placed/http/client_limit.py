"""Limits how many connections, or streams, one client may have open at a time.

A client is an address; an IPv6 address counts together with its whole /64, as for cooldowns. A counter counts only open
connections or streams, and is removed when it comes to 0. So there are never more counters than open connections and
streams. Pure.
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
    """One client's counter, which all its open connections or streams share. Each of them calls `leave` once."""

    __slots__ = ("_by_client", "_client", "count")

    def __init__(self, by_client: dict[bytes, Held], client: bytes) -> None:
        self._by_client = by_client
        self._client = client
        self.count = 0

    def leave(self) -> None:
        """Count down, because one connection or stream has closed."""
        self.count -= 1
        if not self.count:
            self._by_client.pop(self._client, None)


class ClientLimit:
    """A limit for each client.

    Args:
        most: how many one client may have open; 0 is no limit.
        unlimited: networks whose clients aren't counted; nor is a client without an IP address, as on a Unix socket.
    """

    def __init__(self, most: int, unlimited: Sequence[Network] = ()) -> None:
        self.most = most
        self._unlimited = tuple(unlimited)
        self._by_client: dict[bytes, Held] = {}
        self._uncounted = Held({}, b"")  # one for all uncounted clients: each of their streams keeps it till its end

    def __len__(self) -> int:
        """How many clients have anything open."""
        return len(self._by_client)

    def enter(self, address: str) -> Held | None:
        """Count one more for the client at `address`, until `leave`; None if the client has as many as it may."""
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
    """The 429 for a client that has as many `what`, such as streams or connections, open as it may."""
    detail = f"your address has {limit.most} {what} open, which is the limit; close some, or try again"
    return Problem(429, f"too-many-{what}", detail, retry_after(_RETRY_SECONDS), limit=limit.most)
