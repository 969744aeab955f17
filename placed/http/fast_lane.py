"""The fast lane: the hot requests of HTTP/1.1, answered in their connection's own task without Hypercorn.

`POST /edit`, `GET /edits` and `GET` or `HEAD /canvas.png` are served here if they are written plainly; httptools
reads their heads. Everything else is left to Hypercorn, with its bytes put back, and the connection comes back
when a plain hot request follows: a browser's connection goes to and fro. Both lanes answer through
`placed.http.api`, so that this one has no logic but HTTP's.
"""

from __future__ import annotations

import math
import re
import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import attrs
import httptools
import trio

from placed.http.answer import Answer, Headers, Problem, Request
from placed.http.connection import HEAD_BYTES, MAX_FIELDS, Limits
from placed.http.errors import refusal
from placed.http.parameters import BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from placed.http.api import Api
    from placed.http.connection import DeadlineStream
    from placed.http.followers import Followers

    HandOver = Callable[[DeadlineStream, bytes], Awaitable[bytes | None]]

_RECEIVE_BYTES: Final = 16_384
BODY_SECONDS: Final = 10.0
_HOT: Final = (b"POST /edit", b"GET /edits", b"GET /canvas.png", b"HEAD /canvas.png")
_BEHIND_PATH: Final = b" ?"
_NAME: Final = r"(?:[A-Za-z0-9_-]{1,63}\.){0,9}[A-Za-z0-9_-]{1,63}"  # as Werkzeug reads it: no label is empty
_HOST = re.compile(rf"(?:{_NAME}|\[[0-9A-Fa-f:.]{{2,45}}\])(?::[0-9]{{1,5}})?", re.ASCII)
# A head with any of these is Hypercorn's: bodies in chunks, interim answers, other protocols.
_NOT_PLAIN: Final = frozenset({"transfer-encoding", "expect", "upgrade", "trailer", "te", "http2-settings"})
_ONCE: Final = frozenset({"host", "content-length", "content-type", "last-event-id"})
_PLAIN_LINE = re.compile(rb"(POST|GET|HEAD) (/[A-Za-z]+(?:\.[a-z]+)?)(?:\?([A-Za-z0-9=&_.%+-]*))? HTTP/1\.1\r\n")
_LINE = re.compile(rb"(?:POST|GET|HEAD) [!-~]+ HTTP/1\.1\r\n")  # httptools would take several spaces for one
_END_BY_LF = re.compile(rb"\n\r?\n")  # a head is whole for h11 then, so that no more need come
_KNOWN_FIELDS: Final = 512
_KNOWN_FIELDS_BYTES: Final = 2_048  # all that are kept take 1 MB
_NOT_FOR_FIELDS = re.compile(rb"[^\r]\n|\r[^\n]|\n[ \t]|[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")


def may_be_hot(data: bytes) -> bool:
    """Whether what begins with `data` may be for this lane."""
    for start in _HOT:
        if data.startswith(start):
            return data[len(start) : len(start) + 1] in _BEHIND_PATH
        if start.startswith(data):
            return True
    return False


@attrs.frozen
class Head:
    """A plain hot request's head.

    Attributes:
        length: of the body, in bytes.
        closes: whether the connection ends with the answer.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    length: int
    closes: bool


class _Collector:
    """What httptools calls."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))


def read_head(data: bytes) -> Head | None:
    """The head of a plain hot request, which is the whole of `data` with its empty line; None if it's none.

    A client repeats its header fields with each request: those that came lately aren't read again.
    """
    line = _PLAIN_LINE.match(data)
    if line is None or len(data) - line.end() > _KNOWN_FIELDS_BYTES:
        return _parse(data)
    method, path, query = line.groups(b"")
    known = _parse_fields(method, data[line.end() :])
    if known is None:
        return None
    return Head(method.decode(), path.decode(), query.decode(), known.headers, known.length, known.closes)


@lru_cache(maxsize=_KNOWN_FIELDS)
def _parse_fields(method: bytes, fields: bytes) -> Head | None:
    return _parse(b"%b / HTTP/1.1\r\n%b" % (method, fields))


def _parse(data: bytes) -> Head | None:
    if not _LINE.match(data) or _NOT_FOR_FIELDS.search(data):
        return None
    collector = _Collector()
    parser = httptools.HttpRequestParser(collector)
    try:
        parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    if len(collector.headers) > MAX_FIELDS:
        return None
    headers: dict[str, str] = {}
    for name, value in collector.headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")
        if key not in headers:
            headers[key] = text
        elif key in _ONCE:
            return None
        else:
            headers[key] = f"{headers[key]}, {text}"
    if not _NOT_PLAIN.isdisjoint(headers) or not _HOST.fullmatch(headers.get("host", "")):
        return None
    path, _, query = collector.url.decode("latin-1").partition("?")
    method = parser.get_method().decode()
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit() and len(length) < 6 and int(length) <= BODY_BYTES):
        return None
    if (method != "POST" and int(length)) or "#" in query:
        return None
    closes = "close" in {token.strip().lower() for token in headers.get("connection", "").split(",")}
    return Head(method, path, query, headers, int(length), closes)


@lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    return b"date: %b\r\n" % formatdate(second, usegmt=True).encode()


@lru_cache(maxsize=64)
def _status_line(status: int) -> bytes:
    return b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode())


@lru_cache(maxsize=256)
def _header_lines(headers: Headers) -> bytes:
    return b"".join(f"{name.lower()}: {value}\r\n".encode("latin-1") for name, value in headers)


