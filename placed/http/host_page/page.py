"""Serves the page with its host's title, icon and text about the canvas, and with tags for chats.

Chats and search engines read Open Graph's tags (https://ogp.me), which name the preview by its whole address. So there
is one page for each address under which clients ask for it. Everything that a host wrote is escaped, or comes from
`about`.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import attrs

from placed.canvas.preview import HEIGHT_PX, WIDTH_PX
from placed.http.answer import Answer, Problem, has_tag
from placed.http.framing import frame_ancestors
from placed.http.host_page.icon import PNG
from placed.http.host_page.identity import Identity
from placed.http.own_url import own_url
from placed.http.pages import answer_in_encoding, packed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from placed.http.answer import Request
    from placed.http.client_address import Network
    from placed.http.host_page.previews import Previews
    from placed.http.pages import Packed, Pages

_KNOWN: Final = 16  # addresses, at 10 KB; a canvas has one or two. Making a page takes 1 ms
_NOSNIFF: Final = ("X-Content-Type-Options", "nosniff")
_REVALIDATED: Final = ("Cache-Control", "no-cache")
_KEPT: Final = ("Cache-Control", "public, max-age=86400")  # the icon's address has its hash
# A document that somebody opens by itself runs nothing, loads nothing, and is in no frame.
_NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_ABOUT_POLICY: Final = ("Content-Security-Policy", _NOTHING)
_ICON_POLICY: Final = ("Content-Security-Policy", f"{_NOTHING}; style-src 'unsafe-inline'; sandbox")
_TITLE: Final = re.compile(r"<title>[^<]*</title>")
_HEADING: Final = re.compile(r"<h1>[^<]*</h1>")
_DESCRIPTION: Final = re.compile(r'<meta name="description" content="[^"]*">')
_ICON: Final = re.compile(r'<link rel="icon" [^>]*>')


@attrs.frozen
class HostPage:
    """The page of one server, with its icon, about text and preview.

    Attributes:
        pages: the client's files.
        identity: the host's title, text and icon.
        previews: the pictures of the canvas for chats; None for no preview.
        trusted_proxies: proxies that may name the host, the scheme and the prefix of the page's address.
        has_tls: whether the server itself speaks TLS.
        embedders: sites that may show the page in a frame.
    """

    pages: Pages
    identity: Identity = attrs.field(factory=Identity)
    previews: Previews | None = None
    trusted_proxies: Sequence[Network] = ()
    has_tls: bool = False
    embedders: Sequence[str] = ()
    _made: Callable[[str | None], Packed] = attrs.field(
        default=attrs.Factory(lambda self: lru_cache(_KNOWN)(self._make), takes_self=True), init=False, eq=False
    )

    def page(self, request: Request) -> Answer:
        """`GET /`: the page, in an encoding that the client accepts, or 304 to a client that has it."""
        return answer_in_encoding(self._made(self._address(request)), request)

    def about(self, request: Request) -> Answer:
        """`GET /about`: the host's text about the canvas.

        Raises:
            Problem: 404.
        """
        about = self.identity.about
        if about is None:
            raise Problem(404, "not-found", "this canvas's host has written nothing about it")
        body = about.document(self.identity.title).encode()
        return answer_in_encoding(packed("about.html", body, _REVALIDATED, _ABOUT_POLICY), request)

    def icon(self, request: Request) -> Answer:
        """`GET /icon`: the host's icon.

        Raises:
            Problem: 404.
        """
        icon = self.identity.icon
        if icon is None:
            raise Problem(404, "not-found", "this canvas has no icon of its own")
        headers = (_KEPT, ("ETag", f'"{icon.tag}"'), _ICON_POLICY, _NOSNIFF)
        if has_tag(request.headers.get("if-none-match"), headers[1][1]):
            return Answer(304, headers)
        return Answer(200, (("Content-Type", icon.kind), *headers), icon.body)

    async def preview(self, request: Request) -> Answer:
        """`GET /preview.png`: the canvas, or a plain picture if only people who have signed in may see the canvas.

        Raises:
            Problem: 404.
        """
        if self.previews is None:
            raise Problem(404, "not-found", "this canvas has no preview")
        return await self.previews.answer(request)

    def _address(self, request: Request) -> str | None:
        """The URL at which the client found this server, without a slash at its end; None if the request names none."""
        try:
            return own_url(request, "", self.trusted_proxies, has_tls=self.has_tls)
        except Problem:  # then chats show no picture, and people see the page as always
            return None

    def _make(self, address: str | None) -> Packed:
        title = html.escape(self.identity.title)
        text = self.pages.text
        text = _TITLE.sub(lambda _: f"<title>{title}</title>", text, count=1)
        if self.identity.own_title:
            text = _HEADING.sub(lambda _: f'<h1 class="own">{title}</h1>', text, count=1)
        text = _DESCRIPTION.sub(lambda _: "\n  ".join(self._tags(address)), text, count=1)
        if self.identity.icon:
            text = _ICON.sub(lambda _: "\n  ".join(self._icons()), text, count=1)
        return self.pages.packed_page(text, frame_ancestors(self.embedders))

    def _tags(self, address: str | None) -> list[str]:
        title, description = self.identity.title, self.identity.description
        tags = [
            _meta("name", "description", description),
            _meta("property", "og:type", "website"),
            _meta("property", "og:title", title),
            _meta("property", "og:description", description),
        ]
        if self.identity.own_title:
            tags.append(_meta("name", "apple-mobile-web-app-title", title))  # shown under the icon on a home screen
        if address is None or self.previews is None:
            return tags
        return [
            *tags,
            _meta("property", "og:url", f"{address}/"),
            _meta("property", "og:image", f"{address}/preview.png"),
            _meta("property", "og:image:type", PNG),
            _meta("property", "og:image:width", str(WIDTH_PX)),
            _meta("property", "og:image:height", str(HEIGHT_PX)),
            _meta("name", "twitter:card", "summary_large_image"),
        ]

    def _icons(self) -> list[str]:
        icon = self.identity.icon
        assert icon is not None
        where = f"icon?v={icon.tag}"
        links = [f'<link rel="icon" type="{icon.kind}" href="{where}">']
        if icon.kind == PNG:
            links.append(f'<link rel="apple-touch-icon" sizes="{icon.side_px}x{icon.side_px}" href="{where}">')
        return links


def _meta(attribute: str, name: str, content: str) -> str:
    return f'<meta {attribute}="{name}" content="{html.escape(content)}">'
