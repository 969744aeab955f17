"""Says which sites' pages may use the API: only this site's, and those of `--allow-origin`.

The test for a cross-site request is the one of Go 1.25's `http.CrossOriginProtection`. If the browser sends
`Sec-Fetch-Site`, that header decides; over plain HTTP browsers don't send it. Then the host and port in Origin must be
those that the request asks for. Programs send neither header, and pass. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from placed.http.answer import Problem
from placed.http.asked_host import asked_authorities, asked_host
from placed.http.authority import is_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placed.http.answer import Headers, Request
    from placed.http.client_address import Network

_EXPOSED = "X-Canvas-Version, X-Canvas-Log, X-Canvas-Time, ETag, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
# Headers that polyfills of EventSource, fetch libraries and tracers add by themselves. The server ignores most of them,
# but without this list the browser would refuse the page's whole request, and not say why. The star is for all other
# headers, but old browsers don't know it, and it doesn't cover Authorization (Fetch standard, section 3.3.2).
_TAKEN = (
    "Accept, Accept-Language, Authorization, Baggage, Cache-Control, Content-Type, If-Modified-Since, If-None-Match, "
    "Last-Event-ID, Pragma, Traceparent, Tracestate, User-Agent, X-Placed-Pass, X-Request-ID, X-Requested-With, *"
)
_MAX_AGE_SECONDS = "600"
_SHOWN_ORIGIN, _SHOWN_HOST = 80, 48  # characters


def refuse_cross_site(request: Request, allowed: Sequence[str], trusted: Sequence[Network] = ()) -> None:
    """Raise a 403 `Problem` when another site's page sent `request`.

    Args:
        request: a request that changes something.
        allowed: other sites' origins that may send it.
        trusted: proxies that may name the host that the client asked for.
    """
    origin = request.headers.get("origin")
    if origin is not None and _is_allowed(origin, allowed):
        return
    site = request.headers.get("sec-fetch-site")
    if site in ("same-origin", "none"):
        return
    if site is None and (origin is None or _is_own(origin, request, trusted)):
        return
    raise Problem(403, "cross-site", _refusal(origin, request, trusted))


def is_of_own_page(request: Request, trusted: Sequence[Network] = ()) -> bool:
    """Whether `request` comes from this server's own page, or a program, and not from another site's page, not even one
    that `--allow-origin` names.

    Only then a cookie counts. A page of the same site but another origin, such as another port, counts as another's.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or _is_own(origin, request, trusted)


def _is_own(origin: str, request: Request, trusted: Sequence[Network]) -> bool:
    return any(is_at(origin, asked) for asked in asked_authorities(request, trusted))


def _refusal(origin: str | None, request: Request, trusted: Sequence[Network]) -> str:
    """The refusal, for another site's page, or for our own page behind a proxy that hides the host."""
    if origin is None:
        return "a page of another site may not do this; --allow-origin would let it place edits"
    host = asked_host(request, trusted)[:_SHOWN_HOST]
    return (
        f"a page of {origin[:_SHOWN_ORIGIN]!r} may not do this: the request asks for the host {host!r}; a proxy "
        "has to pass on the Host that the browser sent, and --allow-origin lets another site's pages place edits"
    )


def cors(request: Request, allowed: Sequence[str]) -> Headers:
    """The headers that let an allowed site's page read the answer (Fetch standard, section 3.3)."""
    if not allowed:
        return ()
    if "*" in allowed:
        return (("Access-Control-Allow-Origin", "*"), ("Access-Control-Expose-Headers", _EXPOSED))
    origin = request.headers.get("origin", "")
    if not _is_allowed(origin, allowed):
        return (("Vary", "Origin"),)
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Expose-Headers", _EXPOSED),
        ("Vary", "Origin"),
    )


def preflight(methods: str) -> Headers:
    """The further headers of an answer to OPTIONS."""
    return (
        ("Access-Control-Allow-Methods", methods),
        ("Access-Control-Allow-Headers", _TAKEN),
        ("Access-Control-Max-Age", _MAX_AGE_SECONDS),
    )


def _is_allowed(origin: str, allowed: Sequence[str]) -> bool:
    return "*" in allowed or origin.lower() in allowed
