"""The slow lane: answers all requests by Quart-Trio's app over the API. HTTP/2 and TLS come with Hypercorn.

An app is made for one server: nothing here is global.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from quart import Response, request
from quart_trio import QuartTrio
from quart_trio.wrappers import TrioRequest
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from placed.http.answer import ALIVE, Answer, Problem, Request
from placed.http.body import most_body_bytes
from placed.http.framing import frame_ancestors
from placed.http.history import History
from placed.http.origin import preflight
from placed.stream.peer_end import PeerEnd
from placed.telemetry.structured_logs import request_id_here

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from placed.http.api import Api, Stream
    from placed.http.pages import Pages
    from placed.tasks.shared_bytes import SharedBytes

_POLICY = "Content-Security-Policy"
_PIECE_BYTES = 16_384  # a frame of HTTP/2
BODY_SECONDS = 10.0  # an edit is a few bytes; a body slower than that is not an edit

_ALL_METHODS = "GET, HEAD, OPTIONS, POST"
_SHOWN_PATH = 128  # characters

_CODES = {
    400: "invalid-body",
    403: "cross-site",
    404: "not-found",
    405: "method-not-allowed",
    408: "slow-request",
    413: "too-large",
    414: "too-large",
    415: "unsupported-media-type",
    431: "too-large",
    503: "not-ready",
}


class _OurRequest(TrioRequest):
    """A request whose body may be as large as its path allows, where Quart has one bound for all.

    Its host has been looked at by the front, and counts no more: Werkzeug would refuse an underscore.
    """

    host = "localhost"

    def __init__(self, method: str, scheme: str, path: str, *args: Any, **more: Any) -> None:
        super().__init__(method, scheme, path, *args, **more | {"max_content_length": most_body_bytes(path)})


def create_app(api: Api, pages: Pages, embedders: Sequence[str] = (), history: History | None = None) -> QuartTrio:
    """The app over one API.

    Args:
        api: answers the requests.
        pages: the client's files.
        embedders: sites that may show the page in a frame.
        history: the canvas's past; None answers that there is none.
    """
    app = QuartTrio(__name__, static_folder=None)
    app.request_class = _OurRequest
    framing = f"; {frame_ancestors(embedders)}"
    app.config["BODY_TIMEOUT"] = BODY_SECONDS
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    _route_api(app, api)
    _route_history(app, history or History())
    _route_pages(app, pages)
    _map_errors(app, api)

    @app.after_request
    async def add_cors(response: Response) -> Response:
        response.headers.extend(api.cors(await _read(with_body=False)))
        if request.path == "/" and _POLICY in response.headers:
            response.headers[_POLICY] += framing
        return response

    return app


def create_waiting_app(problem: Callable[[], Problem]) -> QuartTrio:
    """The app of a server that waits for its log, or reads it: alive, and not ready; `problem` says how far it is."""
    app = QuartTrio(__name__, static_folder=None)
    app.request_class = _OurRequest

    @app.before_request
    async def refuse() -> Response:
        if request.path == "/healthz" and request.method in ("GET", "HEAD"):
            return _respond(ALIVE)
        answer = problem().answer()
        request_id = request_id_here()
        return _respond(answer.with_headers(("X-Request-ID", request_id)) if request_id else answer)

    return app


def _route_api(app: QuartTrio, api: Api) -> None:
    async def post() -> Response:
        return _respond(await api.post(request.path, await _read()))

    for path in ("/edit", "/edits"):
        app.add_url_rule(path, f"POST {path}", post, methods=["POST"])

    @app.get("/edits")
    async def edits() -> Response:
        asked = await _read(with_body=False)
        polled = await api.polled(asked)
        if polled is not None:
            return _respond(polled)
        stream = api.edits(asked)
        if request.method == "HEAD":
            stream.subscriber.close()
            response = Response(b"", headers=Headers(stream.headers))
            response.headers.pop("Content-Length")  # a stream has none, and 0 would be wrong
            return response
        response = Response(_follow(stream, _peer_end()), headers=Headers(stream.headers))
        response.timeout = None  # Quart would cut it at 60 s
        return response

    @app.get("/canvas.png")
    async def image() -> Response:
        return _respond(await api.image(await _read(with_body=False)))

    @app.get("/canvas.bin")
    async def raw_image() -> Response:
        return _respond(await api.raw_image(await _read(with_body=False)))

    @app.get("/info")
    async def info() -> Response:
        return _respond(api.info(await _read(with_body=False)))

    for where, endpoint in (("/healthz", api.healthz), ("/readyz", api.readyz), ("/metrics", api.prometheus)):
        app.add_url_rule(where, where, _plain(endpoint), methods=["GET"])


def _route_history(app: QuartTrio, history: History) -> None:
    def answering(endpoint: Callable[[Request], Awaitable[Answer]]) -> Callable[[], Awaitable[Response]]:
        async def respond() -> Response:
            return _respond(await endpoint(await _read(with_body=False)))

        return respond

    for where, endpoint in (
        ("/history", history.about),
        ("/history/canvas.png", history.canvas),
        ("/history/edits", history.edits),
        ("/history/pixel", history.pixel),
        ("/history/activity", history.activity),
    ):
        app.add_url_rule(where, where, answering(endpoint), methods=["GET"])


def _route_pages(app: QuartTrio, pages: Pages) -> None:
    @app.get("/")
    async def index() -> Response:
        return _respond(pages.page(await _read(with_body=False)))

    @app.get("/static/<path:path>")
    async def static(path: str) -> Response:
        return _respond(pages.file(path, await _read(with_body=False)))

    @app.get("/openapi.yaml")
    async def description() -> Response:
        return _respond(pages.description(await _read(with_body=False)))


def _plain(endpoint: Callable[[], Answer]) -> Callable[[], Awaitable[Response]]:
    async def respond() -> Response:
        return _respond(endpoint())

    return respond


def _map_errors(app: QuartTrio, api: Api) -> None:
    """Whatever ends a request, Quart's own errors included."""

    async def refuse(error: Exception) -> Response:
        asked = await _read(with_body=False)
        return _respond(api.requests.refused(error, request.path, asked, request_id=request_id_here()))

    async def on_problem(problem: Problem) -> Response:
        return await refuse(problem)

    async def on_http(error: HTTPException) -> Response:
        status = error.code or 500
        if isinstance(error, MethodNotAllowed):
            allowed = ", ".join(sorted({*(error.valid_methods or ()), "OPTIONS"}))
            if request.method == "OPTIONS":
                return _respond(Answer(204, (("Allow", allowed), *preflight(allowed))))
            detail = f"{request.method} is not allowed here; allowed are {allowed}"
            return await refuse(Problem(405, _CODES[405], detail, ("Allow", allowed)))
        if status == HTTPStatus.NOT_FOUND:
            # Of the server as a whole (RFC 9110, section 9.3.7).
            if request.method == "OPTIONS" and request.scope["raw_path"] == b"*":
                return _respond(Answer(204, (("Allow", _ALL_METHODS),)))
            return await refuse(Problem(404, _CODES[404], f"there is no {request.path[:_SHOWN_PATH]!r} here"))
        detail = error.description or HTTPStatus(status).phrase
        return await refuse(Problem(status, _CODES.get(status, "internal"), detail))

    async def on_bug(error: Exception) -> Response:
        return await refuse(error)

    app.register_error_handler(Problem, on_problem)
    app.register_error_handler(HTTPException, on_http)
    app.register_error_handler(Exception, on_bug)


