"""Whose request it is: the peer's address, or what a trusted proxy says that its own peer's address was.

`X-Forwarded-For` and `Forwarded` (RFC 7239) are lists to which each proxy adds the address it was called
from, at the end. So, from the end, each entry counts only when the one who added it is trusted. Anybody
else's header is ignored. Pure.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from placed.http.answer import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placed.http.answer import Request

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;,"\s]*))', re.IGNORECASE)


def client_address(request: Request, trusted: Sequence[Network]) -> str:
    """The address of the client that sent `request`.

    Raises:
        Problem: 400, a trusted proxy passed on both headers and they differ, so that one may be the client's
            own.
    """
    if not trusted or not is_inside(request.peer, trusted):
        return request.peer
    hops = [
        _walk(entries, request.peer, trusted) for entries in (_x_forwarded_for(request), _forwarded(request)) if entries
    ]
    if len(set(hops)) > 1:
        detail = "X-Forwarded-For and Forwarded name different clients; the proxy must set only one"
        raise Problem(400, "invalid-parameter", detail)
    return hops[0] if hops else request.peer


def _walk(entries: list[str], peer: str, trusted: Sequence[Network]) -> str:
    address = peer
    for entry in reversed(entries):
        hop = _bare(entry)
        if hop is None:  # the proxy hides it, or it's garbage from further away than we can believe
            return address
        address = hop
        if not is_inside(address, trusted):
            return address
    return address


def _x_forwarded_for(request: Request) -> list[str]:
    value = request.headers.get("x-forwarded-for", "")
    return [entry.strip() for entry in value.split(",")] if value else []


def _forwarded(request: Request) -> list[str]:
    value = request.headers.get("forwarded", "")
    if not value:
        return []
    found = (_FOR.search(element) for element in value.split(","))
    return [(match[1] or match[2] or "") if match else "" for match in found]


def _bare(entry: str) -> str | None:
    """The IP address in `1.2.3.4`, `1.2.3.4:80`, `::1` or `[::1]:80`; None when there is none."""
    host = entry
    if entry.startswith("["):
        host = entry[1:].partition("]")[0]
    elif entry.count(":") == 1:
        host = entry.partition(":")[0]
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return None
    # One client, one spelling: the two headers are compared.
    return str(getattr(ip, "ipv4_mapped", None) or ip)


def is_inside(address: str, networks: Sequence[Network]) -> bool:
    """Whether `address`, in any of its forms, belongs to one of `networks`."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip in network for network in networks)
