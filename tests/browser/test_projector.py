"""The view for a projector, `#view=projector`, and the printed page."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.test_accessibility import _violations, axe

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Route

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

__all__ = ("axe",)  # a fixture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

_IN_A_MINUTE = 62
_WORDS = {
    "en": ("Opens in", "Paint with us"),
    "de": ("Öffnet in", "Male mit"),
    "fr": ("Ouvre dans", "Peignez avec nous"),
}


def _with_gate(window: CanvasPage, gate: dict[str, Any]) -> None:
    """Make /info say this about the gate."""

    def answer(route: Route) -> None:
        told = route.fetch()
        route.fulfill(response=told, body=json.dumps({**told.json(), "gate": gate}))

    window.page.route("**/info", answer)
    window.page.route("**/edits?*", lambda route: route.abort())  # its status would tell the server's own gate


def _soon() -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=_IN_A_MINUTE)).isoformat()


def _open(window: CanvasPage, server: PageServer) -> None:
    window.page.goto(f"{server.url}#view=projector")
    window.page.locator("#projector").wait_for()
    window.wait_until(lambda: window.page.get_by_text("watch").count(), "it is live")


@pytest.fixture
def server(blank_server: PageServer) -> PageServer:
    """One server for all tests."""
    return blank_server


@pytest.mark.parametrize("size", [(1920, 1080), (1024, 768), (800, 1280)])
def test_canvas_stands_alone_with_what_a_room_has_to_know(
    server: PageServer, new_window: Callable[..., CanvasPage], axe: str, size: tuple[int, int]
) -> None:
    window = new_window(viewport={"width": size[0], "height": size[1]})
    _open(window, server)
    assert window.page.get_by_role("heading").inner_text() == "placed"
    assert f"127.0.0.1:{server.port}" in window.page.locator("#projector").inner_text()
    code = window.page.get_by_role("img", name="QR code")
    window.wait_until(lambda: code.evaluate("(it) => it.complete && it.naturalWidth > 0"), "the code is there")
    assert not window.page.get_by_role("button").count()
    for scheme in ("light", "dark"):
        assert _violations(window, axe, (scheme,)) == []
        _assert_all_is_seen(window, size[1])


def _assert_all_is_seen(window: CanvasPage, height: int) -> None:
    box, beside = window.page.locator("#canvas").bounding_box(), window.page.locator("#projector").bounding_box()
    assert box
    assert beside
    assert box["x"] + box["width"] <= beside["x"] + 1 or box["y"] + box["height"] <= beside["y"] + 1
    for shown in window.page.locator("#projector :is(p, h1, img):visible").all():
        inside = shown.bounding_box()
        assert inside
        assert inside["x"] >= 0
        assert inside["y"] + inside["height"] <= height
        assert shown.evaluate("(it) => it.matches('img') || parseFloat(getComputedStyle(it).fontSize) >= 16")


def test_it_follows_edits_and_nothing_paints(server: PageServer, new_window: Callable[..., CanvasPage]) -> None:
    window = new_window()
    _open(window, server)
    before = window.page.screenshot()
    server.paint(0, 0, 5)
    window.wait_until(lambda: window.page.screenshot() != before, "the edit is seen")
    posts = window.collect("request", lambda request: request.url if request.method == "POST" else None)
    window.page.mouse.click(300, 300)
    window.page.keyboard.press("Enter")
    assert posts() == []


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_time_till_it_opens_is_told_in_each_language(
    server: PageServer, fresh_window: Callable[..., CanvasPage], language: str
) -> None:
    window = fresh_window(locale=language)
    _with_gate(window, {"open": False, "opens": _soon(), "closes": None})
    window.page.goto(f"{server.url}#view=projector")
    for words in _WORDS[language]:
        window.page.get_by_text(words).wait_for()
    timer = window.page.get_by_role("timer")
    first = timer.inner_text()
    assert re.fullmatch(r"[01]:[0-5]\d", first)
    window.wait_until(lambda: timer.inner_text() < first, "the time runs")


def test_a_closed_canvas_says_so_and_an_open_one_without_a_plan_says_nothing(
    server: PageServer, fresh_window: Callable[..., CanvasPage]
) -> None:
    window = fresh_window()
    _open(window, server)
    assert not window.page.locator(".waiting").is_visible()
    closed = fresh_window()
    _with_gate(closed, {"open": False, "opens": None, "closes": None})
    closed.page.goto(f"{server.url}#view=projector")
    closed.page.get_by_text("Closed", exact=True).wait_for()
    assert not closed.page.get_by_role("timer").is_visible()


def test_escape_leads_to_the_page_and_the_panel_leads_here(
    server: PageServer, new_window: Callable[..., CanvasPage]
) -> None:
    window = new_window()
    _open(window, server)
    with window.page.expect_event("load"):  # from then on it is another page
        window.page.keyboard.press("Escape")
    window.wait_until_live()
    window.page.keyboard.press("s")
    window.page.get_by_role("button", name="The canvas for a projector").click()
    window.page.locator("#projector").wait_for()


def test_print_has_the_canvas_and_its_title_on_one_page_without_tools(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    window = new_window()
    window.open(new_server("--title", "Class 7b").url)
    pdf = window.page.pdf(format="A4")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") == 1
    window.ask("void dispatchEvent(new Event('beforeprint'))")
    window.page.emulate_media(media="print", color_scheme="dark")
    assert window.ask("getComputedStyle(document.documentElement).colorScheme") == "light"  # not black on a black sheet
    assert window.page.locator("body").inner_text().strip() == "Class 7b"
    width = window.page.locator("#sheet canvas").evaluate("(it) => Math.max(it.width, it.height)")
    assert width >= 2400
    window.ask("void dispatchEvent(new Event('afterprint'))")
    assert not window.page.locator("#sheet").count()
