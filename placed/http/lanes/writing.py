"""Writes to a socket as much as it takes at once, and says when a peer is too slow.

A peer has to take `LEAST_BYTES` in each `send_seconds` that the server waits for it. That is 9 kbit/s: a phone on 2G
gets 20 to 40. Only bytes that have arrived count, as the kernel reports, not those in its buffers. Time counts only
while the server waits: not while it has nothing to send, or the socket takes all at once.
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
    """Write `data` and then the body from `start` on, as much as the kernel takes without a wait.

    Returns:
        how many bytes the kernel took.

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
    """Measures how fast one socket's peer takes the bytes that are written to it.

    Args:
        send_seconds: the time in which the peer has to take `LEAST_BYTES`.

    Attributes:
        written: how many bytes the kernel took; the code that writes to the socket adds to it.
    """

    def __init__(self, send_seconds: float) -> None:
        self._send_seconds = send_seconds
        self._left_seconds = send_seconds
        self._arrived: int | None = None  # bytes that had arrived when the current `send_seconds` began
        self.written = 0

    async def wait_writable(self, fd: int) -> bool:
        """Wait until the socket takes more bytes; False if the peer is too slow.

        Raises:
            trio.ClosedResourceError: the socket was closed meanwhile.
        """
        if self._arrived is None:
            self._arrived = self.written - _queued_bytes(fd)
        while True:
            began = trio.current_time()
            with trio.move_on_at(began + self._left_seconds) as deadline:
                await trio.lowlevel.wait_writable(fd)
            if not deadline.cancelled_caught:
                # Short waits add up. Otherwise a peer that takes a byte now and then would have a new `send_seconds`
                # each time, for ever.
                self._left_seconds = max(0.0, self._left_seconds - (trio.current_time() - began))
                return True
            arrived = self.written - _queued_bytes(fd)
            if arrived - self._arrived < LEAST_BYTES:
                return False
            self._arrived, self._left_seconds = arrived, self._send_seconds


def _queued_bytes(fd: int) -> int:
    """How many bytes the kernel has that haven't arrived at the peer's kernel; 0 if the system doesn't say."""
    try:
        return int(struct.unpack("i", fcntl.ioctl(fd, termios.TIOCOUTQ, bytes(4)))[0])
    except OSError:
        return 0
