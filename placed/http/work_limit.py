"""Limits how much work one client may cause in the history's thread. Pure.

Each client, as in `placed.http.client_limit`, has an allowance of seconds of that thread, which slowly fills up again.
The seconds of an answer are taken from it after the answer, when they are known. So answers under way can overdraw the
allowance, and then the client has to wait until the overdraft is paid back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from placed.canvas.author import client_of
from placed.http.answer import Problem, retry_after
from placed.http.client_address import is_inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placed.http.client_address import Network

SHARE: Final = 0.25  # of the thread's time, which one client gets in the long run
ALLOWANCE_SECONDS: Final = 5.0  # of work at once: some 400 images of a canvas of 1000 x 1000
_MOST_CLIENTS: Final = 65_536  # 10 MB; past that, the client that asked longest ago is forgotten


class WorkLimit:
    """The allowances of all clients.

    Args:
        unlimited: networks without a limit. A client without an IP address, as behind a Unix socket, has none either.
    """

    def __init__(self, unlimited: Sequence[Network] = ()) -> None:
        self._unlimited = tuple(unlimited)
        self._full_at: dict[bytes, float] = {}  # the client that asked longest ago first

    def __len__(self) -> int:
        """How many clients' allowances are remembered."""
        return len(self._full_at)

    def wait_seconds(self, address: str, now_seconds: float) -> float:
        """The seconds until the client at `address` may ask again; 0 if it may now."""
        client = client_of(address)
        full_at = self._full_at.get(client, now_seconds) if client is not None else now_seconds
        return max(0.0, full_at - now_seconds - ALLOWANCE_SECONDS / SHARE)

    def spend(self, address: str, seconds: float, now_seconds: float) -> None:
        """Take the seconds of an answer from the allowance of the client at `address`."""
        client = client_of(address)
        if client is None or is_inside(address, self._unlimited):
            return
        full_at = max(now_seconds, self._full_at.pop(client, now_seconds))
        self._full_at[client] = full_at + seconds / SHARE
        oldest = next(iter(self._full_at))
        if self._full_at[oldest] <= now_seconds or len(self._full_at) > _MOST_CLIENTS:
            del self._full_at[oldest]


def too_much_work(wait_seconds: float) -> Problem:
    """The 429 for a client that has caused as much work as it may."""
    detail = "your address has asked for much of the past within a short time; wait, or keep the answers that you have"
    return Problem(429, "too-much-history", detail, retry_after(wait_seconds), retry_after_seconds=wait_seconds)
