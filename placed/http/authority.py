"""Parses authorities: the host, and perhaps the port, that a request names for this server (RFC 9110, section 4.2).

Authorities stand in Host, in HTTP/2's `:authority`, in Origin behind the scheme, and in headers that proxies add. Here
different spellings are equal: capitals or not, a dot at a name's end or not, and any form of an IPv6 address. Pure.

    authority = host [ ":" [ port ] ]
    host      = name of letters, digits, "-", "_" and "."  |  IPv4 address  |  "[" IPv6 address "]"
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Final

import attrs

_MOST_CHARACTERS: Final = 261  # a name of 253, its last dot, a colon, a port, and one to spare
_MOST_NAME: Final = 253  # of a name, without a dot at its end (RFC 1035, section 2.3.4)
_KNOWN: Final = 512  # spellings; clients use few for one server
_LABEL: Final = "[a-z0-9_-]{1,63}"
_AUTHORITY = re.compile(
    rf"(?P<name>{_LABEL}(?:\.{_LABEL})*)\.?(?P<port>:[0-9]{{0,5}})?"
    r"|\[(?P<ipv6>[0-9a-f:.]{2,45})\](?P<port6>:[0-9]{0,5})?",
    re.ASCII,
)
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]{0,31})://(.+)", re.ASCII)
_HOSTLESS = re.compile(r"file://|(?!https?:)[a-z][a-z0-9+.-]{0,31}://\.", re.ASCII)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@attrs.frozen
class Authority:
    """A host, and perhaps a port.

    Attributes:
        host: a name in small letters without a dot at its end, or an IP address without brackets, in its one spelling.
        port: 1 to 65535; None without a port, which stands for the scheme's own.
        is_local: whether the host is an address, `localhost` or a name below it, which no name server can redirect.
    """

    host: str
    port: int | None
    is_local: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


def authority_of(text: str) -> Authority | None:
    """The authority that `text` is; None if it's none, such as `a,b`, `user@host`, `*` or an empty text."""
    return _parse(text) if len(text) <= _MOST_CHARACTERS else None


@lru_cache(maxsize=_KNOWN)
def _parse(text: str) -> Authority | None:
    match = _AUTHORITY.fullmatch(text.lower())
    if match is None:
        return None
    host = _ipv6(match["ipv6"]) if match["ipv6"] is not None else match["name"]
    digits = (match["port"] or match["port6"] or "")[1:]
    port = int(digits) if digits else None
    if not host or len(host) > _MOST_NAME or (port is not None and not 1 <= port <= 65_535):
        return None
    return Authority(host, port, _is_address(host) or host == "localhost" or host.endswith(".localhost"))


def _ipv6(text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_at(origin: str, asked: Authority) -> bool:
    """Whether a page of `origin` came from the authority `asked`, which a request asks for.

    On either side, no port stands for the scheme's own port. The scheme is Origin's, because the request's scheme isn't
    known behind a proxy that ends TLS.
    """
    own = _site(origin) if len(origin) <= 2 * _MOST_CHARACTERS else None
    if own is None or own[0] not in _DEFAULT_PORTS:
        return False
    scheme, authority = own
    default = _DEFAULT_PORTS[scheme]
    return authority.host == asked.host and (authority.port or default) == (asked.port or default)


@lru_cache(maxsize=_KNOWN)  # a page sends its origin with each edit
def _site(origin: str) -> tuple[str, Authority] | None:
    """Scheme and authority of an origin; None if it's none."""
    match = _ORIGIN.fullmatch(origin.lower())
    authority = authority_of(match[2]) if match is not None else None
    return None if match is None or authority is None else (match[1], authority)


def origin_of(text: str) -> str | None:
    """`text` as browsers write it into Origin, in small letters and without the scheme's own port; None if it's no
    origin.

    Any scheme is allowed: apps have their own, such as `capacitor://localhost` and `chrome-extension://ID`.
    """
    site = _site(text)
    if site is None or text.endswith((":", ".")):
        return None
    scheme, authority = site
    port = None if authority.port == _DEFAULT_PORTS.get(scheme) else authority.port
    return f"{scheme}://{attrs.evolve(authority, port=port)}"


def is_hostless(origin: str) -> bool:
    """Whether `origin`, in small letters, is an app's origin without a host: Electron's pages may be at `app://.`, and
    Android shows an app's own files as `file://`."""
    return _HOSTLESS.fullmatch(origin) is not None
