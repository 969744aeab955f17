"""Answers what each visitor's page asks for first: the page itself, its files, the canvas, and who asks.

A page that is loaded for the first time asks 70 times, and a class or a crowd opens it in the same minute. Nearly all
of it is in memory, and needs no wait, so the fast lane answers it as the other lane does, by the same endpoints.
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
PATHS: Final = (IMAGE, "/", "/info", "/icon", ME)  # those with the files', which begin with
FILES: Final = "/static/"


class PageLoad:
    """One server's.

    Args:
        api: has the image, and the facts about the canvas.
        page: has the page, and its files.
        sign_ins: know who asks.
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
        """The answer to a GET or HEAD of `path`, without a wait; None where it takes one, or is none of these.

        Raises:
            Problem: as the endpoint says.
        """
        endpoint = self._at_once.get(path)
        if endpoint is not None:
            return endpoint(request)
        return self._file(path.removeprefix(FILES), request) if path.startswith(FILES) else None

    async def answer(self, path: str, request: Request) -> Answer:
        """The same, however long it takes, of a `path` that is one of these.

        Raises:
            Problem: as the endpoint says.
        """
        return self.at_once(path, request) or await self._waiting[path](request)
