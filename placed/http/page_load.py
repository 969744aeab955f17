"""Answers what each visitor's page asks for at once: the page itself, its files, and the facts about the canvas.

A page that is loaded for the first time asks 70 times, and a class or a crowd opens it in the same minute. All of it is
in memory, and needs no wait, so the fast lane answers it as the other lane does, by the same endpoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from placed.http.answer import Answer, Request
    from placed.http.api import Api
    from placed.http.host_page.page import HostPage

FILES: Final = "/static/"  # begins the paths of the page's files


class PageLoad:
    """One server's.

    Args:
        api: knows the facts.
        page: has the page, and its files.
    """

    def __init__(self, api: Api, page: HostPage) -> None:
        self._endpoints: Mapping[str, Callable[[Request], Answer]] = {"/": page.page, "/info": api.info}
        self._file = page.pages.file

    def answer(self, path: str, request: Request) -> Answer | None:
        """The answer to a GET or HEAD of `path`; None where it's none of these.

        Raises:
            Problem: as the endpoint says.
        """
        endpoint = self._endpoints.get(path)
        if endpoint is not None:
            return endpoint(request)
        return self._file(path.removeprefix(FILES), request) if path.startswith(FILES) else None
