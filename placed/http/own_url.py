"""Makes URLs of this server as clients see it, also behind proxies, for links that lead back from other sites. Pure.

A URL has the host that the client asked for, and the scheme that it used. A proxy that serves the canvas below a path
names that path in `X-Forwarded-Prefix`; only a trusted proxy's header counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from placed.http.answer import Problem
from placed.http.asked_host import asked_host
from placed.http.authority import authority_of
from placed.http.client_address import entries_of, is_inside
from placed.http.scheme import is_secure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placed.http.answer import Request
    from placed.http.client_address import Network

_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,63}){1,8}", re.ASCII)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def own_url(request: Request, path: str, trusted: Sequence[Network], *, has_tls: bool) -> str:
    """The URL at which the client of `request` finds `path`, which begins with a slash.

    Raises:
        Problem: 400, the request names no host, or proxies disagree.
    """
    asked = authority_of(asked_host(request, trusted))
    if asked is None:
        raise Problem(400, "invalid-body", "the request names no host to come back to; allowed is a Host header")
    scheme = "https" if is_secure(request, trusted, has_tls=has_tls) else "http"
    host = attrs.evolve(asked, port=None) if asked.port == _DEFAULT_PORTS[scheme] else asked
    return f"{scheme}://{host}{_prefix(request, trusted)}{path}"


def _prefix(request: Request, trusted: Sequence[Network]) -> str:
    entries = entries_of(request, "x-forwarded-prefix")
    if not entries or not is_inside(request.peer, trusted):
        return ""
    prefix = entries[-1].rstrip("/")
    return prefix if _PREFIX.fullmatch(prefix) else ""
