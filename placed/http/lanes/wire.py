"""Makes the bytes of answers: a head of HTTP/1.1, or the fields from which Hypercorn makes one.

Both lanes use these functions, so that the same answer looks the same from each.
"""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from placed.http.answer import Answer, Body, Headers

# Up to this size, one copy and one `write` are cheaper than `writev` of two buffers. A longer body is never copied: a
# slow reader would hold the copy for as long as it reads.
_JOINED_BYTES: Final = 4_096


# About as many different heads are sent within a second. The heads of answers to edits say how many charges are left,
# and in how many seconds the next one is back, so there are a few hundred. To make one anew takes ten times as long.
_KNOWN_HEADS: Final = 512


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def head_of(answer: Answer, *, closes: bool = False) -> bytes:
    """The head of an HTTP/1.1 response; `closes` says that it is the connection's last."""
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
    """A whole HTTP/1.1 response to a request with this method: its first bytes, and the uncopied body that follows
    them, empty if the first bytes are all."""
    head, body = head_of(answer, closes=closes), answer.body
    if not body or method == "HEAD":
        return head, b""
    if isinstance(body, bytes) and len(body) <= _JOINED_BYTES:
        return head + body, b""
    return head, body


def fields_of(answer: Answer) -> list[tuple[bytes, bytes]]:
    """The fields of the same head, for Hypercorn, which adds the date."""
    fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if answer.length is not None:
        fields.append((b"content-length", b"%d" % answer.length))
    return fields
