"""A page that is open while its server gets another version: files that it loads later don't exist any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Route

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def _outdate(window: CanvasPage, lost: str) -> list[str]:
    """From now on the server has another version of the page without `lost`; returns a list of the page's requests."""
    asked: list[str] = []

    def renew(route: Route) -> None:
        asked.append(route.request.url)
        if route.request.resource_type == "document":
            route.continue_()  # the page is loaded anew
        else:
            route.fulfill(body='<script type="module" src="static/another/main.js"></script>')

    window.page.route(f"**/static/*/{lost}", lambda route: route.fulfill(status=404))
    window.page.route("http://127.0.0.1:*/", renew)
    return asked


@pytest.fixture
def server(blank_server: PageServer) -> PageServer:
    """One server for all tests."""
    return blank_server


@pytest.mark.parametrize(
    ("button", "lost"), [("Share and save", "panels/share_panel.js"), ("Templates", "templates/index.js")]
)
def test_a_panel_that_is_gone_is_told_and_works_after_a_reload(
    server: PageServer, fresh_window: Callable[..., CanvasPage], button: str, lost: str
) -> None:
    window = fresh_window()
    window.open(server.url)
    _outdate(window, lost)
    window.page.get_by_role("button", name=button).click()
    window.wait_until(lambda: "newer version" in window.message, "it says that the page is old")
    assert window.page.locator("#panel").is_hidden()
    window.page.unroute_all()
    window.page.reload()
    window.wait_until_live()
    window.page.get_by_role("button", name=button).click()
    window.page.locator("#panel-body > *").first.wait_for()


def test_a_page_whose_files_do_not_come_says_how_to_go_on(
    server: PageServer, fresh_window: Callable[..., CanvasPage]
) -> None:
    window = fresh_window()
    window.page.route("**/screen.js", lambda route: route.fulfill(status=429))
    window.page.goto(server.url)
    note = window.page.get_by_text("The page is still loading.")
    assert not note.is_visible()  # a person who waits for a slow network needs no message yet
    note.wait_for()
    window.page.unroute_all()
    window.page.get_by_role("link", name="load it again").click()
    window.wait_until_live()
    assert window.page.locator("#unstarted").count() == 0


def test_a_panel_that_the_network_lost_is_told_and_opens_at_the_next_try(
    server: PageServer, fresh_window: Callable[..., CanvasPage]
) -> None:
    window = fresh_window()
    window.open(server.url)
    window.page.route("**/share_panel.js", lambda route: route.abort())
    window.page.get_by_role("button", name="Share and save").click()
    window.wait_until(lambda: "could not be loaded" in window.message, "it says so")
    window.page.unroute_all()
    window.page.get_by_role("button", name="Share and save").click()
    window.page.locator("#panel-body > *").first.wait_for()


def test_keys_that_the_network_lost_work_at_the_next_press(
    server: PageServer, fresh_window: Callable[..., CanvasPage]
) -> None:
    window = fresh_window()
    window.open(server.url)
    window.page.route("**/keyboard.js", lambda route: route.abort())
    window.page.keyboard.press("?")
    window.wait_until(lambda: "could not be loaded" in window.message, "it says so")
    window.page.unroute_all()
    window.page.keyboard.press("?")
    window.page.locator("#panel-body > *").first.wait_for()


def test_a_page_without_its_tools_loads_the_present_page_by_itself_and_not_again_and_again(
    server: PageServer, fresh_window: Callable[..., CanvasPage]
) -> None:
    window = fresh_window()
    asked = _outdate(window, "interaction.js")
    loads = window.collect("load", lambda page: str(page.url))
    window.page.goto(server.url)
    window.wait_until(lambda: len(loads()) == 2, "it is loaded once more")
    window.wait_until(lambda: "newer version" in window.message, "it says so the second time")
    window.page.wait_for_timeout(2_500)  # the page tries to load the tools each second
    assert len(loads()) == 2
    assert len(asked) > 2
