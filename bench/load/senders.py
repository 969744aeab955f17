"""`python -m bench.load.senders`: requests over keep-alive connections, as fast as the server answers or at a rate.

Benches start this process. A client on Trio and h11 would cost more than the server that it measures. This one has a
request ready, and reads only an answer's status, its length, and a version in it. Linux only, as it uses epoll.

    closed loop   each connection sends its next request when the last one is answered
    open loop     request n is due at n / rate, even if earlier ones weren't answered; while all connections are busy
                  it waits. Latency counts from when a request was due, so that a server that stalls can't hide it

    argument           a `Load` as JSON
    standard output    an `Answers` as JSON
"""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import time
from collections import Counter, deque
from typing import Final

import attrs
import numpy as np

from bench.equipment.load_process import Busy, Stopwatch

EDIT_TARGET: Final = "/edit?x={x}&y={y}&color={color}"
_READ_BYTES: Final = 1 << 18
_GRACE_SECONDS: Final = 15.0  # time for the last answers
_CONNECT_SECONDS: Final = 60.0
_SIDE: Final = 997  # prime, so that x and y go through all pairs; taken modulo the side on a smaller canvas
_MAX_REQUESTS: Final = 5_000_000
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_VERSION: Final = re.compile(rb'"v": ?(\d+)')


@attrs.frozen
class Load:
    """The requests to send.

    Attributes:
        rate: requests a second; 0 means a closed loop.
        target, body: may have {n}, the request's number, and {x}, {y} and {color}, made from it.
        headers: header lines, each with its line end.
        people: header lines of one person each, used in turn; empty if all requests are alike.
        keeps_moments: whether to fill `Answers.moments`.
        width, height, colors: bounds of {x}, {y} and {color}.
        most: highest number of requests of a closed loop.
    """

    host: str
    port: int
    connections: int = 64
    rate: float = 0.0
    seconds: float = 5.0
    method: str = "POST"
    target: str = EDIT_TARGET
    body: str = ""
    headers: str = ""
    people: tuple[str, ...] = ()
    keeps_moments: bool = False
    width: int = 1000
    height: int = 1000
    colors: int = 16
    most: int = _MAX_REQUESTS


@attrs.define
class Answers:
    """The answers to a load.

    Attributes:
        statuses: how many answers had each status.
        unanswered: requests that were due and got no answer, because the connection ended or time was up.
        seconds: from the first request to the last answer.
        latency_ms: p50, p95, p99, p99.9 and max, from when a request was due until its whole answer.
        received_bytes: bytes of bodies received.
        moments: for each edit answered with a 2xx status: its number, its version (0 if the answer has none), and when
            it was due, by CLOCK_MONOTONIC in s.
        busy: how busy this process was.
    """

    statuses: dict[str, int] = attrs.field(factory=dict)
    unanswered: int = 0
    seconds: float = 0.0
    latency_ms: dict[str, float] = attrs.field(factory=dict)
    received_bytes: int = 0
    moments: list[tuple[int, int, float]] = attrs.field(factory=list)
    busy: Busy = attrs.field(default=Busy(0.0, 0.0))


class _Link:
    """One connection.

    Attributes:
        due: when the request under way was due.
        left: bytes of the answer's body that are still missing; -1 while its head is.
    """

    __slots__ = ("due", "head", "left", "number", "socket", "status")

    def __init__(self, link: socket.socket) -> None:
        self.socket = link
        self.due = 0.0
        self.number = 0
        self.head = b""
        self.left = -1
        self.status = 0


