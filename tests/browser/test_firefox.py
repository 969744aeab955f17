"""The page in Firefox: another engine for modules, streams, images and painting, and for network failures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import PLAIN_HOST
from tests.browser.firefox_page import FirefoxPage, firefox_page
from tests.support.parts import firefox, program, require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]  # several waits, each with its own limit

TABS = 12
_PUPPETEER = Path(__file__).parents[2] / "node_modules" / "puppeteer-core"
_VIOLATIONS = "addEventListener('securitypolicyviolation', (event) => window.violated = event.effectiveDirective), 0"


@pytest.fixture(scope="module")
def browser() -> Iterator[FirefoxPage]:
    """One Firefox for all tests here; `FIREFOX` chooses another one."""
    require("puppeteer-core", _PUPPETEER.exists(), "npm ci")
    with firefox_page(program("node"), os.environ.get("FIREFOX") or firefox()) as page:
        yield page


def _leave(browser: FirefoxPage) -> None:
    """Leave the page of the previous test: its server was killed, and the page would go on complaining."""
    browser.do("open", "about:blank")
    browser.do("complaints")


@pytest.fixture
def page(browser: FirefoxPage, server: PageServer) -> FirefoxPage:
    """The live page of a server."""
    _leave(browser)
    browser.do("open", server.url)
    browser.wait_until_connection("live")
    return browser


def test_the_page_loads_and_shows_what_others_paint_without_a_complaint(page: FirefoxPage, server: PageServer) -> None:
    assert page.version.startswith("firefox/")
    page.ask(_VIOLATIONS)
    server.paint(30, 20, 5)
    page.wait_until(lambda: page.drawn(30, 20) == server.palette()[5], "another's pixel is drawn")
    assert page.ask("window.violated") is None
    assert page.do("complaints") == []


def test_a_reload_asks_for_none_of_the_pages_files(browser: FirefoxPage, new_server: Callable[..., PageServer]) -> None:
    server = new_server("--log-level", "debug", "--log-format", "json")

    def asked(path: str) -> int:
        return sum(f'"path": "{path}"' in line for line in server.lines)

    _leave(browser)
    browser.do("open", server.url)
    browser.wait_until_connection("live")
    browser.wait_until(lambda: asked("/edits") == 1, "its stream is logged")
    before = asked("/static")
    assert before > 30
    browser.ask("(location.reload(), 0)")
    browser.wait_until(lambda: asked("/edits") == 2, "so is the second")
    assert asked("/static") == before


def test_a_click_paints_and_the_wheel_zooms(page: FirefoxPage, server: PageServer) -> None:
    color = page.ask("placed.color")
    page.do("click", 12, 34)
    page.wait_until(lambda: server.canvas().indexes[34, 12] == color, "the edit reaches the server")
    page.wait_until(lambda: page.ask("placed.ownPixels().length") == 0, "it is in the page's canvas")
    before, place = page.ask("placed.view.scale"), page.ask("placed.screenOf(30, 20)")
    page.do("wheel", 30, 20, -240)
    page.wait_until(lambda: page.ask("placed.view.scale") > before, "it zooms in")
    assert page.ask("placed.screenOf(30, 20)") == pytest.approx(place, abs=1)
    assert page.do("complaints") == []


def test_a_server_that_is_gone_is_told_and_followed_again_when_it_is_back(
    page: FirefoxPage, server: PageServer
) -> None:
    page.ask("window.sameDocument = true")
    server.kill()
    page.wait_until_connection("offline")
    page.do("click", 5, 5)
    page.wait_until(lambda: "Offline" in page.ask("document.getElementById('message').textContent"), "it says why not")
    assert page.ask("placed.ownPixels()") == []
    server.start()
    version = server.paint(7, 8, 9)
    page.wait_until_connection("live")
    page.wait_until(lambda: page.ask("placed.version") >= version, "it has caught up")
    page.wait_until(lambda: page.drawn(7, 8) == server.palette()[9], "it is drawn")
    assert page.ask("window.sameDocument") is True


def wait_for_placed(browser: FirefoxPage, server: PageServer, x: int, y: int) -> None:
    browser.wait_until(lambda: server.canvas().indexes[y, x] != 0, f"{x}, {y} is painted")


def test_twelve_tabs_over_plain_http_are_each_live_when_looked_at_and_each_paint(
    browser: FirefoxPage, new_server: Callable[..., PageServer]
) -> None:
    """Here a tab that isn't in front is hidden, as it is for people."""
    server = new_server("--charges", "1000", "--charge-seconds", "0.01", "--allowed-host", PLAIN_HOST)
    try:
        for tab in range(TABS):
            browser.do("tab", tab)
            browser.do("open", f"http://{PLAIN_HOST}:{server.port}/")
            browser.wait_until_connection("live")
        assert browser.ask("isSecureContext") is False
        for tab in range(TABS):
            browser.do("tab", tab)
            browser.wait_until_connection("live")
            browser.do("click", 3 + 4 * tab, 5)
            wait_for_placed(browser, server, 3 + 4 * tab, 5)
            browser.wait_until(lambda: browser.ask("placed.ownPixels().length") == 0, "it sees it")
            browser.wait_until(lambda: browser.ask("placed.version") == server.canvas_version(), "and earlier edits")
        browser.wait_until(lambda: server.subscribers() == 1, "the tab in front has the stream")
        browser.wait_until(lambda: browser.ask("placed.viewers") == 1, "the next status says so")
    finally:
        browser.do("close")
