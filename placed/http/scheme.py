"""Finds out whether the client uses HTTPS: to this server, or to the trusted proxy in front of it.

A proxy that ends TLS says so in `X-Forwarded-Proto`, or in the `proto=` of `Forwarded` (RFC 7239). Only the entry of
the outermost trusted proxy counts, as for addresses in `placed.http.client_address`. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from placed.http.client_address import PAIR, forwarded, is_inside, x_forwarded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placed.http.answer import Request
    from placed.http.client_address import Network

_PROTO = re.compile(PAIR.format("proto"), re.IGNORECASE)


def is_secure(request: Request, trusted: Sequence[Network], *, has_tls: bool) -> bool:
    """Whether the client uses HTTPS.

    Args:
        request: the client's request.
        trusted: proxies that may say so.
        has_tls: whether this server itself speaks TLS, and nothing else.
    """
    if not trusted or not is_inside(request.peer, trusted):
        return has_tls
    told = x_forwarded(request, "proto", trusted) or forwarded(request, _PROTO, trusted)
    return told.lower() == "https" if told else has_tls
