"""Finds the endpoint for each request of the slow lane, by Quart-Trio, and calls it for the request's outcome.

The outcome, an answer, a stream or an error, isn't sent from here. A request takes 40 KB in Quart for as long as it
lasts, and a slow reader would hold them. So the request ends at once, and `placed.http.lanes.guard`, which called the
app, sends the outcome. An app is made for one server: nothing here is global.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from quart import Response, request
from quart_trio import QuartTrio
from quart_trio.asgi import TrioASGIHTTPConnection
from quart_trio.wrappers import TrioRequest
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from placed.http.answer import ALIVE, Answer, Problem, Request
from placed.http.body import most_body_bytes
from placed.http.history import History
from placed.http.lanes.path import Path
from placed.http.origin import preflight
from placed.http.people_desk import ACTS, QUESTIONS
from placed.http.qr_code import QrCodes
from placed.telemetry.structured_logs import request_id_here

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hypercorn.typing import ASGISendCallable
    from quart.typing import ResponseTypes

    from placed.http.acts import Acts
    from placed.http.api import Api, Stream
    from placed.http.challenge import Challenge
    from placed.http.host_page.page import HostPage
    from placed.http.oidc.signing_in import ProviderSignIns
    from placed.http.people_desk import PeopleDesk
    from placed.http.report_desk import ReportDesk
    from placed.http.sign_in import SignIns

    Outcome = Answer | Stream | Exception

OUTCOME: Final = "outcome"  # the key of a request's outcome in its scope's state
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
    """A request whose body may be as large as its path allows; Quart has one limit for all paths.

    The guard has checked the host already. A constant takes its place here, since Werkzeug would refuse an underscore.
    """

    host = "localhost"

    def __init__(self, method: str, scheme: str, path: str, *args: Any, **more: Any) -> None:
        super().__init__(method, scheme, path, *args, **more | {"max_content_length": most_body_bytes(path)})


class _Held(Response):
    """Carries the outcome through Quart, which takes it for a response."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(b"")
        self.outcome = outcome


class _Exchange(TrioASGIHTTPConnection):
    """Quart's part in one request. It leaves the outcome in the scope, for the app's caller."""

    async def _send_response(self, _send: ASGISendCallable, response: ResponseTypes) -> None:
        assert isinstance(response, _Held), response  # all handlers here return one, also those for Quart's errors
        self.scope["state"][OUTCOME] = response.outcome


def _quart() -> QuartTrio:
    app = QuartTrio(__name__, static_folder=None)
    app.request_class = _OurRequest
    app.url_rule_class = Path
    app.asgi_http_class = _Exchange
    return app


def create_app(
    api: Api,
    page: HostPage,
    history: History | None = None,
    sign_ins: SignIns | None = None,
    providers: ProviderSignIns | None = None,
    desk: PeopleDesk | None = None,
    acts: Acts | None = None,
    reports: ReportDesk | None = None,
) -> QuartTrio:
    """Make the app of one server.

    Args:
        api: answers the requests for the canvas.
        page: the page as its host wants it, and the client's files.
        history: the canvas's past; with None the app answers that there is none.
        sign_ins: signs people in and out; with None there are no such endpoints.
        providers: signs people in with accounts at providers; with None the app answers that there is no provider.
        desk: lets hosts look after people; with None there are no such endpoints.
        acts: lets moderators and hosts look after the canvas; with None there are no such endpoints.
        reports: takes reports, and shows them to moderators; with None there are no such endpoints.
    """
    app = _quart()
    app.config["BODY_TIMEOUT"] = BODY_SECONDS
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    _route_api(app, api)
    _route_history(app, history or History())
    _route_challenge(app, api.askers.challenge)
    if sign_ins is not None:
        _route_people(app, sign_ins)
    if desk is not None:
        _route_desk(app, desk)
    if acts is not None:
        _route_acts(app, acts)
    if reports is not None:
        _route_reports(app, reports)
    _route_providers(app, providers)
    _route_page(app, page)
    _map_errors(app)
    return app


