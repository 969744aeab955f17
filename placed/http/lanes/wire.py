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


# As many different heads as are sent within a second or so. Those of edits tell how many charges are left, and in how
# many seconds the next one is back: some hundred different ones. To make one anew takes ten times as long.
_KNOWN_HEADS: Final = 512


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def head_of(answer: Answer, *, closes: bool = False) -> bytes:
    """The head of a response of HTTP/1.1; `closes` says that it is the connection's last."""
    return _head(answer.status, answer.headers, answer.length, int(time.time()), closes)


@lru_cache(maxsize=_KNOWN_HEADS)
def _head(status: int, headers: Headers, length: int | None, second: int, closes: bool) -> bytes:
    fields = list(headers)
    if length is not None:
        fields.append(("content-length", str(length)))
    fields.append(("date", _date(second)))
    if closes:
        fields.append(("connection", "close"))
    lines = "".join(f"{name.lower()}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}\r\n".encode("latin-1")


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
