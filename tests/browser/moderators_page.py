"""The page of somebody who looks after the canvas, in a browser's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