def create_waiting_app(problem: Callable[[], Problem]) -> QuartTrio:
    """Make the app of a server that waits for its log, or reads it: `/healthz` answers 200, all else gets `problem`."""
    app = _quart()

    @app.before_request
    async def refuse() -> Response:
        if request.path == "/healthz" and request.method in ("GET", "HEAD"):
            return _Held(ALIVE)
        # An answer, not a raised problem: that would write a log line for each of thousands of clients that try again.
        answer = problem().answer()
        request_id = request_id_here()
        return _Held(answer.with_headers(("X-Request-ID", request_id)) if request_id else answer)

    return app


def _route_api(app: QuartTrio, api: Api) -> None:
    async def post() -> Response:
        return _Held(await api.post(request.path, await _read()))

    for path in ("/edit", "/edits"):
        app.add_url_rule(path, f"POST {path}", post, methods=["POST"])

    @app.get("/edits")
    async def edits() -> Response:
        asked = await _read(with_body=False)
        polled = await api.polled(asked)
        if polled is not None:
            return _Held(polled)
        stream = api.edits(asked)
        if request.method == "HEAD":
            stream.subscriber.close()
            return _Held(Answer(200, stream.headers, None))
        return _Held(stream)

    @app.get("/canvas.png")
    async def image() -> Response:
        return _Held(await api.image(await _read(with_body=False)))

    @app.get("/canvas.bin")
    async def raw_image() -> Response:
        return _Held(await api.raw_image(await _read(with_body=False)))

    @app.get("/info")
    async def info() -> Response:
        return _Held(api.info(await _read(with_body=False)))

    for where, endpoint in (("/healthz", api.healthz), ("/readyz", api.readyz), ("/metrics", api.prometheus)):
        app.add_url_rule(where, where, _plain(endpoint), methods=["GET"])


def _route_people(app: QuartTrio, sign_ins: SignIns) -> None:
    @app.get("/me")
    async def me() -> Response:
        return _Held(await sign_ins.me(await _read(with_body=False)))

    codes = QrCodes(sign_ins.askers)

    @app.get("/qr.svg")
    async def qr_code() -> Response:
        return _Held(await codes.answer(await _read(with_body=False)))

    def posting(endpoint: Callable[[Request], Awaitable[Answer]]) -> Callable[[], Awaitable[Response]]:
        async def respond() -> Response:
            return _Held(await endpoint(await _read()))

        return respond

    for where, endpoint in (
        ("/sign-in", sign_ins.sign_in),
        ("/sign-out", sign_ins.sign_out),
        ("/me/name", sign_ins.name),
    ):
        app.add_url_rule(where, where, posting(endpoint), methods=["POST"])


def _route_desk(app: QuartTrio, desk: PeopleDesk) -> None:
    def looking(what: str) -> Callable[[], Awaitable[Response]]:
        async def respond() -> Response:
            return _Held(await desk.look(what, await _read(with_body=False)))

        return respond

    def acting(what: str) -> Callable[[], Awaitable[Response]]:
        async def respond() -> Response:
            return _Held(await desk.act(what, await _read()))

        return respond

    for what in QUESTIONS:
        path = "/people" if what == "people" else f"/people/{what}"
        app.add_url_rule(path, f"GET {path}", looking(what), methods=["GET"])
    for what in ACTS:
        app.add_url_rule(f"/people/{what}", f"POST /people/{what}", acting(what), methods=["POST"])


def _route_acts(app: QuartTrio, acts: Acts) -> None:
    @app.post("/acts")
    async def act() -> Response:
        return _Held(await acts.post(await _read()))

    @app.get("/acts")
    async def listed() -> Response:
        return _Held(await acts.list(await _read(with_body=False)))

    @app.get("/acts/bans")
    async def bans() -> Response:
        return _Held(await acts.bans(await _read(with_body=False)))

    @app.get("/acts/protections")
    async def protections() -> Response:
        return _Held(await acts.protections(await _read(with_body=False)))


def _route_reports(app: QuartTrio, desk: ReportDesk) -> None:
    @app.get("/reports")
    async def reports() -> Response:
        return _Held(await desk.list(await _read(with_body=False)))

    @app.post("/reports")
    async def report() -> Response:
        return _Held(await desk.report(await _read()))

    @app.post("/reports/<report_id>")
    async def set_state(report_id: str) -> Response:
        return _Held(await desk.set_state(report_id, await _read()))


