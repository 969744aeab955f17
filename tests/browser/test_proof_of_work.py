"""The proof of work that a host asks for (`--challenge`), in a browser: the page finds it before the first edit needs
it, even without WebCrypto; and edits painted meanwhile aren't lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import trio

from tests.browser.conftest import PLAIN_HOST
from tests.support.people import Host

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Route

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]  # a search takes 0.4 s on an idle machine

_PASS = "localStorage.getItem('placed.pass /')"


@pytest.fixture
def server(new_server: Callable[..., PageServer]) -> PageServer:
    """A server that asks for a proof."""
    return new_server("--challenge", "--charges", "1000", "--charge-seconds", "0.01", "--allowed-host", PLAIN_HOST)


def _posts(window: CanvasPage, path: str) -> Callable[[], list[str]]:
    """The methods of the requests for this path from now on."""
    return window.collect("request", lambda it: str(it.method) if it.url.endswith(f"/{path}") else None)


@pytest.mark.parametrize("host", ["127.0.0.1", PLAIN_HOST])
def test_a_pass_is_there_before_anybody_paints_and_serves_the_page_that_is_loaded_next(
    server: PageServer, new_window: Callable[..., CanvasPage], host: str
) -> None:
    window = new_window()
    window.open(f"http://{host}:{server.port}/")
    assert window.ask("isSecureContext") == (host != PLAIN_HOST)
    window.wait_until(lambda: window.ask(_PASS), "it is there")
    edits = _posts(window, "edit")
    window.click(10, 12)
    window.wait_until_equal(server)
    assert server.canvas(2).indexes[12, 10] == window.state()["color"]
    assert edits() == ["POST"], "once, since it had the pass"
    asked = _posts(window, "challenge")
    window.page.reload()
    window.wait_until_live()
    window.click(11, 12)
    window.wait_until_equal(server)
    assert server.canvas(3).indexes[12, 11] == window.state()["color"]
    assert asked() == []


def test_what_is_painted_before_the_pass_is_there_waits_for_it_and_that_is_said(
    server: PageServer, fresh_window: Callable[..., CanvasPage]
) -> None:
    window = fresh_window()
    held: list[Route] = []
    window.page.route("**/challenge", lambda route: route.continue_() if len(held) > 1 else held.append(route))
    window.open(server.url)
    window.wait_until(lambda: held, "the search is about to begin")
    edits = _posts(window, "edit")
    window.click(10, 12)
    window.wait_until(lambda: "Getting ready to paint" in window.message, "it is said")
    assert window.page.locator("#message").get_attribute("role") == "status"
    assert window.own_pixels() == [(10, 12, window.state()["color"], "pending")]
    held.append(held[0])
    held[0].continue_()
    window.wait_until(lambda: server.canvas_version() == 2, "it goes out by itself")
    window.wait_until_equal(server)
    assert server.canvas(2).indexes[12, 10] == window.state()["color"]
    assert edits() == ["POST"]


def test_a_pass_that_counts_no_more_is_renewed_without_the_edit_being_lost(
    server: PageServer, new_window: Callable[..., CanvasPage]
) -> None:
    window = new_window()
    window.open(server.url)
    window.wait_until(lambda: window.ask(_PASS), "there is one")
    old = json.loads(window.ask(_PASS))
    window.page.context.clear_cookies()
    stale = json.dumps({**old, "pass": "another-address-had-this-one"})
    window.ask(f"void localStorage.setItem('placed.pass /', {json.dumps(stale)})")
    window.page.reload()
    window.wait_until_live()
    edits, asked = _posts(window, "edit"), _posts(window, "challenge")
    window.click(10, 12)
    window.wait_until(lambda: server.canvas_version() == 2, "it is painted")
    assert edits() == ["POST", "POST"]
    assert asked() != []  # two passes of one second are the same: only the search shows that it is a new one
    assert json.loads(window.ask(_PASS))["pass"] != "another-address-had-this-one"


def test_a_line_that_waits_is_painted_whole(server: PageServer, fresh_window: Callable[..., CanvasPage]) -> None:
    window = fresh_window()
    held: list[Route] = []
    window.page.route("**/challenge", lambda route: route.continue_() if len(held) > 1 else held.append(route))
    window.open(server.url)
    window.wait_until(lambda: held, "the search is about to begin")
    window.page.locator("#draw").click()
    window.page.mouse.move(*window.place_of(10, 12))
    window.page.mouse.down()
    window.page.mouse.move(*window.place_of(22, 12), steps=6)
    window.page.mouse.up()
    window.wait_until(lambda: len(window.own_pixels()) == 13, "the line is drawn")
    held.append(held[0])
    held[0].continue_()
    window.wait_until(lambda: not window.own_pixels(), "it goes out")
    window.wait_until_equal(server)
    assert (server.canvas(server.canvas_version()).indexes[12, 10:23] == window.state()["color"]).all()


def test_a_page_that_nobody_looks_at_does_not_search(
    server: PageServer, fresh_window: Callable[..., CanvasPage]
) -> None:
    window = fresh_window()
    window.page.add_init_script(
        "Object.defineProperty(Document.prototype, 'hidden', { configurable: true, get: () => window.unseen === true })"
    )
    held: list[Route] = []
    window.page.route("**/interaction.js", lambda route: held.append(route))
    asked = _posts(window, "challenge")
    window.page.goto(server.url)
    window.wait_until(lambda: held, "the canvas is live")
    window.ask("void (window.unseen = true)")
    held[0].continue_()
    window.wait_until_live()
    window.page.wait_for_timeout(1_000)  # five ticks
    assert asked() == []
    window.ask("void (window.unseen = false)")
    window.wait_until(asked, "now somebody does")


def test_whoever_is_signed_in_is_not_asked(server: PageServer, new_window: Callable[..., CanvasPage]) -> None:
    window = new_window()
    secret = trio.run(Host(server.data).host_link)
    window.open(f"{server.url}#host={secret}")
    window.wait_until(window.page.locator("#people").is_visible, "one is somebody")
    window.page.context.clear_cookies(name="placed-pass")
    window.ask(f"void {_PASS.replace('getItem', 'removeItem')}")
    window.page.reload()
    window.wait_until_live()
    window.wait_until(window.page.locator("#people").is_visible, "the page knows who it is")
    asked = _posts(window, "challenge")
    window.click(10, 12)
    window.wait_until(lambda: server.canvas_version() == 2, "it is painted")
    assert asked() == []
