"""Stands between Hypercorn and the slow lane's app: refuses requests that the app must not see, and sends its outcomes.

The guard gives each request its id. It refuses a request for a host that the server doesn't answer to, and a request
that isn't HTTP as this server speaks it. The app frees everything that it held before the guard sends the outcome:

    a whole answer    The connection takes it, if it can: then this request's task ends, and a slow reader costs no more
                      than a place in the body. Otherwise the guard sends it a piece at a time, as ASGI prescribes.
    a stream          The guard sends it frame by frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import trio

from placed.http.answer import Answer, Problem, Request
from placed.http.api import Stream
from placed.http.authority import authority_of
from placed.http.body import most_body_bytes
from placed.http.lanes.app import OUTCOME
from placed.http.lanes.connection import HEAD_BYTES, MAX_FIELDS
from placed.http.lanes.unsent import TAKE
from placed.http.lanes.wire import fields_of
from placed.stream.peer_end import PeerEnd
from placed.tasks.shared_bytes import TakenBack, piece_of
from placed.telemetry.metrics import SLOW
from placed.telemetry.structured_logs import in_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypercorn.typing import (
        ASGIReceiveCallable,
        ASGIReceiveEvent,
        ASGISendCallable,
        ASGISendEvent,
        HTTPScope,
        Scope,
        WebsocketScope,
    )
    from quart_trio import QuartTrio

    from placed.http.hosts import Hosts
    from placed.http.lanes.app import Outcome
    from placed.http.lanes.unsent import Take
    from placed.http.replies import Replies

# The guard reads this much of a request's body, or twice the path's limit where that is more, and cuts a client that
# sends more. The path's own limit is lower: a client whose body is just too long gets 413, and isn't cut.
_MOST_BODY_BYTES: Final = 65_536
_PIECE_BYTES: Final = 16_384  # a frame of HTTP/2
_NO_WEBSOCKETS: Final = "no WebSockets here; GET /edits is the stream of edits"
_CLOSE: Final = (b"connection", b"close")


class Guard:
    """The ASGI app that Hypercorn calls.

    Args:
        app: gets each request that the guard doesn't refuse.
        replies: counts and logs each answer on its way out.
        hosts: the host names that the server answers to.
        is_winding_down: whether each answer must be its connection's last.
    """

    def __init__(self, app: QuartTrio, replies: Replies, hosts: Hosts, is_winding_down: Callable[[], bool]) -> None:
        self._app = app
        self._replies = replies
        self._hosts = hosts
        self._is_winding_down = is_winding_down

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one request, as ASGI prescribes."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request = _request(scope)
        request_id = self._replies.requests.id_of(request.headers, request.peer)
        receive = _heard(scope["path"], receive)
        with in_request(request_id):
            outcome: Outcome | None
            outcome, closes = self._refusal(scope, request)
            if outcome is None:
                await self._app(scope, receive, send)
                outcome = scope["state"].pop(OUTCOME, None)  # there is none if the client has gone away meanwhile
            if outcome is None:
                return
            stream = outcome if isinstance(outcome, Stream) else None
            if isinstance(outcome, Stream):
                outcome = Answer(200, outcome.headers, None)
            answer = self._replies.reply(SLOW, scope["path"], outcome, request, request_id=request_id)
        closes = scope["http_version"] != "2" and (closes or self._is_winding_down())
        if stream is not None:
            await _follow(stream, answer, scope, receive, send, closes=closes)
        else:
            await _send(answer, scope, send, closes=closes)

    def _refusal(self, scope: HTTPScope | WebsocketScope, request: Request) -> tuple[Problem | None, bool]:
        """Say why the app must not see the request, None if it may, and whether the connection has to end."""
        if scope["type"] != "http":
            return Problem(400, "invalid-body", _NO_WEBSOCKETS), False
        try:
            self._hosts.refuse(request)
            _refuse_target(scope, request)
        except Problem as problem:
            return problem, False
        try:
            _refuse_head(scope)
        except Problem as problem:
            return problem, True
        return None, False


def _request(scope: HTTPScope | WebsocketScope) -> Request:
    """The parts of a request that counts and log lines need."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    client = scope.get("client")
    method = scope["method"] if scope["type"] == "http" else "GET"
    return Request(method, "", headers, client[0] if client else "")


def _heard(path: str, receive: ASGIReceiveCallable) -> ASGIReceiveCallable:
    """Wrap `receive`, and report a client as gone once it has sent too large a body, also while it gets a stream."""
    heard_bytes, most_bytes = 0, max(_MOST_BODY_BYTES, 2 * most_body_bytes(path))

    async def hear() -> ASGIReceiveEvent:
        nonlocal heard_bytes
        message = await receive()
        if message["type"] == "http.request":
            heard_bytes += len(message["body"])
        return message if heard_bytes <= most_bytes else {"type": "http.disconnect"}

    return hear


