"""The QR code of the canvas: in the panel, and as large as the window, for a projector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Route

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def server(blank_server: PageServer) -> PageServer:
    """One server for all tests."""
    return blank_server


def test_a_projector_shows_the_code_and_the_address_alone(
    server: PageServer, new_window: Callable[..., CanvasPage]
) -> None:
    window = new_window(color_scheme="dark")
    window.open(server.url)
    window.page.keyboard.press("s")
    large = window.page.get_by_role("button", name="Large, for a projector")
    large.click()
    dialog = window.page.get_by_role("dialog")
    picture = dialog.locator("img")
    window.wait_until(lambda: picture.evaluate("(it) => it.complete && it.naturalWidth > 0"), "it is there")
    assert f"127.0.0.1:{server.port}" in dialog.inner_text()
    box = picture.bounding_box()
    assert box
    assert min(box["width"], box["height"]) > 500  # of 700 px
    assert window.ask("getComputedStyle(document.querySelector('dialog')).backgroundColor") == "rgb(255, 255, 255)"
    window.page.keyboard.press("Escape")
    window.wait_until(lambda: not dialog.count(), "it is closed")
    window.wait_until(lambda: large.evaluate("(it) => it === document.activeElement"), "the focus is where it was")


def test_nothing_moves_when_it_comes(server: PageServer, fresh_window: Callable[..., CanvasPage]) -> None:
    window = fresh_window()
    held: list[Route] = []
    window.page.route("**/qr.svg", lambda route: held.append(route))
    window.open(server.url)
    window.page.keyboard.press("s")
    download = window.page.get_by_role("button", name="Download the canvas")
    code = window.page.locator(".qr img")
    looks = "getComputedStyle(document.querySelector('.qr')).display"
    window.wait_until(lambda: held and code.count() and window.ask(looks) == "grid", "the panel is there")
    before = download.bounding_box()
    held[0].continue_()
    window.wait_until(lambda: code.evaluate("(it) => it.complete && it.naturalWidth > 0"), "it is there")
    assert download.bounding_box() == before


def test_a_server_without_one_leaves_it_out(server: PageServer, fresh_window: Callable[..., CanvasPage]) -> None:
    window = fresh_window()
    window.page.route("**/qr.svg", lambda route: route.fulfill(status=404))
    window.open(server.url)
    window.page.keyboard.press("s")
    window.page.get_by_role("button", name="Download the canvas").wait_for()
    window.wait_until(lambda: not window.page.locator(".qr").is_visible(), "there is none")
