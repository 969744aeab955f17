"""Answers on the wire: a head of HTTP/1.1 in bytes, or the fields from which Hypercorn makes one.

Both lanes write with these, so that no two of them can tell the same answer in two ways.
"""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from placed.http.answer import Answer, Body, Headers

# Up to here one copy and one `write` are cheaper than `writev` of two buffers. What is longer is never copied: a reader
# who is slow would hold the copy for as long as it likes.
_JOINED_BYTES: Final = 4_096


@lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    return b"date: %b\r\n" % formatdate(second, usegmt=True).encode()


@lru_cache(maxsize=64)
def _status_line(status: int) -> bytes:
    return b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode())


@lru_cache(maxsize=256)
def _header_lines(headers: Headers) -> bytes:
    return b"".join(f"{name.lower()}: {value}\r\n".encode("latin-1") for name, value in headers)


def head_of(answer: Answer, *, closes: bool = False) -> bytes:
    """The head of a response of HTTP/1.1; `closes` says that it is the connection's last."""
    lines = [_status_line(answer.status), _header_lines(answer.headers)]
    length = answer.length
    if length is not None:
        lines.append(b"content-length: %d\r\n" % length)
    lines.append(_date(int(time.time())))
    if closes:
        lines.append(b"connection: close\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)


def response_of(answer: Answer, method: str, *, closes: bool = False) -> tuple[bytes, Body]:
    """A whole response of HTTP/1.1 to a request with this method: its first bytes, and those of the body that follow
    without having been copied; none where the first bytes are all."""
    head, body = head_of(answer, closes=closes), answer.body
    if not body or method == "HEAD":
        return head, b""
    if isinstance(body, bytes) and len(body) <= _JOINED_BYTES:
        return head + body, b""
    return head, body


def fields_of(answer: Answer) -> list[tuple[bytes, bytes]]:
    """The same head's fields, for Hypercorn, which adds the date."""
    fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if answer.length is not None:
        fields.append((b"content-length", b"%d" % answer.length))
    return fields
