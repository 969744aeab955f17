"""`python -m bench.load.stream_readers`: many clients of one stream, in one process that does as little as possible.

`bench.load.audience` starts this process. Linux only, as it uses epoll.

    argument           a `Reading` as JSON
    standard output    `"ready"` once all clients follow; then, for each line on standard input, a `Came` as JSON of
                       what has arrived since the last one
    standard input     end of file ends the process
"""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import time
from typing import TYPE_CHECKING

import attrs

from bench.equipment.load_process import Busy, Stopwatch

if TYPE_CHECKING:
    from collections.abc import Iterator

_READ_BYTES = 65_536
_CONNECT_SECONDS = 60.0
_DRAIN_EVERY = 100
_UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
)


@attrs.frozen
class Reading:
    """What the clients follow.

    Attributes:
        subscribers: how many clients follow the stream.
        target: target of the request.
        marker: a pattern that finds a frame's number in the stream; each match is a frame.
        websocket: whether the stream is a WebSocket. The process only looks for the marker in its frames.
        sampled: how many streams have the arrival time of each frame recorded; to record it for all streams would cost
            more than the reading itself.
        every_ms: how long the process waits between two reads; 0 reads at once. The sender's kernel has to wake a
            process that waits for each byte, and pays for that. A real network card puts several packets into one
            interrupt, and so spares a server this cost.
    """

    host: str
    port: int
    subscribers: int
    target: str
    marker: str
    websocket: bool = False
    sampled: int = 64
    every_ms: float = 0.0


@attrs.define
class Came:
    """What has arrived.

    Attributes:
        frames: frames of all streams together.
        ended: how many streams the server ended.
        seen: for each sampled stream, the frames' numbers and the moments they came, by CLOCK_MONOTONIC in s.
        busy: how busy this process was.
    """

    frames: int = 0
    ended: int = 0
    seen: list[list[tuple[int, float]]] = attrs.field(factory=list)
    busy: Busy = attrs.field(default=Busy(0.0, 0.0))


class _Readers:
    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._poll = select.epoll()
        self._streams: dict[int, socket.socket] = {}
        self._marker = re.compile(reading.marker.encode())
        self._sampled: dict[int, list[tuple[int, float]]] = {}
        self._came = Came()
        self._watch = Stopwatch()

    def run(self) -> None:
        for number, stream in enumerate(_subscribers(self._reading)):
            stream.setblocking(False)
            self._streams[stream.fileno()] = stream
            self._poll.register(stream, select.EPOLLIN)
            if number % _DRAIN_EVERY == 0:
                self._drain(0.0)
        step = max(1, self._reading.subscribers // self._reading.sampled)
        self._sampled = {fd: [] for fd in list(self._streams)[::step]}
        self._poll.register(sys.stdin, select.EPOLLIN)
        print(json.dumps("ready"), flush=True)
        while self._drain(1.0):
            time.sleep(self._reading.every_ms / 1000)

    def _report(self) -> bool:
        """Print what has arrived; False at the end of standard input."""
        if not sys.stdin.readline():
            return False
        came, self._came = self._came, Came()
        came.seen = [list(seen) for seen in self._sampled.values()]
        came.busy = self._watch.lap()
        for seen in self._sampled.values():
            seen.clear()
        print(json.dumps(attrs.asdict(came)), flush=True)
        return True

    def _drain(self, timeout: float) -> bool:
        """Read what has arrived; False at the end of standard input."""
        came, find = self._came, self._marker.findall
        for fd, _ in self._poll.poll(timeout):
            stream = self._streams.get(fd)
            if stream is None:
                if not self._report():
                    return False
                came = self._came
                continue
            try:
                data = stream.recv(_READ_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                came.ended += 1
                self._poll.unregister(fd)
                stream.close()
                del self._streams[fd]
                continue
            numbers = find(data)
            came.frames += len(numbers)
            if fd in self._sampled:
                now = time.monotonic()
                self._sampled[fd] += [(int(number), now) for number in numbers]
        return True


def _subscribers(reading: Reading) -> Iterator[socket.socket]:
    upgrade = _UPGRADE if reading.websocket else "Accept: text/event-stream\r\n"
    request = f"GET {reading.target} HTTP/1.1\r\nHost: {reading.host}:{reading.port}\r\n{upgrade}\r\n".encode()
    expected = b"HTTP/1.1 101" if reading.websocket else b"HTTP/1.1 200"
    for _ in range(reading.subscribers):
        stream = socket.create_connection((reading.host, reading.port), timeout=_CONNECT_SECONDS)
        stream.sendall(request)
        head = b""
        while b"\r\n\r\n" not in head:
            data = stream.recv(_READ_BYTES)
            if not data:
                raise SystemExit("the server closed a connection before it answered")
            head += data
        if not head.startswith(expected):
            raise SystemExit(f"the server answered {head[:100]!r}")
        yield stream


if __name__ == "__main__":
    _Readers(Reading(**json.loads(sys.argv[1]))).run()