def response_head(status: int, headers: Headers, length: int | None, *, closes: bool = False) -> bytes:
    """A response's head; `length` is None where the body has no end, or no place (RFC 9110, section 8.6)."""
    lines = [_status_line(status), _header_lines(headers)]
    if length is not None:
        lines.append(b"content-length: %d\r\n" % length)
    lines.append(_date(int(time.time())))
    if closes:
        lines.append(b"connection: close\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)


class _Closed(Exception):
    """The connection is over."""


class FastLane:
    """One server's.

    Args:
        api: what answers.
        followers: who takes over the streams.
        limits: of each connection.
        hand_over: lets Hypercorn serve a stream from the given bytes on; it gives back the bytes of the plain hot
            request that came next, or None when the connection is over.
    """

    def __init__(self, api: Api, followers: Followers, limits: Limits, hand_over: HandOver) -> None:
        self._api = api
        self._followers = followers
        self._limits = limits
        self._hand_over = hand_over
        self._idle: set[trio.CancelScope] = set()
        self._stopping = False

    def stop(self) -> None:
        """End idle connections now, and the others with their next answer."""
        self._stopping = True
        for scope in self._idle:
            scope.cancel()

    async def serve(self, stream: DeadlineStream, peer: str) -> None:
        """Serve a connection until it is over, or has become a follower."""
        data: bytes | None = b""
        try:
            with trio.CancelScope() as idle:  # one for all its requests: making it costs as much as reading a head
                while data is not None:
                    if data:  # requests in one piece: the others have their turn
                        await trio.lowlevel.checkpoint()
                    data = await self._serve_next(stream, peer, data, idle)
        except (_Closed, trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async def _serve_next(self, stream: DeadlineStream, peer: str, data: bytes, idle: trio.CancelScope) -> bytes | None:
        """Serve one request, or several if they are Hypercorn's; the bytes behind it, or None at the end."""
        data = data or await self._first_bytes(stream, idle)
        end = -1
        deadline = trio.current_time() + self._limits.head_seconds
        while (
            may_be_hot(data)
            and (end := data.find(b"\r\n\r\n")) < 0
            and len(data) <= HEAD_BYTES
            and not _END_BY_LF.search(data)
        ):
            more = await _receive(stream, deadline)
            if more is None:
                await self._end(stream, "", Problem(408, "slow-request", "the request's head took too long"))
                return None
            data += more
        head = read_head(data[: end + 4]) if end >= 0 and end <= HEAD_BYTES and may_be_hot(data) else None
        if head is None:
            return await self._hand_over(stream, data)
        data = data[end + 4 :]
        deadline = trio.current_time() + BODY_SECONDS
        while len(data) < head.length:
            more = await _receive(stream, deadline)
            if more is None:
                await self._end(stream, head.path, Problem(408, "slow-request", "the request's body took too long"))
                return None
            data += more
        request = Request(head.method, head.query, head.headers, peer, data[: head.length])
        data = data[head.length :]
        closes = head.closes or self._stopping
        if head.path == "/edits":
            return await self._follow(stream, head, request, data, closes=closes)
        try:
            answer = await (self._api.edit(request) if head.path == "/edit" else self._api.image(request))
        except Exception as error:  # noqa: BLE001 - any error has an answer
            answer = refusal(self._api, head.path, error)
        await self._answer(stream, head, answer.with_headers(*self._api.cors(request)), closes=closes)
        return None if closes else data

    async def _first_bytes(self, stream: DeadlineStream, idle: trio.CancelScope) -> bytes:
        """Of the next request, as long as a connection may be idle; then, or when all are to stop, `idle` ends it."""
        if self._stopping:
            raise _Closed
        idle.deadline = trio.current_time() + self._limits.idle_seconds
        self._idle.add(idle)
        try:
            data = await stream.receive_some(_RECEIVE_BYTES)
        finally:
            self._idle.discard(idle)
            idle.deadline = math.inf
        if idle.cancel_called or not data:  # what came at the very moment of its end isn't begun
            raise _Closed
        return bytes(data)

    async def _end(self, stream: DeadlineStream, path: str, problem: Problem) -> None:
        """Refuse what never became a whole request, and let the connection close."""
        answer = refusal(self._api, path, problem)
        await stream.send_all(response_head(answer.status, answer.headers, len(answer.body), closes=True) + answer.body)
        await stream.linger(self._limits.linger_seconds)

    async def _answer(self, stream: DeadlineStream, head: Head, answer: Answer, *, closes: bool) -> None:
        body = b"" if head.method == "HEAD" else answer.body
        length = None if answer.status in (204, 304) else len(answer.body)
        await stream.send_all(response_head(answer.status, answer.headers, length, closes=closes) + body)
        if closes:
            await stream.linger(self._limits.linger_seconds)

    async def _follow(
        self, stream: DeadlineStream, head: Head, request: Request, behind: bytes, *, closes: bool
    ) -> bytes | None:
        try:
            opened = self._api.edits(request)
        except Exception as error:  # noqa: BLE001 - any error has an answer
            answer = refusal(self._api, head.path, error).with_headers(*self._api.cors(request))
            await self._answer(stream, head, answer, closes=closes)
            return None if closes else behind
        headers = (*opened.headers, *self._api.cors(request))
        try:
            await stream.send_all(response_head(200, headers, None, closes=True) + opened.opening)
        except BaseException:
            opened.subscriber.close()
            raise
        self._followers.add(stream.detach(), opened.subscriber)
        return None


async def _receive(stream: DeadlineStream, deadline: float) -> bytes | None:
    """More bytes; None past the deadline."""
    with trio.CancelScope(deadline=deadline) as scope:
        data = await stream.receive_some(_RECEIVE_BYTES)
    if scope.cancelled_caught:
        return None
    if not data:
        raise _Closed
    return bytes(data)
