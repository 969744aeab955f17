"""Reads and writes cookies (RFC 6265). Pure.

A request may have several `Cookie` fields over HTTP/2, which the lanes join with ", ", as they join all others. A
cookie's value has neither a comma nor a semicolon, so both of them part one cookie from the next.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PARTS: Final = re.compile(r"[;,]")
_KNOWN: Final = 4_096  # requests' cookies that are kept, with what was found in them
_KNOWN_CHARACTERS: Final = 512  # of each, 3 MB in all


def cookie_of(headers: Mapping[str, str], name: str) -> str:
    """The value of the cookie `name`; empty where there is none. The first one counts, as browsers send the one that
    fits best before the others.
    """
    cookies = headers.get("cookie", "")
    if name not in cookies:
        return ""
    return _known(cookies, name) if len(cookies) <= _KNOWN_CHARACTERS else _find(cookies, name)


def _find(cookies: str, name: str) -> str:
    for part in _PARTS.split(cookies):
        key, _, value = part.partition("=")
        if key.strip() == name:
            return value.strip()
    return ""


# A browser says the same with each edit; to part it anew takes 1 us.
_known = lru_cache(maxsize=_KNOWN)(_find)


def set_cookie(name: str, value: str, seconds: int, *, secure: bool) -> tuple[str, str]:
    """The header that has a browser keep a cookie for so many seconds; 0 of them have it forget the cookie.

    No script can read it, and no other site's page sends it along with what it posts.

    Args:
        name: of the cookie.
        value: letters, digits and punctuation, but for quotes, commas, semicolons and backslashes.
        seconds: that it lives.
        secure: whether it may only be sent over HTTPS.
    """
    safe = "; Secure" if secure else ""
    return ("Set-Cookie", f"{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{safe}")
