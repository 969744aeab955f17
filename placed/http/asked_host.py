"""Finds the host that a client asked for: the one in Host, or the one that a trusted proxy names.

A proxy may ask us by another name than the browser asked the proxy. It tells the browser's name in `X-Forwarded-Host`
or in the `host=` of `Forwarded` (RFC 7239). Here only the entry of the outermost trusted proxy counts, as for addresses
in `placed.http.client_address`, and nobody else's.

A host may come without the port that the browser asked for: nginx's `$host` leaves it out. `X-Forwarded-Port` tells it.
But some proxies tell the port there at which they themselves listen, behind others. So it's a second possibility, and
doesn't take the place of the first. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from placed.http.answer import Problem
from placed.http.authority import Authority, authority_of
from placed.http.client_address import PAIR, addresses_of, entries_of, is_inside, value_of, walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placed.http.answer import Request
    from placed.http.client_address import Network

_HOST = re.compile(PAIR.format("host"), re.IGNORECASE)
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)


def asked_host(request: Request, trusted: Sequence[Network]) -> str:
    """The host that the client asked for, as it was said: Host's, or what the outermost trusted proxy was asked for.

    Raises:
        Problem: 400, a trusted proxy passed on both headers and they differ.
    """
    host = request.headers.get("host", "")
    if not trusted or not is_inside(request.peer, trusted):
        return host
    told = [each for each in (_x_forwarded_host(request, trusted), _forwarded_host(request, trusted)) if each]
    if len(set(map(_same, told))) > 1:
        detail = "X-Forwarded-Host and Forwarded name different hosts; the proxy must set only one"
        raise Problem(400, "invalid-parameter", detail)
    return told[0] if told else host


def asked_authorities(request: Request, trusted: Sequence[Network]) -> list[Authority]:
    """The authorities that the client may have asked for: the one that was said, and where that has no port the one
    with the port that a trusted proxy names; none where no host was said.

    Raises:
        Problem: as `asked_host`.
    """
    asked = authority_of(asked_host(request, trusted))
    if asked is None:
        return []
    port = _x_forwarded_port(request, trusted) if asked.port is None else None
    return [asked] if port is None else [asked, attrs.evolve(asked, port=port)]


def _x_forwarded_port(request: Request, trusted: Sequence[Network]) -> int | None:
    entries = entries_of(request, "x-forwarded-port")
    if not entries or not is_inside(request.peer, trusted):
        return None
    _, believed = walk(entries_of(request, "x-forwarded-for"), request.peer, trusted)
    told = entries[-min(max(believed, 1), len(entries))]
    return int(told) if _PORT.fullmatch(told) else None


def _same(host: str) -> Authority | str:
    return authority_of(host) or host


def _x_forwarded_host(request: Request, trusted: Sequence[Network]) -> str:
    entries = entries_of(request, "x-forwarded-host")
    if not entries:
        return ""
    _, believed = walk(entries_of(request, "x-forwarded-for"), request.peer, trusted)
    return entries[-min(max(believed, 1), len(entries))]


def _forwarded_host(request: Request, trusted: Sequence[Network]) -> str:
    entries = entries_of(request, "forwarded")
    if not entries:
        return ""
    _, believed = walk(addresses_of(entries), request.peer, trusted)
    return value_of(_HOST, entries[-max(believed, 1)])
