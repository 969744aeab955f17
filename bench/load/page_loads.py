"""`python -m bench.load.page_loads`: people who open the page, as their browsers ask for it. Linux only, by epoll.

Each person has six connections, as a browser has to one host over HTTP/1.1. The first connection requests the page;
after that all of them request its files, and then `/info` and the image. Nobody follows a stream: other benches measure
streams.

    argument           a `Visit` as JSON
    standard input     a line makes everybody open the page once
    standard output    a line once all are connected; then a `Loaded` as JSON each time that all have opened the page
"""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import time
from collections import deque
from typing import Final

import attrs

from bench.equipment.load_process import Busy, Stopwatch

_CONNECTIONS: Final = 6
_CONNECT_SECONDS: Final = 60.0
_MOST_SECONDS: Final = 120.0
_READ_BYTES: Final = 1 << 18
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_FIELDS: Final = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36\r\n"
    "Accept: */*\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-US,en;q=0.9\r\n"
    "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: script\r\n"
)


@attrs.frozen
class Visit:
    """Visitors, and what they load.

    Attributes:
        visitors: how many open the page at the same time.
        targets: targets that each visitor requests after the page.
    """

    host: str
    port: int
    visitors: int
    targets: tuple[str, ...]


@attrs.frozen
class Loaded:
    """The results of one time.

    Attributes:
        seconds: until the last visitor had everything.
        each_ms: how long each visitor's own load took.
        wrong: answers other than 200, and missing ones.
        busy: how busy this process was.
    """

    seconds: float
    each_ms: list[float]
    wrong: int
    busy: Busy


class _Visitor:
    """One visitor.

    Attributes:
        left: targets not requested yet.
        missing: number of answers still missing.
    """

    def __init__(self, links: list[_Link]) -> None:
        self.links = links
        self.left: deque[str] = deque()
        self.missing = 0


class _Link:
    """One connection; `missing` bytes of its answer's body are still to come, -1 while its head is."""

    __slots__ = ("head", "missing", "owner", "socket")

    def __init__(self, link: socket.socket) -> None:
        self.socket = link
        self.head = b""
        self.missing = -1


class _Crowd:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._poll = select.epoll()
        self._owners: dict[int, tuple[_Link, _Visitor]] = {}
        self._visitors = [_Visitor([self._open() for _ in range(_CONNECTIONS)]) for _ in range(visit.visitors)]
        for visitor in self._visitors:
            self._owners |= {link.socket.fileno(): (link, visitor) for link in visitor.links}
        self._end = f" HTTP/1.1\r\nHost: {visit.host}:{visit.port}\r\n{_FIELDS}\r\n"
        self._wrong = 0
        self._each_ms: list[float] = []
        self._began = 0.0

    def load(self) -> Loaded:
        """Let everybody open the page once."""
        watch, self._wrong, self._each_ms, self._began = Stopwatch(), 0, [], time.monotonic()
        for visitor in self._visitors:
            visitor.left, visitor.missing = deque(self._visit.targets), 1 + len(self._visit.targets)
            self._ask(visitor.links[0], "/")
        while len(self._each_ms) < len(self._visitors) and time.monotonic() < self._began + _MOST_SECONDS:
            for fd, _ in self._poll.poll(1):
                self._receive(*self._owners[fd])
        self._wrong += sum(visitor.missing for visitor in self._visitors)
        return Loaded(time.monotonic() - self._began, self._each_ms, self._wrong, watch.lap())

    def _open(self) -> _Link:
        link = _Link(socket.create_connection((self._visit.host, self._visit.port), timeout=_CONNECT_SECONDS))
        link.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._poll.register(link.socket, select.EPOLLIN)
        return link

    def _ask(self, link: _Link, target: str) -> None:
        link.head, link.missing = b"", -1
        link.socket.sendall(f"GET {target}{self._end}".encode())

    def _receive(self, link: _Link, visitor: _Visitor) -> None:
        data = link.socket.recv(_READ_BYTES)
        if not data:
            raise SystemExit("the server ended a connection")
        if link.missing < 0:
            link.head += data
            end = link.head.find(b"\r\n\r\n")
            length = _LENGTH.search(link.head, 0, end + 2)
            if end < 0 or length is None:
                return
            self._wrong += link.head[9:12] != b"200"
            link.missing = int(length[1]) - (len(link.head) - end - 4)
        else:
            link.missing -= len(data)
        if not link.missing:
            self._answered(link, visitor)

    def _answered(self, link: _Link, visitor: _Visitor) -> None:
        is_page = visitor.missing == 1 + len(self._visit.targets)
        visitor.missing -= 1
        if not visitor.missing:
            self._each_ms.append(1_000 * (time.monotonic() - self._began))
        for free in visitor.links if is_page else (link,):
            if visitor.left:
                self._ask(free, visitor.left.popleft())


if __name__ == "__main__":
    crowd = _Crowd(Visit(**json.loads(sys.argv[1])))
    print("{}", flush=True)
    while sys.stdin.readline():
        print(json.dumps(attrs.asdict(crowd.load())), flush=True)
