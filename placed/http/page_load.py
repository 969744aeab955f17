"""Answers the first requests of each visitor's browser: for the page itself, its files, the canvas, and `/me`.

The first load of a page is 70 requests, and a class or a crowd opens it in the same minute. Nearly all of the answers
are in memory and need no wait, so the fast lane gives them as the other lane does, by the same endpoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from placed.http.answer import Answer, Request
    from placed.http.api import Api
    from placed.http.host_page.page import HostPage
    from placed.http.sign_in import SignIns

IMAGE, ME = "/canvas.png", "/me"
PATHS: Final = (IMAGE, "/", "/info", "/icon", ME)
FILES: Final = "/static/"  # the paths of the page's files begin with this


class PageLoad:
    """The endpoints that a page's load needs, of one server.

    Args:
        api: has the image and `/info`.
        page: has the page, its files and its icon.
        sign_ins: has `/me`.
    """

    def __init__(self, api: Api, page: HostPage, sign_ins: SignIns) -> None:
        self._at_once: Mapping[str, Callable[[Request], Answer | None]] = {
            IMAGE: api.image_at_once,
            "/": page.page,
            "/info": api.info,
            "/icon": page.icon,
            ME: sign_ins.me_at_once,
        }
        self._waiting = {IMAGE: api.image, ME: sign_ins.me}
        self._file = page.pages.file

    def at_once(self, path: str, request: Request) -> Answer | None:
        """The answer to a GET or HEAD of `path`, without a wait; None if it needs a wait, or `path` is another one.

        Raises:
            Problem: as the endpoint says.
        """
        endpoint = self._at_once.get(path)
        if endpoint is not None:
            return endpoint(request)
        return self._file(path.removeprefix(FILES), request) if path.startswith(FILES) else None

    async def answer(self, path: str, request: Request) -> Answer:
        """The answer to a GET or HEAD of one of these paths, even if it needs a wait.

        Raises:
            Problem: as the endpoint says.
        """
        return self.at_once(path, request) or await self._waiting[path](request)
