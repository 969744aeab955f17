"""Tells operators about requests: in counts and log lines, with an id that both the client and the operator know.

This module turns errors into answers; `placed.http.replies` calls it for both lanes. A refused client gets the id of
its request in the header X-Request-ID, and each log line about the request has the same id. Log lines name a client by
the hash of its author; they have its address only if the operator wants that. No line has text that a client wrote,
except for the path of a request that failed by a mistake of the server.

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
    """The counts and log lines about one server's requests.

    Attributes:
        metrics: the counts.
        trusted_proxies: proxies that may give a request its X-Request-ID.
        author_key: makes authors of addresses; None for log lines without authors.
        person_of: the author of a sender who has signed in; None for any other.
        log_addresses: whether log lines have clients' addresses too.
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
        """The id that a trusted proxy gave this request, if it's a valid one; otherwise a new id."""
        given = headers.get(_FIELD)
        if given is not None and _ID.fullmatch(given) and is_inside(peer, self.trusted_proxies):
            return given
        return self.make_id()

    def answered(self, lane: str, path: str, status: int, request: Request | None = None) -> None:
        """Note that the server has answered a request."""
        self.metrics.answered(lane, status)
        if self.is_verbose and status < 400:
            told = {} if request is None else self._who(request)
            get_logger(__name__).debug("a request was answered", lane=lane, path=_known(path), status=status, **told)

    def refused(self, error: Exception, path: str, request: Request, *, request_id: str | None = None) -> Answer:
        """The answer to a request for `path` that ended with `error`: a problem, or a mistake of the server.

        Args:
            error: the error that ended the request.
            path: empty while the server hasn't read it.
            request: the request, as far as the server has read it. It has the peer in any case; an unread method is
                empty.
            request_id: the request's id, if it has one already.
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
        """The fields of a log line about the client at this address."""
        author = {} if self.author_key is None else {"author": f"{author_of(address, self.author_key):016x}"}
        return author | ({"address": address} if self.log_addresses else {})

    def _who(self, request: Request) -> dict[str, Any]:
        try:
            told = self.who(client_address(request, self.trusted_proxies))
        except Problem:  # the proxy's headers contradict each other
            told = self.who(request.peer)
        person = self.person_of(request)
        return told if person is None or self.author_key is None else told | {"author": f"{person:016x}"}


def _known(path: str) -> str:
    """The path for a log line: one of the server's own paths or folders, without the part that a client made up."""
    for folder in ("/static", "/sign-in/oidc"):
        if path.startswith(f"{folder}/"):
            path = folder
    return path if path in _PATHS else "another"