async def _read(*, with_body: bool = True) -> Request:
    body = await request.get_data(cache=False) if with_body else b""
    assert isinstance(body, bytes)
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    client = request.scope.get("client")
    query = request.query_string.decode("latin-1")
    return Request(request.method, query, headers, client[0] if client else "", body)


def _respond(answer: Answer) -> Response:
    shared = answer.shared
    body = answer.body if shared is None or request.method == "HEAD" else _pieces(shared)
    response = Response(body, status=answer.status, headers=Headers(answer.headers))
    if shared is not None:
        response.content_length = shared.length
        response.timeout = None  # Quart would cut a slow reader at 60 s; the connection knows better who is slow
    if not any(name == "Content-Type" for name, _ in answer.headers):
        response.headers.pop("Content-Type", None)
    if answer.status in (204, 304):  # RFC 9110, section 8.6: it would be the length of a 200's body
        response.headers.pop("Content-Length", None)
    return response


async def _pieces(shared: SharedBytes) -> AsyncIterator[bytes]:
    """A shared body a piece at a time, so that who reads slowly holds no more than that."""
    for start in range(0, shared.length, _PIECE_BYTES):
        yield bytes(shared.piece(start, _PIECE_BYTES))


def _peer_end() -> PeerEnd:
    end: PeerEnd = request.scope.get("state", {}).get("peer_end") or PeerEnd()
    return end


async def _follow(stream: Stream, peer_end: PeerEnd) -> AsyncIterator[bytes]:
    peer_end.listen(stream.subscriber.nudge)
    try:
        yield stream.opening
        while (data := await stream.subscriber.next()) is not None:
            yield data
    finally:
        peer_end.leave(stream.subscriber.nudge)
        stream.subscriber.close()
