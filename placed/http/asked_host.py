"""Finds the host that a client asked for: the one in Host, or the one that a trusted proxy names.

A browser may ask a proxy for one host, and the proxy may ask this server for another. Then the proxy passes on the
browser's host in `X-Forwarded-Host`, or in the `host=` of `Forwarded` (RFC 7239). Only the entry of the outermost
trusted proxy counts, as for addresses in `placed.http.client_address`.

The host may come without the port that the browser asked for: nginx's `$host` leaves it out. `X-Forwarded-Port` has it.
But some proxies that stand behind other proxies write the port there at which they themselves listen. So the host with
that port is a second possibility, beside the host without it. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from placed.http.answer import Problem
from placed.http.authority import Authority, authority_of
from placed.http.client_address import PAIR, forwarded, is_inside, x_forwarded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placed.http.answer import Request
    from placed.http.client_address import Network

_HOST = re.compile(PAIR.format("host"), re.IGNORECASE)
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)


def asked_host(request: Request, trusted: Sequence[Network]) -> str:
    """The host that the client asked for, as it was written: from Host, or from the outermost trusted proxy's header.

    Raises:
        Problem: 400, a trusted proxy passed on both headers and they differ.
    """
    host = request.headers.get("host", "")
    if not trusted or not is_inside(request.peer, trusted):
        return host
    told = [each for each in (x_forwarded(request, "host", trusted), forwarded(request, _HOST, trusted)) if each]
    if len(set(map(_same, told))) > 1:
        detail = "X-Forwarded-Host and Forwarded name different hosts; the proxy must set only one"
        raise Problem(400, "invalid-parameter", detail)
    return told[0] if told else host


def asked_authorities(request: Request, trusted: Sequence[Network]) -> list[Authority]:
    """The authorities that the client may have asked for: the written one, and if that has no port, the same with the
    port that a trusted proxy names; empty without a host.

    Raises:
        Problem: as `asked_host`.
    """
    asked = authority_of(asked_host(request, trusted))
    if asked is None:
        return []
    port = _x_forwarded_port(request, trusted) if asked.port is None else None
    return [asked] if port is None else [asked, attrs.evolve(asked, port=port)]


def _x_forwarded_port(request: Request, trusted: Sequence[Network]) -> int | None:
    told = x_forwarded(request, "port", trusted) if is_inside(request.peer, trusted) else ""
    return int(told) if _PORT.fullmatch(told) else None


def _same(host: str) -> Authority | str:
    return authority_of(host) or host
