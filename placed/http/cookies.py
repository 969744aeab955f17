"""Reads and writes cookies (RFC 6265). Pure.

A request may have several `Cookie` fields over HTTP/2, which the lanes join with ", ", as they join all others. A
cookie's value has neither a comma nor a semicolon, so both of them part one cookie from the next.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PARTS: Final = re.compile(r"[;,]")


def cookie_of(headers: Mapping[str, str], name: str) -> str:
    """The value of the cookie `name`; empty where there is none. The first one counts, as browsers send the one that
    fits best before the others.
    """
    cookies = headers.get("cookie", "")
    if name not in cookies:
        return ""
    for part in _PARTS.split(cookies):
        key, _, value = part.partition("=")
        if key.strip() == name:
            return value.strip()
    return ""


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
