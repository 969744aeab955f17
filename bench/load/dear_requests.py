"""The most expensive requests that we could think of, for each endpoint: every parsed part is filled to its bound.

Each is compared with a plain request for the same endpoint. Pure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIELD_BYTES: Final = 15_000  # with the rest of a head that is 16 KB, the server's limit
_QUERY_BYTES: Final = 2_040
_BODY_BYTES: Final = 4_090
_LIST_BYTES: Final = 98_000
_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_GETS: Final = ("/", "/openapi.yaml", "/info", "/healthz", "/readyz", "/metrics", "/canvas.png", "/no-such-path")


@attrs.frozen
class Dear:
    """One request.

    Attributes:
        endpoint: the endpoint; requests with the same one are compared.
        name: what makes it expensive; `plain` for the plain one.
        head: head of the request, with the empty line; `HOST` stands for the server's host.
        body: body of the request.
    """

    endpoint: str
    name: str
    head: bytes
    body: bytes = b""


def requests() -> Iterator[Dear]:
    """All requests, each endpoint's plain one first."""
    for path in _GETS:
        yield from _with_fields("GET", path, f"GET {path}")
        yield _request("GET", path, "a query of escapes", query=_filled("%41", _QUERY_BYTES))
    yield _request("GET", "/no-such-path", "a path of escapes", path="/" + _filled("%41", _FIELD_BYTES))
    yield _request("GET", "/no-such-path", "a path of slashes", path="/static" + _filled("/a", _FIELD_BYTES))
    yield from _with_fields("GET", "/edits?v=0", "GET /edits")
    yield _request("GET", "/edits", "a query of escapes", query="v=0&" + _filled("%41", _QUERY_BYTES))
    yield _request("GET", "/edits", "a query of fields", query="v=0&" + "&".join(["a=b"] * 15))
    yield from _with_fields("POST", "/edit?x=1&y=1&color=1", "POST /edit")
    yield from _edits_by_body()
    yield from _lists()


def _fields() -> Iterator[tuple[str, str]]:
    for name, unit in (
        ("Accept-Encoding", "gzip;q=0.001,"),
        ("Accept-Encoding", ","),
        ("Accept", "text/html;q=0.1,"),
        ("Accept-Language", "de;q=0.1,"),
        ("If-None-Match", '"a",'),
        ("If-Modified-Since", "Mon, 01 Jan 2024 "),
        ("Range", "0-1,"),
        ("Cookie", "a=b; "),
        ("Cache-Control", "no-cache,"),
        ("Authorization", "Basic "),
        ("X-Forwarded-For", "127.0.0.1,"),
        ("X-Forwarded-For", "::ffff:127.0.0.1,"),
        ("X-Forwarded-Host", "a.b,"),
        ("X-Request-ID", "a"),
        ("Forwarded", "for=127.0.0.1,"),
        ("Forwarded", ";"),
        ("Forwarded", 'for="[::ffff:127.0.0.1]:80";host=a.b,'),
        ("Last-Event-ID", "1"),
        ("User-Agent", "a "),
        ("Referer", "http://a/"),
    ):
        yield f"{name} of {unit!r}", f"{name}: {_filled(unit, _FIELD_BYTES)}\r\n"
    yield "Origin", f"Origin: http://{_filled('a.', _FIELD_BYTES)}\r\n"
    yield "many fields", "".join(f"X-{number}: a\r\n" for number in range(95))
    yield "one field many times", "Accept-Encoding: gzip;q=0.1\r\n" * 95
    yield (
        "proxies and Origin",
        (
            f"Origin: http://a.b\r\nX-Forwarded-For: {_filled('127.0.0.1,', 4_000)}\r\n"
            f"Forwarded: {_filled('for=127.0.0.1;host=a.b,', 4_000)}\r\n"
            f"X-Forwarded-Host: {_filled('a.b,', 4_000)}a.b\r\n"
        ),
    )


def _with_fields(method: str, target: str, endpoint: str) -> Iterator[Dear]:
    for name, fields in (("plain", ""), *_fields()):
        yield Dear(endpoint, name, _head(method, target, fields))


def _edits_by_body() -> Iterator[Dear]:
    for name, kind, body in (
        ("a form of escapes", _FORM, "x=1&y=1&color=1&a=" + _filled("%41", _BODY_BYTES - 20)),
        ("a form of fields", _FORM, "x=1&y=1&color=1&" + "&".join(["a=b"] * 1_000)),
        ("JSON in depth", _JSON, "[" * _BODY_BYTES),
        ("JSON objects in depth", _JSON, '{"a":' * 800),
        ("JSON of members", _JSON, "{" + ",".join(f'"{number}":1' for number in range(500)) + ', "x": 1}'),
        ("JSON of escapes", _JSON, '{"x": "' + _filled("\\u0041", _BODY_BYTES - 20) + '"}'),
        ("a JSON number of digits", _JSON, '{"x": ' + "9" * (_BODY_BYTES - 20) + "}"),
        ("a type of parameters", f"{_JSON}{_filled(';a=b', _FIELD_BYTES - 100)}", '{"x": 1, "y": 1, "color": 1}'),
    ):
        yield _request("POST", "/edit", name, body=body, kind=kind)


def _lists() -> Iterator[Dear]:
    most = json.dumps({"edits": [[1, 1, 1]] * 1_000}, separators=(",", ":"))
    for name, body in (
        ("plain", most),
        ("much space", '{"edits": [' + ",".join(["[1,\n\n  1,    1]"] * 1_000) + "]" + " " * 60_000 + "}"),
        ("whole floats", json.dumps({"edits": [[1.0, 1.0, 1.0]] * 1_000})),
        ("digits", '{"edits": [[' + "9" * _LIST_BYTES + ", 1, 1]]}"),
        ("depth", '{"edits": ' + "[" * _LIST_BYTES),
        ("empty lists", '{"edits": [' + "[]," * 30_000 + "[]]}"),
        ("members", "{" + ",".join(f'"{number}":1' for number in range(9_000)) + "}"),
        ("escapes", '{"edits": "' + _filled("\\u0041", _LIST_BYTES - 100) + '"}'),
    ):
        yield _request("POST", "/edits", name, body=body, kind=_JSON)


def _request(
    method: str, endpoint: str, name: str, *, path: str = "", query: str = "", body: str = "", kind: str = ""
) -> Dear:
    target = (path or endpoint) + (f"?{query}" if query else "")
    head = _head(method, target, f"Content-Type: {kind}\r\n" if kind else "", len(body))
    return Dear(f"{method} {endpoint}", name, head, body.encode())


def _head(method: str, target: str, fields: str, length: int = 0) -> bytes:
    more = f"Content-Length: {length}\r\n" if method == "POST" else ""
    return f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{more}{fields}\r\n".encode()


def _filled(unit: str, size: int) -> str:
    return unit * (size // len(unit))
