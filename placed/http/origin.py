"""Which sites' pages may use the API: only this one's, and those of `--allow-origin`.

The test for a cross-site request is the one of Go 1.25's `http.CrossOriginProtection`: what `Sec-Fetch-Site`
says, for browsers that send it; otherwise whether Origin's host is the request's own; programs send neither,
and pass. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from placed.http.answer import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placed.http.answer import Headers, Request

_EXPOSED = "X-Canvas-Version, X-Canvas-Log, ETag, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
# What polyfills of EventSource, fetch libraries and tracers add by themselves; most of it means nothing here. But a
# page whose preflight is refused can do nothing, and isn't told why.
_TAKEN = (
    "Accept, Accept-Language, Authorization, Baggage, Cache-Control, Content-Type, If-Modified-Since, If-None-Match, "
    "Last-Event-ID, Pragma, Traceparent, Tracestate, User-Agent, X-Request-ID, X-Requested-With"
)
_MAX_AGE_SECONDS = "600"


def refuse_cross_site(request: Request, allowed: Sequence[str]) -> None:
    """Raise a 403 `Problem` when another site's page sent `request`."""
    origin = request.headers.get("origin")
    if origin is not None and _is_allowed(origin, allowed):
        return
    site = request.headers.get("sec-fetch-site")
    if site in ("same-origin", "none"):
        return
    if site is None and (origin is None or _host(origin) == request.headers.get("host", "").lower()):
        return
    detail = f"a page of {(origin or 'another site')[:128]!r} may not place edits; --allow-origin would let it"
    raise Problem(403, "cross-site", detail)


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


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None
