"""Says how many connections the process has room for: each takes a file descriptor, and their number is limited.

    0 ............ the limit
    [ our own, 22 ][ files opened in passing, 26 ][ refused ones that are heard out, 16 ][ connections ]

With a limit of 64 to 79 there are still 16 connections, and fewer descriptors for the middle two. With a limit below 64
no server starts.
"""

from __future__ import annotations

import contextlib
import resource
from typing import Final

from placed.telemetry.structured_logs import get_logger

_OTHERS: Final = 64  # listeners, the folders' files, epolls, standard streams, files opened in passing, and `LINGERING`
LINGERING: Final = 16  # refused connections that stay open until their peers have read why; in a flood others are cut
LEAST_ROOM: Final = 16
LEAST_DESCRIPTORS: Final = 64
_FEW: Final = 256
_FEW_LINGERING: Final = 4


class TooFewDescriptors(Exception):
    """The process may open too few files to serve anybody."""


def room_for_connections() -> tuple[int, int]:
    """Raise the limit as far as it goes; return how many connections there may be, and how many refused ones as well.

    Raises:
        TooFewDescriptors: the limit is less than `LEAST_DESCRIPTORS`.
    """
    limit = _raised_limit()
    if limit < LEAST_DESCRIPTORS:
        raise TooFewDescriptors(
            f"this process may open {limit} files; allowed are {LEAST_DESCRIPTORS} or more: "
            "raise ulimit -n, or LimitNOFILE"
        )
    room = max(LEAST_ROOM, limit - _OTHERS)
    return room, LINGERING if limit >= _OTHERS + LEAST_ROOM else _FEW_LINGERING


def tell_few(room: int) -> None:
    """Log a warning if there is room for few connections; called once, at the start."""
    if room < _FEW - _OTHERS:
        advice = "raise ulimit -n, or LimitNOFILE"
        get_logger(__name__).warning("few files may be open", room_for_connections=room, advice=advice)


def _raised_limit() -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS reports a hard limit that it then refuses
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return soft
