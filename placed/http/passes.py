"""Makes and checks passes: a client that has solved a challenge may paint for an hour. Pure.

    pass = END "." MAC      END: whole seconds since the epoch, in decimal
                            MAC: 16 bytes of keyed BLAKE2b over author and END, in base64url without padding

The pass doesn't contain its author: it's valid only for that author, but reveals nothing about them. The server stores
nothing for a pass, and all servers with one author key accept each other's passes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from placed.http.answer import Problem
from placed.http.cookies import cookie_of

if TYPE_CHECKING:
    from placed.http.answer import Request

COOKIE: Final = "placed-pass"
HEADER: Final = "x-placed-pass"
PASS_SECONDS: Final = 3_600
_KNOWN: Final = 4_096  # passes, 1 MB; somebody who paints soon paints again
_PASS: Final = re.compile(r"([0-9]{1,12})\.([A-Za-z0-9_-]{22})", re.ASCII)
_DETAIL: Final = (
    "painting without an account needs a proof of work first, once an hour and for each address: GET /challenge, and "
    "POST the solution"
)


def make_pass(author: int, end_seconds: int, key: bytes) -> str:
    """A pass for an author, valid until `end_seconds` since the epoch."""
    return f"{end_seconds}.{_mac(author, end_seconds, key)}"


def require_pass(request: Request, author: int, key: bytes, now_seconds: float) -> None:
    """Raise a 403 `Problem` if a request has no valid pass of this author.

    The header, which bots use, wins over the cookie.
    """
    told = request.headers.get(HEADER) or cookie_of(request.headers, COOKIE)
    if not told or _end_of(told, author, key) <= now_seconds:
        raise Problem(403, "challenge", _DETAIL)


@lru_cache(maxsize=_KNOWN)
def _end_of(told: str, author: int, key: bytes) -> int:
    """When a pass ends, in seconds since the epoch; 0 for another author's pass, and for a text that is no pass."""
    match = _PASS.fullmatch(told)
    if match is None:
        return 0
    end_seconds = int(match[1])
    is_genuine = hmac.compare_digest(_mac(author, end_seconds, key), match[2]) and str(end_seconds) == match[1]
    return end_seconds if is_genuine else 0


def _mac(author: int, end_seconds: int, key: bytes) -> str:
    text = b"%d.%d" % (author, end_seconds)
    digest = hashlib.blake2b(text, digest_size=16, key=key, person=b"pass").digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
