"""Says which host names a server answers to, so that an attacker can't point a name of their own to it (DNS rebinding).

An attacker may point the name `evil.example` to 127.0.0.1. Then the browser believes that a page of that name and a
server at 127.0.0.1 have the same origin; only the host that the page asks for tells the two apart. So a server that
listens only on this machine answers only to addresses, to `localhost` and to the names of `--allowed-host`, unless a
trusted proxy passed the request on. A server that listens elsewhere too answers to every host. Once `--allowed-host`
names a host, it counts for all requests, even those from a proxy: a page can forge the headers that a proxy adds, but
not Host. Pure.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from placed.http.answer import Problem
from placed.http.authority import authority_of
from placed.http.client_address import is_inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from placed.http.answer import Request
    from placed.http.authority import Authority
    from placed.http.client_address import Network

_SHOWN = 64  # characters of a host that are shown back
ANY = "*"


class Hosts:
    """The host names of one server.

    Args:
        allowed: names, `*.name` for all names that end with `.name`, or `*` for all.
        trusted: proxies, which may use any host while `allowed` is empty.
    """

    def __init__(self, allowed: Iterable[str] = (), trusted: Sequence[Network] = ()) -> None:
        names = frozenset(allowed)
        self._names = names
        self._endings = tuple(name[1:] for name in names if name.startswith("*."))
        self._trusted = tuple(trusted)
        self._answers_all = ANY in names
        self._taken = ""  # the last host that was accepted for any peer: nearly all clients ask for the same one

    def listen_on(self, addresses: Iterable[str]) -> None:
        """Tell where the server listens; until then it counts as listening only on this machine."""
        self._answers_all = ANY in self._names or (not self._names and not all(map(_is_loopback, addresses)))
        self._taken = ""

    def takes(self, headers: Mapping[str, str], peer: str) -> bool:
        """Whether the server answers a request with these headers from the address `peer`."""
        host = headers.get("host", "")
        if host == self._taken or not host:  # no browser leaves Host out, but health checks and old clients do
            return True
        asked = authority_of(host)
        if asked is None:
            return False
        if self._answers_all or self._is_allowed(asked):
            self._taken = host
            return True
        return not self._names and is_inside(peer, self._trusted)

    def _is_allowed(self, asked: Authority) -> bool:
        return asked.is_local or asked.host in self._names or asked.host.endswith(self._endings)

    def refuse(self, request: Request) -> None:
        """Raise a `Problem` if `takes` is false: 400 for a text that is no host, 421 for a host that the server doesn't
        answer to.
        """
        if self.takes(request.headers, request.peer):
            return
        host = request.headers["host"]
        shown = host if len(host) <= _SHOWN else host[:_SHOWN] + "…"
        asked = authority_of(host)
        if asked is None:
            detail = f"the Host header is no host: {shown!r}; allowed is a name or an address, and perhaps a port"
            raise Problem(400, "invalid-body", detail)
        raise Problem(421, "wrong-host", f"this server doesn't answer for the host {shown!r}; {self._advice(asked)}")

    def _advice(self, asked: Authority) -> str:
        advice = f"if that is one of its own names, it needs --allowed-host {asked.host}"
        if self._names:
            return advice
        return f"{advice}, or --trusted-proxy with the address of the proxy that passes it on"


def _is_loopback(address: str) -> bool:
    """Whether a server that listens on this IP address can be reached only from this machine."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback
