"""Finds a request's client: the peer's address, or the address that a trusted proxy names.

`X-Forwarded-For` and `Forwarded` (RFC 7239) are lists. Each proxy adds, at the end, the address that called it. This
module reads the list from its end, and an entry counts only if a trusted proxy added it. All other entries are ignored.
Pure.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from placed.http.answer import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placed.http.answer import Request

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MOST_HOPS: Final = 32  # entries that are read, from the end; an address further away isn't believed
_MOST_ENTRY: Final = 512  # characters
PAIR: Final = r'(?:^|;)\s*{}\s*=\s*(?:"([^"]*)"|([^;,"\s]*))'
_FOR = re.compile(PAIR.format("for"), re.IGNORECASE)


def client_address(request: Request, trusted: Sequence[Network]) -> str:
    """The address of the client that sent `request`.

    Raises:
        Problem: 400, a trusted proxy passed on both headers and they differ, so that the client may have written one.
    """
    if not trusted or not is_inside(request.peer, trusted):
        return request.peer
    chains = (entries_of(request, "x-forwarded-for"), addresses_of(entries_of(request, "forwarded")))
    hops = [walk(chain, request.peer, trusted)[0] for chain in chains if chain]
    if len(set(hops)) > 1:
        detail = "X-Forwarded-For and Forwarded name different clients; the proxy must set only one"
        raise Problem(400, "invalid-parameter", detail)
    return hops[0] if hops else request.peer


def entries_of(request: Request, field: str) -> list[str]:
    """The last entries of a header that is a list, in order; at most `_MOST_HOPS`."""
    value = request.headers.get(field, "")
    return [entry.strip() for entry in value.rsplit(",", _MOST_HOPS)[-_MOST_HOPS:]] if value else []


def addresses_of(forwarded: list[str]) -> list[str]:
    """The address in each entry of `Forwarded`, from `for`; empty for an entry without an address."""
    return [value_of(_FOR, entry) for entry in forwarded]


def value_of(pair: re.Pattern[str], entry: str) -> str:
    """The value of a pair in an entry of `Forwarded`; empty without that pair. `pair` is a pattern made of `PAIR`."""
    match = pair.search(entry) if len(entry) <= _MOST_ENTRY else None
    return (match[1] or match[2] or "") if match else ""


def x_forwarded(request: Request, what: str, trusted: Sequence[Network]) -> str:
    """The entry of `X-Forwarded-…` that the outermost trusted proxy added; empty without one.

    A proxy that overwrites the field leaves fewer entries than there are proxies: then the first entry counts.
    """
    entries = entries_of(request, f"x-forwarded-{what}")
    if not entries:
        return ""
    _, believed = walk(entries_of(request, "x-forwarded-for"), request.peer, trusted)
    return entries[-min(max(believed, 1), len(entries))]


def forwarded(request: Request, pair: re.Pattern[str], trusted: Sequence[Network]) -> str:
    """The value of a pair in the entry of `Forwarded` that the outermost trusted proxy added; empty without one."""
    entries = entries_of(request, "forwarded")
    if not entries:
        return ""
    _, believed = walk(addresses_of(entries), request.peer, trusted)
    return value_of(pair, entries[-max(believed, 1)])


def walk(chain: list[str], peer: str, trusted: Sequence[Network]) -> tuple[str, int]:
    """The address at which trust ends, and how many entries, from the end, trusted proxies added.

    `peer` must be trusted.
    """
    address = peer
    for believed, entry in enumerate(reversed(chain), 1):
        hop = _bare(entry)
        if hop is None:  # the proxy hides the address, or it's garbage
            return address, believed
        address = hop
        if not is_inside(address, trusted):
            return address, believed
    return address, len(chain)


def _bare(entry: str) -> str | None:
    """The IP address in `1.2.3.4`, `1.2.3.4:80`, `::1` or `[::1]:80`; None without an IP address."""
    host = entry
    if entry.startswith("["):
        host = entry[1:].partition("]")[0]
    elif entry.count(":") == 1:
        host = entry.partition(":")[0]
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return None
    # One spelling for each client, because `client_address` compares the two headers.
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