class _Senders:
    def __init__(self, load: Load) -> None:
        self._load = load
        self._poll = select.epoll()
        self._links: dict[int, _Link] = {}
        self._free: deque[_Link] = deque()
        self._sent = 0
        self._latencies: list[float] = []
        self._statuses: Counter[int] = Counter()
        self._answers = Answers()
        self._buffer = bytearray(_READ_BYTES)
        lines = f" HTTP/1.1\r\nHost: {load.host}:{load.port}\r\n{load.headers}"
        self._lines = [(lines + person).encode() for person in load.people or ("",)]

    def run(self) -> Answers:
        load, answers = self._load, self._answers
        for _ in range(load.connections):
            self._open()
        watch = Stopwatch()
        begin = time.monotonic()
        end = begin + load.seconds
        planned = min(_MAX_REQUESTS, max(1, round(load.rate * load.seconds)) if load.rate else load.most)
        while True:
            now = time.monotonic()
            if now >= end + _GRACE_SECONDS:
                break
            wait = self._send_due(now, begin, end, planned)
            if wait < 0 and len(self._free) == len(self._links):
                break
            # epoll alone waits whole milliseconds.
            select.select([self._poll], [], [], wait if wait >= 0 else min(0.1, end + _GRACE_SECONDS - now))
            for fd, _ in self._poll.poll(0):
                self._receive(self._links[fd])
        answers.seconds = max(1e-9, time.monotonic() - begin)
        answers.unanswered += len(self._links) - len(self._free)
        if load.rate:
            answers.unanswered += planned - self._sent
        answers.statuses = {str(status): count for status, count in sorted(self._statuses.items())}
        values = np.percentile(np.array(self._latencies or [np.nan]) * 1000, [50, 95, 99, 99.9, 100]).tolist()
        answers.latency_ms = dict(zip(("p50", "p95", "p99", "p99.9", "max"), values, strict=True))
        answers.busy = watch.lap()
        return answers

    def _send_due(self, now: float, begin: float, end: float, planned: int) -> float:
        """Send the requests that are due; return the seconds until the next one is due, negative if there is none."""
        rate = self._load.rate
        if not rate:
            while self._free and now < end and self._sent < planned:
                self._send(self._free.popleft(), now)
            return max(0.0, end - now) if now < end and self._sent < planned else -1.0
        due = min(planned, int((now - begin) * rate) + 1)
        while self._free and self._sent < due:
            self._send(self._free.popleft(), begin + self._sent / rate)
        if self._sent >= planned:
            return -1.0
        return max(0.0, begin + self._sent / rate - now) if self._free else 0.1

    def _send(self, link: _Link, due: float) -> None:
        number, load = self._sent, self._load
        self._sent += 1
        values = {
            "n": number + 1,
            "x": number % _SIDE % load.width,
            "y": number // _SIDE % _SIDE % load.height,
            "color": number % load.colors,
        }
        body = load.body.format_map(values).encode()
        target = load.target.format_map(values)
        length = b"Content-Length: %d\r\n" % len(body) if load.method == "POST" else b""
        link.due, link.number, link.head, link.left = due, number + 1, b"", -1
        lines = self._lines[number % len(self._lines)]
        data = b"%b %b%b%b\r\n%b" % (load.method.encode(), target.encode(), lines, length, body)
        try:
            link.socket.sendall(data)  # a request is far smaller than the socket's buffer
        except OSError:
            self._reopen(link)

    def _open(self) -> None:
        link = _Link(socket.create_connection((self._load.host, self._load.port), timeout=_CONNECT_SECONDS))
        link.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.socket.setblocking(False)
        self._links[link.socket.fileno()] = link
        self._poll.register(link.socket, select.EPOLLIN)
        self._free.append(link)

    def _reopen(self, link: _Link) -> None:
        self._answers.unanswered += 1
        fd = link.socket.fileno()
        self._poll.unregister(fd)
        del self._links[fd]
        link.socket.close()
        self._open()

    def _receive(self, link: _Link) -> None:
        try:
            count = link.socket.recv_into(self._buffer)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        if not count:
            if link in self._free:  # an idle connection may end
                self._free.remove(link)
                self._answers.unanswered -= 1
            self._reopen(link)
            return
        if link.left < 0:
            link.head += self._buffer[:count]
            end = link.head.find(b"\r\n\r\n")
            if end < 0:
                return
            link.status = int(link.head[9:12])
            found = _LENGTH.search(link.head, 0, end + 2)
            length = int(found[1]) if found and link.status != 304 else 0
            self._answers.received_bytes += length
            link.left = length - (len(link.head) - end - 4)
        else:
            link.left -= count
            if self._load.keeps_moments:  # the version is there, where the body comes behind the head
                link.head += self._buffer[:count]
        if link.left <= 0:
            self._finish(link)

    def _finish(self, link: _Link) -> None:
        self._latencies.append(time.monotonic() - link.due)
        self._statuses[link.status] += 1
        if self._load.keeps_moments and 200 <= link.status < 300:
            version = _VERSION.search(link.head)
            self._answers.moments.append((link.number, int(version[1]) if version else 0, link.due))
        self._free.append(link)


if __name__ == "__main__":
    print(json.dumps(attrs.asdict(_Senders(Load(**json.loads(sys.argv[1]))).run())), flush=True)