def _route_providers(app: QuartTrio, providers: ProviderSignIns | None) -> None:
    def asked() -> ProviderSignIns:
        if providers is None:
            raise Problem(404, "not-found", "nobody signs in here with an account from elsewhere")
        return providers

    @app.get("/sign-in/oidc/<name>")
    async def begin(name: str) -> Response:
        return _Held(await asked().begin(name, await _read(with_body=False)))

    @app.get("/sign-in/oidc/<name>/callback")
    async def finish(name: str) -> Response:
        return _Held(await asked().finish(name, await _read(with_body=False)))


def _route_history(app: QuartTrio, history: History) -> None:
    def answering(endpoint: Callable[[Request], Awaitable[Answer]]) -> Callable[[], Awaitable[Response]]:
        async def respond() -> Response:
            return _Held(await endpoint(await _read(with_body=False)))

        return respond

    for where, endpoint in (
        ("/history", history.about),
        ("/history/canvas.png", history.canvas),
        ("/history/edits", history.edits),
        ("/history/pixel", history.pixel),
        ("/history/activity", history.activity),
    ):
        app.add_url_rule(where, where, answering(endpoint), methods=["GET"])


def _route_challenge(app: QuartTrio, challenge: Challenge | None) -> None:
    def asked() -> Challenge:
        if challenge is None:
            raise Problem(404, "not-found", "this canvas asks for no proof of work: paint without one")
        return challenge

    @app.get("/challenge")
    async def ask() -> Response:
        return _Held(asked().ask(await _read(with_body=False)))

    @app.post("/challenge")
    async def take() -> Response:
        return _Held(asked().take(await _read()))


def _route_page(app: QuartTrio, page: HostPage) -> None:
    @app.get("/")
    async def index() -> Response:
        return _Held(page.page(await _read(with_body=False)))

    @app.get("/about")
    async def about() -> Response:
        return _Held(page.about(await _read(with_body=False)))

    @app.get("/icon")
    async def icon() -> Response:
        return _Held(page.icon(await _read(with_body=False)))

    @app.get("/preview.png")
    async def preview() -> Response:
        return _Held(await page.preview(await _read(with_body=False)))

    @app.get("/static/<path:path>")
    async def static(path: str) -> Response:
        return _Held(page.pages.file(path, await _read(with_body=False)))

    @app.get("/openapi.yaml")
    async def description() -> Response:
        return _Held(page.pages.description(await _read(with_body=False)))


def _plain(endpoint: Callable[[], Answer]) -> Callable[[], Awaitable[Response]]:
    async def respond() -> Response:
        return _Held(endpoint())

    return respond


def _map_errors(app: QuartTrio) -> None:
    """Make each error that ends a request its outcome, Quart's own errors included."""

    async def on_any(error: Exception) -> Response:
        return _Held(error)

    async def on_http(error: HTTPException) -> Response:
        status = error.code or 500
        if isinstance(error, MethodNotAllowed):
            allowed = ", ".join(sorted({*(error.valid_methods or ()), "OPTIONS"}))
            if request.method == "OPTIONS":
                return _Held(Answer(204, (("Allow", allowed), *preflight(allowed))))
            detail = f"{request.method} is not allowed here; allowed are {allowed}"
            return _Held(Problem(405, _CODES[405], detail, ("Allow", allowed)))
        if status == HTTPStatus.NOT_FOUND:
            # `OPTIONS *` asks about the server as a whole (RFC 9110, section 9.3.7).
            if request.method == "OPTIONS" and request.scope["raw_path"] == b"*":
                return _Held(Answer(204, (("Allow", _ALL_METHODS),)))
            return _Held(Problem(404, _CODES[404], f"there is no {request.path[:_SHOWN_PATH]!r} here"))
        detail = error.description or HTTPStatus(status).phrase
        return _Held(Problem(status, _CODES.get(status, "internal"), detail))

    app.register_error_handler(HTTPException, on_http)
    app.register_error_handler(Exception, on_any)


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
