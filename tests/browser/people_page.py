"""People in browser tests: codes of a server, and what the page shows to signed-in people and to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from tests.support.people import Host

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

CODE = "--sign-in", "code", "--charges", "7", "--charge-seconds", "100"
WORD = *CODE, "--join-code", "Birnbaum"


def codes(server: PageServer, count: int = 1) -> list[str]:
    """New codes of a running server."""
    return trio.run(Host(server.data).codes, count)


def button(window: CanvasPage, name: str) -> Locator:
    """The button with exactly this name."""
    return window.page.get_by_role("button", name=name, exact=True)


def wait_until_in(window: CanvasPage) -> None:
    """Wait until the person at the page may paint."""
    window.wait_until(lambda: window.page.locator("#colors").is_visible(), "the palette is there")


def wait_until_out(window: CanvasPage) -> None:
    """Wait until the page asks the person to sign in, in the palette's place."""
    window.wait_until(button(window, "Sign in to paint").is_visible, "the button is in the palette's place")
    assert not window.page.locator("#colors").is_visible()


def wait_until_told(window: CanvasPage, message: str) -> None:
    """Wait until the page has shown this message."""
    window.wait_until(lambda: window.message == message, f"it says {message!r}")
