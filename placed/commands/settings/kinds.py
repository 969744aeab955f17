"""The kinds of settings that know about networks, files, logs and palettes; `kind` has the plain ones.

Pure, except `PALETTE`, which reads a palette file.
"""

from __future__ import annotations

import ipaddress
import math
import re
from pathlib import Path
from typing import Final

from placed.backends.places import SYNTAX, parse_place
from placed.canvas import palette_files
from placed.canvas.palette import Palette, PaletteError
from placed.commands.settings.kind import Kind, Unusable, text
from placed.http.authority import authority_of, is_hostless, origin_of

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK: Final = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1"))
MAX_SECONDS: Final = 7 * 86_400.0  # a week; nobody waits longer
MIN_SECONDS: Final = 0.001  # cooldowns count in ms
MAX_USER_CHARACTERS: Final = 255
MAX_WORD_CHARACTERS: Final = 64
MAX_TITLE_CHARACTERS: Final = 80

_HOST = re.compile(r"[0-9A-Za-z_.:%-]{1,255}", re.ASCII)
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)  # proxies drop, or mix up, headers with underscores
# A client sends these by itself, or placed uses them for something else.
_MEANS_ELSE: Final = frozenset(
    {
        *("host", "cookie", "authorization", "connection", "origin", "referer", "user-agent", "via", "forwarded", "te"),
        *("expect", "upgrade", "trailer", "transfer-encoding", "last-event-id", "x-request-id", "x-placed-pass"),
        *("x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-prefix", "x-forwarded-port"),
    }
)
_BEGINS_ELSE: Final = ("accept", "content-", "if-", "sec-", "access-control-", "proxy-")
_SECONDS = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,6})?", re.ASCII)


def _seconds(value: object) -> float:
    seconds = float(value) if isinstance(value, str) and _SECONDS.fullmatch(value) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise ValueError
    if seconds and not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise ValueError
    return float(seconds)


def _host(value: str) -> str:
    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    if not _HOST.fullmatch(bare):
        raise ValueError
    return bare


def _path(value: str | Path) -> Path:
    if not str(value) or "\0" in str(value):
        raise ValueError
    try:
        return Path(value).expanduser()
    except RuntimeError:  # ~nobody
        raise ValueError from None


def _palette(value: object) -> Palette:
    if isinstance(value, Palette):
        return value
    if not isinstance(value, str):
        raise TypeError
    try:
        return palette_files.load_palette(value)
    except PaletteError as error:
        raise Unusable(str(error)) from None


def _network(value: str | Network) -> Network:
    if isinstance(value, Network):
        return value
    if not isinstance(value, str):  # ip_network takes whole numbers too
        raise TypeError
    return ipaddress.ip_network(value.strip())


def _origin(value: str) -> str:
    origin = origin_of(_in_ascii(value))
    if origin is None:
        raise ValueError
    return origin


def _allowed_origin(value: str) -> str:
    given = value.strip().lower()
    return given if given in ("*", "null") or is_hostless(given) else _origin(value)


def _embedder(value: str) -> str:
    return "*" if value.strip() == "*" else _origin(value)


def _allowed_host(value: str) -> str:
    name = value.strip()
    if name == "*":
        return name
    start = "*." if name.startswith("*.") else ""
    authority = authority_of(_in_ascii(name.removeprefix(start)))
    if authority is None or authority.port is not None:
        raise ValueError
    return start + authority.host


def _in_ascii(value: str) -> str:
    """A host name with letters of any script, alone or in an origin, as browsers send it (RFC 5891, UTS 46)."""
    value = value.strip()
    if value.isascii():
        return value.lower()
    import idna  # its tables are large, and few names have such letters

    scheme, mark, rest = value.rpartition("://")
    host, colon, port = rest.partition(":")
    return f"{scheme}{mark}{idna.encode(host, uts46=True).decode()}{colon}{port}".lower()


def _user(value: str) -> str:
    if not 1 <= len(value) <= MAX_USER_CHARACTERS or not value.isprintable():
        raise ValueError
    return value


def _join_word(value: str) -> str:
    if not 1 <= len(value.strip()) <= MAX_WORD_CHARACTERS or not value.isprintable():
        raise ValueError
    return value.strip()


def _title(value: str) -> str:
    title = value.strip()
    if not 1 <= len(title) <= MAX_TITLE_CHARACTERS or not title.isprintable():
        raise ValueError
    return title


def _user_header(value: str) -> str:
    if not _HEADER.fullmatch(value) or value.lower() in _MEANS_ELSE or value.lower().startswith(_BEGINS_ELSE):
        raise ValueError
    return value


SECONDS: Final[Kind[float]] = Kind(
    parse=_seconds,
    allowed=f"0 for no cooldown, or {MIN_SECONDS} to {MAX_SECONDS:.0f} seconds",
    bounds=f"0, or {MIN_SECONDS} to {MAX_SECONDS:.0f}",
    unit="SECONDS",
    toml=(int, float),
)
HOST: Final = text(
    _host, "an address or a host name, such as 127.0.0.1, or 0.0.0.0 for every interface", unit="ADDRESS"
)
NETWORK: Final[Kind[Network]] = Kind(
    parse=_network,
    allowed="a network, such as 10.0.0.0/8 or fd00::/8 (no bits set after the prefix), or an address",
    unit="NETWORK",
)
HOST_NAME: Final = text(
    _allowed_host, "a host name without a port, such as place.example, *.place.example, or * for all", unit="NAME"
)
_SITE: Final = "http://host[:port], https://host[:port], or an app's scheme://host[:port], without a path"
API_SITE: Final = text(_allowed_origin, f"{_SITE}; null; or *", unit="SITE")
EMBEDDING_SITE: Final = text(_embedder, f"{_SITE}; or *", unit="SITE")
FILE: Final[Kind[Path]] = Kind(parse=_path, allowed="a file", unit="FILE")
FOLDER: Final[Kind[Path]] = Kind(parse=_path, allowed="a folder", unit="FOLDER")
LOG: Final = text(lambda value: parse_place(value).url, SYNTAX, unit="URL")
PALETTE: Final[Kind[Palette]] = Kind(parse=_palette, allowed=palette_files.ALLOWED, unit="NAME|FILE")
USER: Final = text(_user, f"1 to {MAX_USER_CHARACTERS} printable characters", unit="USER")
JOIN_WORD: Final = text(_join_word, f"1 to {MAX_WORD_CHARACTERS} printable characters", unit="WORD")
TITLE: Final = text(_title, f"1 to {MAX_TITLE_CHARACTERS} printable characters", unit="TEXT")
USER_HEADER: Final = text(_user_header, "a header's name, such as Remote-User, with no other use", unit="HEADER")
