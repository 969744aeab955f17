"""Tells operators about requests: counts, log lines, and the ids by which both sides find a request.

Errors become answers here; `placed.http.replies` asks for that, for both lanes. Whoever is refused gets the id of the
request in the header X-Request-ID; the same is in each line that is logged of it. A client is told in lines by its
author's hash; its address stands there only if the operator wants that. No line has a client's own words, but for the
path of a request that failed by a mistake of ours.

    a mistake of ours    one line, with its traceback
    refused with 503     one line
    all others           one line each at level `debug`, and otherwise none
"""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING, Any, Final

import attrs

from placed.canvas.author import author_of
from placed.http.answer import Problem
from placed.http.client_address import client_address, is_inside
from placed.telemetry.metrics import Metrics
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from placed.http.answer import Answer, Request
    from placed.http.client_address import Network

_FIELD: Final = "x-request-id"
_ID = re.compile(r"[0-9A-Za-z._-]{1,64}", re.ASCII)  # nginx's has 32 characters, a UUID 36
_SHOWN_PATH: Final = 128
_PATHS: Final = frozenset(
    {
        "/",
        "/edit",
        "/edits",
        "/canvas.png",
        "/canvas.bin",
        "/challenge",
        "/history",
        "/history/canvas.png",
        "/history/edits",
        "/history/pixel",
        "/history/activity",
        "/info",
        "/healthz",
        "/readyz",
        "/me",
        "/me/name",
        "/metrics",
        "/qr.svg",
        "/sign-in",
        "/sign-out",
        "/static",
        "/sign-in/oidc",
        "/openapi.yaml",
    }
)


def _random_id() -> str:
    return os.urandom(8).hex()


def _is_verbose() -> bool:
    return logging.getLogger(__name__).isEnabledFor(logging.DEBUG)


@attrs.frozen
class RequestLog:
    """One server's.

    Attributes:
        trusted_proxies: whose X-Request-ID is taken.
        author_key: None tells no authors.
        person_of: the author of who asks, if they have signed in.
        log_addresses: whether lines have clients' addresses too.
        make_id: an id for a request that came without one.
        is_verbose: whether every request makes a line.
    """

    metrics: Metrics = attrs.field(factory=Metrics)
    trusted_proxies: tuple[Network, ...] = ()
    author_key: bytes | None = attrs.field(default=None, repr=False)
    person_of: Callable[[Request], int | None] = lambda request: None
    log_addresses: bool = False
    make_id: Callable[[], str] = _random_id
    is_verbose: bool = attrs.field(factory=_is_verbose)

    def id_of(self, headers: Mapping[str, str], peer: str) -> str:
        """The id that a trusted proxy gave this request, if it is one; otherwise a new one."""
        given = headers.get(_FIELD)
        if given is not None and _ID.fullmatch(given) and is_inside(peer, self.trusted_proxies):
            return given
        return self.make_id()

    def answered(self, lane: str, path: str, status: int, request: Request | None = None) -> None:
        """A request was answered."""
        self.metrics.answered(lane, status)
        if self.is_verbose and status < 400:
            told = {} if request is None else self._who(request)
            get_logger(__name__).debug("a request was answered", lane=lane, path=_known(path), status=status, **told)

    def refused(self, error: Exception, path: str, request: Request, *, request_id: str | None = None) -> Answer:
        """The answer to a request for `path` that ended with `error`: a problem, or a mistake of ours.

        Args:
            error: the error that ended it.
            path: empty while nothing is known of it.
            request: as far as it was read; its peer is known in any case, and its method is empty where it isn't.
            request_id: where it has got one already.
        """
        request_id = request_id or self.id_of(request.headers, request.peer)
        if isinstance(error, Problem):
            problem = error
            self._note_refused(problem, path, request, request_id)
        else:
            told = {"path": path[:_SHOWN_PATH], "request_id": request_id, **self._who(request)}
            get_logger(__name__).error("request failed", exc_info=error, **told)
            detail = "the server made a mistake; its operator will find it in the logs"
            problem = Problem(500, "internal", detail)
        self.metrics.refused(problem.code, is_edit=path in ("/edit", "/edits") and request.method in ("POST", ""))
        return problem.answer().with_headers(("X-Request-ID", request_id))

    def _note_refused(self, problem: Problem, path: str, request: Request, request_id: str) -> None:
        if problem.status != 503 and not self.is_verbose:
            return
        logger = get_logger(__name__)
        log = logger.info if problem.status == 503 else logger.debug
        told = {"status": problem.status, "code": problem.code, "request_id": request_id}
        log("a request was refused", path=_known(path), **told, **self._who(request))

    def who(self, address: str) -> dict[str, str]:
        """The words that a line may have about the client at this address."""
        author = {} if self.author_key is None else {"author": f"{author_of(address, self.author_key):016x}"}
        return author | ({"address": address} if self.log_addresses else {})

    def _who(self, request: Request) -> dict[str, Any]:
        try:
            told = self.who(client_address(request, self.trusted_proxies))
        except Problem:  # its proxy's headers contradict each other
            told = self.who(request.peer)
        person = self.person_of(request)
        return told if person is None or self.author_key is None else told | {"author": f"{person:016x}"}


def _known(path: str) -> str:
    """A path of ours, without what a client may have put into it."""
    for folder in ("/static", "/sign-in/oidc"):
        if path.startswith(f"{folder}/"):
            path = folder
    return path if path in _PATHS else "another"
