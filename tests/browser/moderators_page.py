"""The page of a person who looks after the canvas, for browser tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import trio

from tests.support.people import Host

if TYPE_CHECKING:
    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer


def open_as_host(window: CanvasPage, server: PageServer) -> None:
    """Open the page as a host, with the panel."""
    secret = trio.run(Host(server.data).host_link)
    window.open(f"{server.url}#host={secret}")
    shield = window.page.locator("#moderation")
    window.wait_until(lambda: shield.count() and shield.is_visible(), "the host has the button")
    shield.click()
    window.wait_until(window.page.locator(".acts li").first.is_visible, "the acts are listed")
    window.wait_for_looks()


class Moderator:
    """Does acts with a token, apart from the page."""

    def __init__(self, server: PageServer, window: CanvasPage) -> None:
        self._url = server.url
        self._headers = dict([trio.run(Host(server.data).token, "mod", "moderator")])
        # The server reads new entries of the people store a moment after they were written.
        window.wait_until(lambda: self._get("acts").status_code == 200, "the server knows the token")

    def act(self, kind: str, **fields: Any) -> None:
        """Do one act."""
        answer = httpx.post(
            f"{self._url}acts", json={"kind": kind, **fields}, headers=self._headers, trust_env=False, verify=False
        )
        assert answer.status_code == 200, answer.text

    def listed(self, what: str) -> list[Any]:
        """The list that `GET /acts/WHAT` returns."""
        return list(self._get(f"acts/{what}").json()[what])

    def _get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self._url}{path}", headers=self._headers, trust_env=False, verify=False)
