"""Parses hot requests of HTTP/1.1: `POST /edit`, `POST /edits`, `GET /edits`, and `GET` of `/history/pixel` and of
`/history/canvas.png`; and `GET` or `HEAD` of the paths that a page loads first, see `placed.http.page_load`.

A plain request is written so that no two programs could read it in two ways, and asks for nothing but an answer.
Hypercorn gets any other request. httptools reads the heads.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import attrs
import httptools

from placed.http.answer import Request
from placed.http.authority import authority_of
from placed.http.body import EDITS_BODY_BYTES, most_body_bytes
from placed.http.lanes.connection import HEAD_BYTES, MAX_FIELDS
from placed.http.page_load import PATHS

_READS: Final = tuple(f"{method} {path}".encode() for path in PATHS for method in ("GET", "HEAD"))
_PAST: Final = (b"/history/pixel", b"/history/canvas.png")
_HOT: Final = (b"POST /edit", b"POST /edits", b"GET /edits", *(b"GET " + path for path in _PAST), *_READS)
# The paths of the page's files. A path with escapes, for example, the two lanes might understand differently.
_FILE: Final = rb"/static(?:/[A-Za-z0-9_.-]+)+"
# One match takes 0.2 us. To compare with each start in turn took 0.5 to 0.9 us.
_HOT_START: Final = re.compile(rb"(?:%b|(?:GET|HEAD) %b)[ ?]" % (b"|".join(map(re.escape, _HOT)), _FILE))
# Hypercorn gets a head with any of these fields: bodies in chunks, interim answers, other protocols.
_NOT_PLAIN: Final = frozenset({"transfer-encoding", "expect", "upgrade", "trailer", "te", "http2-settings"})
_ONCE: Final = frozenset({"host", "content-length", "content-type", "last-event-id"})
_PATH: Final = b"|".join((rb"/(?:[A-Za-z]+(?:\.[a-z]+)?)?", *map(re.escape, _PAST), _FILE))
_PLAIN_LINE = re.compile(rb"(POST|GET|HEAD) (%b)(?:\?([A-Za-z0-9=&_.%%+-]*))? HTTP/1\.1\r\n" % _PATH)
_LINE = re.compile(rb"(?:POST|GET|HEAD) [!-~]+ HTTP/1\.1\r\n")  # httptools would take several spaces for one
_END_BY_LF = re.compile(rb"\n\r?\n")
# The fields of many clients differ in the cookie alone. So a plain cookie line is cut out before the fields are looked
# up. Otherwise the fields of each client would be parsed anew, which takes 7 us, where an edit takes 60 in all.
_COOKIE: Final = b"ookie: "
_COOKIE_BEGINS: Final = (b"\nC", b"\nc")
_COOKIES = re.compile(rb"[!-~]+(?: [!-~]+)*")
_KNOWN_FIELDS: Final = 512
_KNOWN_FIELDS_BYTES: Final = 2_048  # longer fields aren't kept, so that all that are kept take 1 MB
_NO_CONTROLS: Final = bytes({*range(256)} - {*range(0x20), 0x7F} | {*b"\t\r\n"})


def may_be_hot(data: bytes) -> bool:
    """Whether a request that begins with `data` may be for the fast lane."""
    return _HOT_START.match(data) is not None or any(start.startswith(data) for start in _HOT)


@attrs.define  # not frozen, as `Request`
class Head:
    """A plain hot request's head; nobody changes it.

    Attributes:
        length: the body's length in bytes.
        closes: whether the connection ends with the answer.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    length: int
    closes: bool

    def request(self, peer: str, body: bytes) -> Request:
        """The request that has this head, from the address `peer`."""
        return Request(self.method, self.query, self.headers, peer, body)


class _Collector:
    """Collects the parts of a head; httptools calls its methods."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))


def read_head(data: bytes) -> Head | None:
    """The plain hot request's head in `data`, which ends with the head's empty line; None if it isn't a plain hot one.

    A client repeats its header fields with each request, so fields that came lately aren't parsed again.
    """
    line = _PLAIN_LINE.match(data)
    is_short = line is not None and len(data) - line.end() <= _KNOWN_FIELDS_BYTES
    head = _known(line, data) if line is not None and is_short else _parse(data)
    fits = head is not None and (not head.length or head.length <= most_body_bytes(head.path))
    return head if fits else None


def _known(line: re.Match[bytes], data: bytes) -> Head | None:
    """The head that begins with `line`; its fields are looked up among those that were parsed before."""
    method, path, query = line.groups(b"")
    begin = line.end()
    at = data.find(_COOKIE, begin)
    end = data.find(b"\r\n", at)
    if at < 0 or data[at - 2 : at] not in _COOKIE_BEGINS or not _COOKIES.fullmatch(data, at + len(_COOKIE), end):
        known = _parse_fields(method, data[begin:])
        headers = {} if known is None else known.headers
    else:
        known = _parse_fields(method, data[begin : at - 1] + data[end + 2 :], left_out=1)
        if known is not None and "cookie" in known.headers:  # the head has a second cookie line
            return _parse(data)
        headers = {} if known is None else {**known.headers, "cookie": data[at + len(_COOKIE) : end].decode()}
    if known is None:
        return None
    return Head(method.decode(), path.decode(), query.decode(), headers, known.length, known.closes)


@lru_cache(maxsize=_KNOWN_FIELDS)
def _parse_fields(method: bytes, fields: bytes, left_out: int = 0) -> Head | None:
    return _parse(b"%b / HTTP/1.1\r\n%b" % (method, fields), MAX_FIELDS - left_out)


def _parse(data: bytes, most_fields: int = MAX_FIELDS) -> Head | None:
    if not _LINE.match(data) or not _is_plain(data):
        return None
    collector = _Collector()
    parser = httptools.HttpRequestParser(collector)
    try:
        parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    if len(collector.headers) > most_fields:
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
    if not _NOT_PLAIN.isdisjoint(headers) or authority_of(headers.get("host", "")) is None:
        return None
    path, _, query = collector.url.decode("latin-1").partition("?")
    method = parser.get_method().decode()
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit() and len(length) < 6 and int(length) <= EDITS_BODY_BYTES):
        return None
    if (method != "POST" and int(length)) or "#" in query:
        return None
    closes = "close" in {token.strip().lower() for token in headers.get("connection", "").split(",")}
    return Head(method, path, query, headers, int(length), closes)


def _is_plain(head: bytes) -> bool:
    """Whether all its lines end with CRLF, no line continues the one before, and none has a control character.

    A regular expression for this takes 0.3 ms for a head of 16 KB, which is four times as long as to answer an image.
    """
    ends = head.count(b"\r\n")
    is_whole = head.count(b"\r") == ends == head.count(b"\n")
    return is_whole and b"\n " not in head and b"\n\t" not in head and not head.translate(None, _NO_CONTROLS)


def may_go_on(data: bytes) -> bool:
    """Whether `data` may be hot, and more of its head has to come. To h11, a head that ends with bare LFs is whole."""
    return may_be_hot(data) and b"\r\n\r\n" not in data and len(data) <= HEAD_BYTES and not _END_BY_LF.search(data)


def whole_request(data: bytes) -> tuple[Head, bytes] | None:
    """The head and body if `data` is exactly one plain hot request; None if it is another one, a part, or more."""
    end = data.find(b"\r\n\r\n") + 4
    head = read_head(data[:end]) if 4 <= end <= HEAD_BYTES and _HOT_START.match(data) else None
    if head is None or len(data) != end + head.length:
        return None
    return head, data[end:]
