"""Writes to a socket that takes what it can, and says how long a slow peer may take.

A peer has to take `LEAST_BYTES` in each `send_seconds` that it lets us wait. That is 9 kbit/s: a phone on 2G gets 20 to
40. Only bytes that have arrived count, as the kernel tells it, not those in its buffers. Time doesn't count in which
nothing is to be sent, or the socket takes all at once.
"""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from typing import TYPE_CHECKING, Final

import trio

from placed.tasks.shared_bytes import piece_of

if TYPE_CHECKING:
    from placed.http.answer import Body

LEAST_BYTES: Final = 32_768


def write_both(fd: int, data: bytes | memoryview, body: Body = b"", start: int = 0) -> int:
    """Write `data` and then the body, from `start` on, as far as the kernel takes it without a wait.

    Returns:
        how many bytes it took.

    Raises:
        OSError: the connection broke.
        TakenBack: the body's owner took it back.
    """
    try:
        if not body:
            return os.write(fd, data)
        return os.writev(fd, (data, piece_of(body, start, len(body))))
    except BlockingIOError:
        return 0


class Pace:
    """How fast one socket's peer takes what is written to it.

    Args:
        send_seconds: in which it has to take `LEAST_BYTES`.

    Attributes:
        written: bytes that the kernel took; the writer adds to it.
    """

    def __init__(self, send_seconds: float) -> None:
        self._send_seconds = send_seconds
        self._left_seconds = send_seconds
        self._arrived: int | None = None  # when the time began to run
        self.written = 0

    async def wait_writable(self, fd: int) -> bool:
        """Wait until the socket takes more; whether it does, or is too slow.

        Raises:
            trio.ClosedResourceError: it was closed meanwhile.
        """
        if self._arrived is None:
            self._arrived = self.written - _queued_bytes(fd)
        while True:
            began = trio.current_time()
            with trio.move_on_at(began + self._left_seconds) as deadline:
                await trio.lowlevel.wait_writable(fd)
            if not deadline.cancelled_caught:
                self._left_seconds = max(0.0, self._left_seconds - (trio.current_time() - began))
                return True
            arrived = self.written - _queued_bytes(fd)
            if arrived - self._arrived < LEAST_BYTES:
                return False
            self._arrived, self._left_seconds = arrived, self._send_seconds


def _queued_bytes(fd: int) -> int:
    """How many bytes the kernel has that the peer's hasn't; 0 where the system doesn't tell."""
    try:
        return int(struct.unpack("i", fcntl.ioctl(fd, termios.TIOCOUTQ, bytes(4)))[0])
    except OSError:
        return 0
