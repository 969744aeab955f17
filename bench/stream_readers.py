"""`python -m bench.stream_readers`: many clients of one stream, in one process that does no more than it must.

For `bench.fanout`, which starts it. Linux only, as it uses epoll.

    standard output    `ready` once all of them follow; at the end a line of JSON, see `Outcome`
    standard input     its end ends the reading
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
import click

if TYPE_CHECKING:
    from collections.abc import Iterator

_READ_BYTES = 65_536
_SAMPLED = 32  # whose frames' moments are kept; of all of them they would cost more than the reading
_CONNECT_SECONDS = 60.0
_VERSION = re.compile(rb"^id: (\d+)$", re.MULTILINE)


@attrs.define
class Outcome:
    """What came.

    Attributes:
        frames: of all streams together.
        ended: how many streams the server ended.
        seen: version after a frame, and when it came, by CLOCK_MONOTONIC in s, for some of the streams.
    """

    frames: int = 0
    ended: int = 0
    seen: list[tuple[int, float]] = attrs.field(factory=list)


@click.command()
@click.argument("host")
@click.argument("port", type=int)
@click.argument("subscribers", type=click.IntRange(1))
@click.argument("version", type=int)
def read(host: str, port: int, subscribers: int, version: int) -> None:
    """Follow HOST:PORT from VERSION on with SUBSCRIBERS streams."""
    poll = select.epoll()
    streams = {}
    for number, stream in enumerate(_followers(host, port, subscribers, version)):
        stream.setblocking(False)
        streams[stream.fileno()] = stream
        poll.register(stream, select.EPOLLIN)
        if number % 100 == 0:
            _drain(poll, streams, Outcome(), set())
    print("ready", flush=True)
    poll.register(sys.stdin, select.EPOLLIN)
    outcome, sampled = Outcome(), set(list(streams)[:: max(1, subscribers // _SAMPLED)][:_SAMPLED])
    while _drain(poll, streams, outcome, sampled, timeout=1.0):
        pass
    print(json.dumps(attrs.asdict(outcome)), flush=True)


def _followers(host: str, port: int, subscribers: int, version: int) -> Iterator[socket.socket]:
    request = f"GET /edits?v={version} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    for _ in range(subscribers):
        stream = socket.create_connection((host, port), timeout=_CONNECT_SECONDS)
        stream.sendall(request)
        head = b""
        while b"\r\n\r\n" not in head:
            data = stream.recv(_READ_BYTES)
            if not data:
                raise click.ClickException("the server closed a connection before it answered")
            head += data
        if not head.startswith(b"HTTP/1.1 200"):
            raise click.ClickException(f"the server answered {head[:100]!r}")
        yield stream


def _drain(
    poll: select.epoll,
    streams: dict[int, socket.socket],
    outcome: Outcome,
    sampled: set[int],
    *,
    timeout: float = 0.0,
) -> bool:
    """Read what has come; False at the end of standard input."""
    for fd, _ in poll.poll(timeout):
        stream = streams.get(fd)
        if stream is None:
            return False
        try:
            data = stream.recv(_READ_BYTES)
        except BlockingIOError:
            continue
        if not data:
            outcome.ended += 1
            poll.unregister(fd)
            stream.close()
            del streams[fd]
        elif fd in sampled:
            now = time.monotonic()
            versions = [int(version) for version in _VERSION.findall(data)]
            outcome.frames += len(versions)
            outcome.seen += [(version, now) for version in versions]
        else:
            outcome.frames += data.count(b"id: ")
    return True


if __name__ == "__main__":
    read()