def _refuse_target(scope: HTTPScope, request: Request) -> None:
    """Raise a `Problem` for a target that two programs could understand in two ways."""
    if _asks_for_another(scope, request):
        raise Problem(400, "invalid-body", "the Host header and the request's target name different hosts")
    if not scope["path"]:
        raise Problem(400, "invalid-body", "the request's target has no path")
    if scope["path"].startswith("//"):  # Werkzeug would take it for one slash
        raise Problem(404, "not-found", "no path here begins with two slashes")


def _refuse_head(scope: HTTPScope) -> None:
    """Raise a `Problem` for a head after which the server reads nothing more from the connection."""
    if len(list(scope["headers"])) > MAX_FIELDS:
        raise Problem(431, "too-large", f"more than {MAX_FIELDS} header fields")
    if _head_bytes(scope) > HEAD_BYTES:  # h11 measures only a head that isn't whole yet
        raise Problem(431, "too-large", f"a request head of more than {HEAD_BYTES} bytes")
    if scope["method"] == "PRI":
        raise Problem(505, "invalid-body", "HTTP/2 is spoken over TLS alone")
    if _has_two_lengths(scope):
        raise Problem(400, "invalid-body", "both Content-Length and Transfer-Encoding")


def _head_bytes(scope: HTTPScope) -> int:
    """The head's size, at the least: the spaces and tabs around a field's value are gone by now."""
    target = len(scope["raw_path"]) + len(scope["query_string"])
    return target + sum(len(name) + len(value) + len(": \r\n") for name, value in scope["headers"])


def _asks_for_another(scope: HTTPScope, request: Request) -> bool:
    """Whether the target names another host than the Host header. A target's host goes first (RFC 9112, 3.2.2)."""
    scheme, mark, rest = scope["raw_path"].partition(b"://")
    if not mark or b"/" in scheme:
        return False
    told = authority_of(rest.partition(b"/")[0].decode("latin-1"))
    return told is None or told != authority_of(request.headers.get("host", ""))


def _has_two_lengths(scope: HTTPScope) -> bool:
    """Whether a proxy and this server might find different ends of the body (RFC 9112, section 6.1)."""
    return {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}


async def _send(answer: Answer, scope: HTTPScope | WebsocketScope, send: ASGISendCallable, *, closes: bool) -> None:
    """Send a whole answer: leave it to the connection, or send it a piece at a time."""
    take: Take | None = scope["state"].get(TAKE)
    body = b"" if answer.body is None or (scope["type"] == "http" and scope["method"] == "HEAD") else answer.body
    if take is not None and body and await take(answer, closes):
        return
    kind = "http.response" if scope["type"] == "http" else "websocket.http.response"
    await _start(answer, kind, send, closes=closes)
    try:
        for start in range(0, len(body), _PIECE_BYTES):
            await _continue(bytes(piece_of(body, start, _PIECE_BYTES)), kind, send)
    except TakenBack:  # Hypercorn cuts a client that has got less than its Content-Length
        return
    await send(cast("ASGISendEvent", {"type": f"{kind}.body", "body": b"", "more_body": False}))


async def _follow(
    stream: Stream,
    answer: Answer,
    scope: HTTPScope | WebsocketScope,
    receive: ASGIReceiveCallable,
    send: ASGISendCallable,
    *,
    closes: bool,
) -> None:
    """Send a stream until it ends, or until its peer has gone away."""
    peer_end: PeerEnd = scope["state"].get("peer_end") or PeerEnd()
    subscriber = stream.subscriber

    async def hear(gone: trio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.cancel()

    peer_end.listen(subscriber.nudge)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hear, nursery.cancel_scope)
            await _start(answer, "http.response", send, closes=closes)
            data: bytes | None = stream.opening
            while data is not None:
                await _continue(data, "http.response", send)
                data = await subscriber.next()
            await send(cast("ASGISendEvent", {"type": "http.response.body", "body": b"", "more_body": False}))
            nursery.cancel_scope.cancel()
    finally:
        peer_end.leave(subscriber.nudge)
        subscriber.close()


async def _start(answer: Answer, kind: str, send: ASGISendCallable, *, closes: bool) -> None:
    headers = fields_of(answer)
    if closes:
        headers.append(_CLOSE)
    await send(cast("ASGISendEvent", {"type": f"{kind}.start", "status": answer.status, "headers": headers}))


async def _continue(data: bytes, kind: str, send: ASGISendCallable) -> None:
    await send(cast("ASGISendEvent", {"type": f"{kind}.body", "body": data, "more_body": True}))
