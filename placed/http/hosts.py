"""Says which host names a server answers to, so that nobody can point a name of their own to it (DNS rebinding).

A page of `evil.example` whose name is pointed to 127.0.0.1 has, for the browser, the same origin as a server there.
Only the host that it asks for tells the two apart. So a server that listens on this machine alone answers to addresses,
to `localhost` and to the names of `--allowed-host`, unless a trusted proxy passed the request on. A server that others
reach answers to every host. Once `--allowed-host` names any, it counts for all requests, whoever passed them on: a page
can make up what a proxy would say, but not Host. Pure.
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
    """One server's.

    Args:
        allowed: names, `*.name` for all that end with it, or `*` for all.
        trusted: proxies, which may ask by any name while none is given.
    """

    def __init__(self, allowed: Iterable[str] = (), trusted: Sequence[Network] = ()) -> None:
        names = frozenset(allowed)
        self._names = names
        self._endings = tuple(name[1:] for name in names if name.startswith("*."))
        self._trusted = tuple(trusted)
        self._answers_all = ANY in names
        self._taken = ""  # the last host that was taken from anybody: nearly all ask for the same one

    def listen_on(self, addresses: Iterable[str]) -> None:
        """Tell where the server listens; until then it is taken to be on this machine alone."""
        self._answers_all = ANY in self._names or (not self._names and not all(map(_is_loopback, addresses)))
        self._taken = ""

    def takes(self, headers: Mapping[str, str], peer: str) -> bool:
        """Whether a request with these headers, from the address `peer`, is to be answered."""
        host = headers.get("host", "")
        if host == self._taken or not host:  # no browser leaves it out, but checks and old clients do
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
        """Raise a `Problem` where `takes` is false: 400 for a text that is no host, 421 for a host that the server
        doesn't answer to.
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
        advice = f"if that is a name of its own, it needs --allowed-host {asked.host}"
        if self._names:
            return advice
        return f"{advice}, or --trusted-proxy with the address of the proxy that passes it on"


def _is_loopback(address: str) -> bool:
    """Whether who listens on this IP address is reached from this machine alone."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback
