"""The edits of an event: placed at a steady rate over separate connections, each in the name of a person.

`bench.people.crowd` uses it. Each person is an address in X-Forwarded-For, so that each has their own cooldown.
"""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from bench.people.crowd import Event
    from bench.people.links import Links

_PAINTERS: Final = 32  # connections for edits
_MAX_LATE_SECONDS: Final = 5.0  # an edit that waits longer is left out
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class _Painter:
    """A keep-alive connection for edits; `socket` is None until it is needed."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.data = b""
        self.sent_at = 0.0


class Painters:
    """The connections that place edits, and the edits that are due.

    Args:
        links: opens the connections.
        event: the event to play.
        choose: returns the number of a person who follows and may place an edit now; None if nobody is found.

    Attributes:
        statuses: number of answers by status; also `late` and `unanswered`.
        took_ms: the time that each answer took.
    """

    def __init__(self, links: Links, event: Event, choose: Callable[[float], int | None]) -> None:
        self._links = links
        self._event = event
        self._choose = choose
        self._edits = np.load(event.edits, allow_pickle=False)
        self._next = 0
        self._free = deque(_Painter() for _ in range(_PAINTERS))
        self.statuses: Counter[str] = Counter()
        self.took_ms: list[float] = []

    def paint(self, elapsed: float) -> None:
        """Place the edits that are due, as far as connections and people who may paint are available."""
        rate = len(self._edits) / self._event.seconds
        due = min(len(self._edits), int(elapsed * rate))
        too_late = min(due, int((elapsed - _MAX_LATE_SECONDS) * rate))
        if self._next < too_late:
            self.statuses["late"] += too_late - self._next
            self._next = too_late
        now = time.monotonic()
        while self._next < due and self._free:
            number = self._choose(now)
            if number is None or not self._send(self._free[0], number):
                return
            self._free.popleft()
            self._next += 1

    def _send(self, painter: _Painter, number: int) -> bool:
        if painter.socket is None:
            painter.socket = self._links.open(lambda data: self._hear(painter, data))
            if painter.socket is None:
                return False
        edit = self._edits[self._next]
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        request = (
            f"POST /edit?x={edit['x']}&y={edit['y']}&color={edit['color']} HTTP/1.1\r\n"
            f"Host: {self._event.host}:{self._event.port}\r\nX-Forwarded-For: {address}\r\nContent-Length: 0\r\n\r\n"
        )
        painter.data, painter.sent_at = b"", time.monotonic()
        try:
            painter.socket.send(request.encode())
        except OSError:
            self._links.close(painter.socket)
            painter.socket = None
            return False
        return True

    def _hear(self, painter: _Painter, data: bytes) -> None:
        assert painter.socket is not None
        if not data:
            self._links.close(painter.socket)
            painter.socket = None
            if painter not in self._free:
                self.statuses["unanswered"] += 1
                self._free.append(painter)
            return
        painter.data += data
        head = painter.data.find(b"\r\n\r\n") + 4
        found = _LENGTH.search(painter.data, 0, head) if head >= 4 else None
        if found and len(painter.data) >= head + int(found[1]):
            self.statuses[painter.data[9:12].decode()] += 1
            self.took_ms.append(1000 * (time.monotonic() - painter.sent_at))
            self._free.append(painter)
