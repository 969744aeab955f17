"""`GET /qr.svg`: the canvas's own address as a QR code, for a projector or a poster.

The code has the address that the request used, so phones in the same room get to the same place. If a proxy serves the
page below a path, the page names that path: `qr.svg?path=/place/`.
"""

from __future__ import annotations

import hashlib
import io
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import attrs
import trio

from placed.http.answer import Answer, Problem, has_tag, invalid_parameter
from placed.http.asked_host import asked_host
from placed.http.authority import authority_of
from placed.http.parameters import text

if TYPE_CHECKING:
    from placed.http.answer import Request
    from placed.http.askers import Askers

_MOST_PATH: Final = 64
_PATH = re.compile(r"/(?:[A-Za-z0-9._~-]+/)*", re.ASCII)
_KNOWN: Final = 64  # addresses, at 10 KB; a canvas has one or two
_MARGIN: Final = 4  # white modules around the code, as the standard asks for (ISO/IEC 18004, section 9.1)
_CACHING: Final = ("Cache-Control", "public, max-age=3600")
_HEADERS: Final = (("Vary", "Host"), ("X-Content-Type-Options", "nosniff"))


@attrs.frozen
class QrCodes:
    """The QR codes of one server; `askers` knows the trusted proxies, and says whether a request came by HTTPS."""

    askers: Askers
    _thread: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1), init=False)

    async def answer(self, request: Request) -> Answer:
        """The code, or 304 to a client that has it.

        Raises:
            Problem: 400, `path` is no such path, or the request has no host.
        """
        image = await trio.to_thread.run_sync(_svg, self._address(request), limiter=self._thread)
        headers = (_CACHING, ("ETag", f'"{hashlib.blake2b(image, digest_size=12).hexdigest()}"'), *_HEADERS)
        if has_tag(request.headers.get("if-none-match"), headers[1][1]):
            return Answer(304, headers)
        return Answer(200, (("Content-Type", "image/svg+xml"), *headers), image)

    def _address(self, request: Request) -> str:
        told = text(request, "path", _MOST_PATH)
        path = "/" if told is None else told
        if not _PATH.fullmatch(path):
            raise invalid_parameter("path", path, "a path such as /place/")
        asked = authority_of(asked_host(request, self.askers.trusted_proxies))
        if asked is None:
            raise Problem(400, "invalid-body", "the request has no Host header, and the code needs a host to lead to")
        return f"{'https' if self.askers.is_secure(request) else 'http'}://{asked}{path}"


@lru_cache(maxsize=_KNOWN)
def _svg(address: str) -> bytes:
    """The code of an address. It still works with a quarter damaged or covered (level Q), as on a projector."""
    import segno  # few servers ever have to make a code

    out = io.BytesIO()
    segno.make_qr(address, error="q").save(out, kind="svg", border=_MARGIN, xmldecl=False, light="#fff", title=address)
    return out.getvalue()
