"""Limits how many frames one client may get by catching up. Pure.

Each client, as in `placed.http.client_limit`, has an allowance of frames that fills up within a minute. A subscriber
that begins a full frame or more behind takes as many frames from the allowance as it lacks. The server refuses it only
if the allowance is empty. So a client can overdraw its allowance once, and then has to wait until the overdraft is paid
back. A subscriber that lacks less than a frame takes nothing, however often it comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from placed.canvas.author import client_of
from placed.http.answer import Problem, retry_after
from placed.http.client_address import is_inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placed.http.client_address import Network

FRAMES_FOR_EACH_STREAM: Final = 16  # 49,000 edits: three minutes of the busiest hour of r/place 2017
_FULL_SECONDS: Final = 60.0
_MOST_CLIENTS: Final = 65_536  # 10 MB; past that, the client that asked longest ago is forgotten


class CatchUpLimit:
    """The allowances of all clients.

    Args:
        most_streams: how many streams a client may have at a time; each adds to its allowance. 0 is no limit.
        unlimited: networks without a limit. A client without an IP address, as behind a Unix socket, has none either.
    """

    def __init__(self, most_streams: int, unlimited: Sequence[Network] = ()) -> None:
        self.most_frames = most_streams * FRAMES_FOR_EACH_STREAM
        self._unlimited = tuple(unlimited)
        self._full_at: dict[bytes, float] = {}  # the client that asked longest ago first

    def __len__(self) -> int:
        """How many clients' allowances are remembered."""
        return len(self._full_at)

    def take(self, address: str, frames: int, now_seconds: float) -> float:
        """Take so many frames from the allowance of the client at `address`.

        Returns:
            0 if that was possible; otherwise the seconds until it will be.
        """
        client = client_of(address)
        if not frames or not self.most_frames or client is None or is_inside(address, self._unlimited):
            return 0.0
        full_at = max(now_seconds, self._full_at.get(client, now_seconds))
        if full_at - now_seconds >= _FULL_SECONDS:
            return full_at - now_seconds - _FULL_SECONDS + _FULL_SECONDS / self.most_frames
        self._full_at.pop(client, None)
        self._full_at[client] = full_at + frames * _FULL_SECONDS / self.most_frames
        self._forget(now_seconds)
        return 0.0

    def _forget(self, now_seconds: float) -> None:
        """Forget the client that asked longest ago, if its allowance is full again, or there are too many clients."""
        oldest = next(iter(self._full_at))
        if self._full_at[oldest] <= now_seconds or len(self._full_at) > _MOST_CLIENTS:
            del self._full_at[oldest]


def too_many_catch_ups(wait_seconds: float) -> Problem:
    """The 429 for a client whose allowance is used up."""
    detail = (
        "your address has asked for many old versions within a minute; wait, or load the image and follow from there"
    )
    return Problem(429, "too-many-catch-ups", detail, retry_after(wait_seconds), retry_after_seconds=wait_seconds)
