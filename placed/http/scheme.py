"""Finds out whether the client came by HTTPS: to us, or to the trusted proxy that stands before us.

A proxy that ends TLS says so in `X-Forwarded-Proto`, or in the `proto=` of `Forwarded` (RFC 7239). As for addresses, in
`placed.http.client_address`, only the entry of the outermost trusted proxy counts, and nobody else's. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from placed.http.client_address import PAIR, addresses_of, entries_of, is_inside, value_of, walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placed.http.answer import Request
    from placed.http.client_address import Network

_PROTO = re.compile(PAIR.format("proto"), re.IGNORECASE)


def is_secure(request: Request, trusted: Sequence[Network], *, has_tls: bool) -> bool:
    """Whether the client came by HTTPS.

    Args:
        request: theirs.
        trusted: proxies that may say so.
        has_tls: whether this server itself speaks TLS, and nothing else.
    """
    if not trusted or not is_inside(request.peer, trusted):
        return has_tls
    told = _x_forwarded_proto(request, trusted) or _forwarded_proto(request, trusted)
    return told.lower() == "https" if told else has_tls


def _x_forwarded_proto(request: Request, trusted: Sequence[Network]) -> str:
    entries = entries_of(request, "x-forwarded-proto")
    if not entries:
        return ""
    _, believed = walk(entries_of(request, "x-forwarded-for"), request.peer, trusted)
    return entries[-min(max(believed, 1), len(entries))]


def _forwarded_proto(request: Request, trusted: Sequence[Network]) -> str:
    entries = entries_of(request, "forwarded")
    if not entries:
        return ""
    _, believed = walk(addresses_of(entries), request.peer, trusted)
    return value_of(_PROTO, entries[-max(believed, 1)])
