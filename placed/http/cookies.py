"""Reads and writes cookies (RFC 6265). Pure.

Over HTTP/2 a request may have several `Cookie` fields. The lanes join them with ", ", as they join all repeated
headers. A cookie's value has neither a comma nor a semicolon, so both characters separate cookies.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PARTS: Final = re.compile(r"[;,]")
_KNOWN: Final = 4_096  # headers that are remembered, with the cookie found in each
_KNOWN_CHARACTERS: Final = 512  # of each, 3 MB in all


def cookie_of(headers: Mapping[str, str], name: str) -> str:
    """The value of the cookie `name`; empty without it. The first one counts, because browsers send the cookie that
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


# A browser sends the same header with each edit; parsing it anew takes 1 us.
_known = lru_cache(maxsize=_KNOWN)(_find)


def set_cookie(name: str, value: str, seconds: int, *, secure: bool) -> tuple[str, str]:
    """The header that makes a browser keep a cookie for so many seconds; with 0 the browser forgets the cookie.

    No script can read the cookie, and browsers don't send it with a POST from another site's page.

    Args:
        name: the cookie's name.
        value: letters, digits and punctuation, but no quotes, commas, semicolons or backslashes.
        seconds: how long the cookie lives.
        secure: whether browsers send the cookie only over HTTPS.
    """
    safe = "; Secure" if secure else ""
    return ("Set-Cookie", f"{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{safe}")
