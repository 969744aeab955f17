"""Thousands of connections to one server, in one loop over one epoll; each has a function for incoming data.

`bench.people.crowd` uses it. Linux only.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import sys
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_READ_BYTES: Final = 1 << 18
_POLL_SECONDS: Final = 0.05


class Links:
    """All connections of one process, and its standard input.

    Attributes:
        failed: attempts to connect that failed, by reason.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._poll = select.epoll()
        self._poll.register(sys.stdin, select.EPOLLIN)
        self._streams: dict[int, Callable[[bytes], None]] = {}
        self.failed: Counter[str] = Counter()

    def open(self, receive: Callable[[bytes], None]) -> socket.socket | None:
        """Open a connection; `receive` gets the data that arrives, and b"" at its end. None if it can't be opened."""
        link = socket.socket()
        try:
            link.settimeout(5.0)
            link.connect((self._host, self._port))
        except OSError as error:
            self.failed[errno.errorcode.get(error.errno or 0, "timeout")] += 1
            link.close()
            return None
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.setblocking(False)
        self._streams[link.fileno()] = receive
        self._poll.register(link, select.EPOLLIN)
        return link

    def close(self, link: socket.socket) -> None:
        """End a connection that `open` returned."""
        del self._streams[link.fileno()]
        self._poll.unregister(link)
        link.close()

    def hear(self) -> bool:
        """Wait for a moment, pass on the data that has arrived, and say whether standard input has something."""
        is_asked = False
        for fd, _ in self._poll.poll(_POLL_SECONDS):
            if fd == sys.stdin.fileno():
                is_asked = True
            elif fd in self._streams:
                self._receive(fd)
        return is_asked

    def _receive(self, fd: int) -> None:
        try:
            data = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._streams[fd](data)
