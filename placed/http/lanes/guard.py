"""Stands before the slow lane's app, and refuses requests that Hypercorn lets pass and the app must not see.

It gives each request its id and counts it. It refuses a request for a host that the server doesn't answer to, or one
that isn't HTTP as this server speaks it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from placed.http.answer import Problem, Request
from placed.http.authority import authority_of
from placed.http.body import most_body_bytes
from placed.http.lanes.connection import HEAD_BYTES, MAX_FIELDS
from placed.http.origin import cors
from placed.tasks.shared_bytes import TakenBack
from placed.telemetry.metrics import SLOW
from placed.telemetry.structured_logs import in_request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypercorn.typing import (
        ASGIFramework,
        ASGIReceiveCallable,
        ASGIReceiveEvent,
        ASGISendCallable,
        ASGISendEvent,
        HTTPScope,
        Scope,
        WebsocketScope,
    )
    from quart_trio import QuartTrio

    from placed.http.answer import Answer
    from placed.http.hosts import Hosts
    from placed.http.request_log import RequestLog

_MOST_BODY_BYTES: Final = 65_536  # that are heard at the least, of which a path's bound is kept; who sends more is cut


def _heard(path: str, receive: ASGIReceiveCallable) -> ASGIReceiveCallable:
    """What the app hears of a request for `path`; one whose body has no end has gone away."""
    heard_bytes, most_bytes = 0, max(_MOST_BODY_BYTES, 2 * most_body_bytes(path))

    async def hear() -> ASGIReceiveEvent:
        nonlocal heard_bytes
        message = await receive()
        if message["type"] == "http.request":
            heard_bytes += len(message["body"])
        return message if heard_bytes <= most_bytes else {"type": "http.disconnect"}

    return hear


def _last_answer(send: ASGISendCallable) -> ASGISendCallable:
    """A `send` whose answer says that the connection closes after it."""

    async def send_last(message: ASGISendEvent) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await send(message)

    return send_last


def guarded(
    app: QuartTrio,
    requests: RequestLog,
    hosts: Hosts,
    allow_origins: Sequence[str],
    is_winding_down: Callable[[], bool],
) -> ASGIFramework:
    """The app, and 400 for what Quart 0.22 answers with a traceback, as WebSockets over HTTP/2, and for two lengths."""

    async def guard(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] not in ("http", "websocket"):
            await app(scope, receive, send)
            return
        request = _request(scope)
        request_id = requests.id_of(request.headers, request.peer)

        async def refuse(problem: Problem, *more: tuple[bytes, bytes], kind: str = "http.response") -> None:
            answer = requests.refused(problem, scope["path"], request, request_id=request_id)
            answer = answer.with_headers(*cors(request, allow_origins))
            await _send_answer(answer, kind, counted, *more)

        async def counted(message: ASGISendEvent) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                requests.answered(SLOW, scope["path"], message["status"], request)
            await send(message)

        with in_request(request_id):
            refusal = _unacceptable(scope, request, hosts)
            if scope["type"] == "websocket":
                detail = "no WebSockets here; GET /edits is the stream of edits"
                await refuse(Problem(400, "invalid-body", detail), kind="websocket.http.response")
            elif refusal is not None:
                await refuse(*refusal)
            else:
                if scope["http_version"] != "2" and is_winding_down():
                    send = _last_answer(send)
                try:
                    await app(scope, _heard(scope["path"], receive), counted)
                except* TakenBack:  # in the middle of a body: who ends before its end is cut by Hypercorn
                    pass

    return guard


def _request(scope: HTTPScope | WebsocketScope) -> Request:
    """The parts of a request that counts and log lines need."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    client = scope.get("client")
    method = scope["method"] if scope["type"] == "http" else "GET"
    return Request(method, "", headers, client[0] if client else "")


_CLOSE = (b"connection", b"close")


def _unacceptable(
    scope: HTTPScope | WebsocketScope, request: Request, hosts: Hosts
) -> tuple[Problem, *tuple[tuple[bytes, bytes], ...]] | None:
    """Why the app isn't asked, and further headers to say it with."""
    if scope["type"] != "http":
        return None
    try:
        hosts.refuse(request)
    except Problem as problem:
        return (problem,)
    if _asks_for_another(scope, request):
        return (Problem(400, "invalid-body", "the Host header and the request's target name different hosts"),)
    if not scope["path"]:
        return (Problem(400, "invalid-body", "the request's target has no path"),)
    if scope["path"].startswith("//"):  # Werkzeug would take it for one slash
        return (Problem(404, "not-found", "no path here begins with two slashes"),)
    if len(list(scope["headers"])) > MAX_FIELDS:
        return Problem(431, "too-large", f"more than {MAX_FIELDS} header fields"), _CLOSE
    if _head_bytes(scope) > HEAD_BYTES:  # h11 measures only what isn't whole yet
        return Problem(431, "too-large", f"a request head of more than {HEAD_BYTES} bytes"), _CLOSE
    if scope["method"] == "PRI":
        return Problem(505, "invalid-body", "HTTP/2 is spoken over TLS alone"), _CLOSE
    if _has_two_lengths(scope):
        return Problem(400, "invalid-body", "both Content-Length and Transfer-Encoding"), _CLOSE
    return None


def _head_bytes(scope: HTTPScope) -> int:
    """At the least: spaces and tabs around a field's value aren't there any more."""
    target = len(scope["raw_path"]) + len(scope["query_string"])
    return target + sum(len(name) + len(value) + len(": \r\n") for name, value in scope["headers"])


def _asks_for_another(scope: HTTPScope, request: Request) -> bool:
    """Whether a target with a host has another one than Host, which it ought to take the place of (RFC 9112, 3.2.2)."""
    scheme, mark, rest = scope["raw_path"].partition(b"://")
    if not mark or b"/" in scheme:
        return False
    told = authority_of(rest.partition(b"/")[0].decode("latin-1"))
    return told is None or told != authority_of(request.headers.get("host", ""))


def _has_two_lengths(scope: HTTPScope) -> bool:
    """Whether a proxy and we might find different ends of the body (RFC 9112, section 6.1)."""
    return {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}


async def _send_answer(answer: Answer, kind: str, send: ASGISendCallable, *more: tuple[bytes, bytes]) -> None:
    headers = [*more]
    headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers]
    headers.append((b"content-length", b"%d" % len(answer.body)))
    start = {"type": f"{kind}.start", "status": answer.status, "headers": headers}
    for message in (start, {"type": f"{kind}.body", "body": answer.body, "more_body": False}):
        await send(cast("ASGISendEvent", message))
