"""Defines a request and its answer, whichever lane carries them.

Each lane makes a `Request` of the bytes that it reads, and sends an `Answer`. Between the two, both lanes call the same
`placed.http.api`. Errors are problems (RFC 9457). Pure.

    Problem(Exception)   a refusal, with status, code and detail; `answer()` is the response
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placed.tasks.shared_bytes import SharedBytes

    Body = bytes | SharedBytes

Headers = tuple[tuple[str, str], ...]


@attrs.define  # frozen, one takes 0.7 us longer to make, and each request needs several
class Request:
    """One request, completely read; nobody changes it.

    Attributes:
        method: in capitals.
        query: the raw query, without its question mark.
        headers: names in lower case; the values of a repeated header are joined by ", ".
        peer: the address at the other end of the connection.
        body: at most as many bytes as its path allows, see `placed.http.body`.
    """

    method: str
    query: str
    headers: Mapping[str, str]
    peer: str
    body: bytes = b""


@attrs.define  # not frozen, as `Request`
class Answer:
    """One response, without the headers that belong to the connection; nobody changes it. For a HEAD request, the lane
    leaves out the body.

    Attributes:
        status: the HTTP status.
        headers: the response's own.
        body: the whole body; None for the answer to a HEAD of a stream, whose length nobody knows.
    """

    status: int
    headers: Headers = ()
    body: Body | None = attrs.field(default=b"", repr=False)

    @property
    def length(self) -> int | None:
        """The value of Content-Length; None for an answer without that header (RFC 9110, section 8.6)."""
        return None if self.body is None or self.status in (204, 304) else len(self.body)

    def with_headers(self, *more: tuple[str, str]) -> Answer:
        """The same answer with `more` headers after its own."""
        if not more:
            return self
        return attrs.evolve(self, headers=self.headers + more)


NO_STORE = ("Cache-Control", "no-store")
JSON_HEADERS: Headers = (("Content-Type", "application/json"), NO_STORE)


_compact = json.JSONEncoder(separators=(",", ":")).encode  # json.dumps would make an encoder for each call


def json_answer(value: object, *headers: tuple[str, str]) -> Answer:
    """A 200 with `value` as JSON, which no cache keeps."""
    body = _compact(value).encode()
    return Answer(200, JSON_HEADERS + headers, body)


ALIVE = Answer(200, (("Content-Type", "text/plain"), NO_STORE), b"ok\n")


class Problem(Exception):
    """The refusal of a request.

    Args:
        status: the HTTP status.
        code: a word for programs; docs/api.md lists them.
        detail: a sentence for people: the fault, and what is allowed.
        headers: further headers, such as Retry-After.
        more: further members of the JSON, such as the parameter and its value.
    """

    def __init__(self, status: int, code: str, detail: str, *headers: tuple[str, str], **more: object) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers
        self.more = more

    def answer(self) -> Answer:
        """The response, application/problem+json."""
        members = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **self.more,
        }
        body = json.dumps(members, ensure_ascii=True).encode()
        return Answer(self.status, (("Content-Type", "application/problem+json"), NO_STORE, *self.headers), body)


_SHOWN = 64  # characters of a bad value that are shown back


def invalid_parameter(name: str, value: object, allowed: str, why: str = "is not allowed") -> Problem:
    """A 400 that names the parameter, its value (cut short), and what is allowed."""
    text = value if isinstance(value, str) else _json(value)
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    detail = f"{name}={shown!r} {why}; allowed is {allowed}"
    return Problem(400, "invalid-parameter", detail, parameter=name, value=shown, allowed=allowed)


def _json(value: object) -> str:
    try:
        return json.dumps(value, default=str)
    except RecursionError:  # a body that was just shallow enough to read can be too deep to write: the stack is deeper
        return "…"


def missing_parameter(name: str, allowed: str) -> Problem:
    """A 400 for a parameter that isn't there."""
    return Problem(
        400,
        "invalid-parameter",
        f"{name} is missing; allowed is {allowed}",
        parameter=name,
        value=None,
        allowed=allowed,
    )


def has_tag(if_none_match: str | None, etag: str) -> bool:
    """Whether a client that sent this If-None-Match has the version that `etag` names (RFC 9110, section 13.1.2)."""
    known = if_none_match or ""
    return etag in known or known.strip() == "*"  # a tag is quoted, so it can't be part of another tag


def retry_after(seconds: float) -> tuple[str, str]:
    """The header Retry-After, in whole seconds, at least 1 (RFC 9110, section 10.2.3)."""
    return ("Retry-After", str(max(1, -int(-seconds // 1))))
