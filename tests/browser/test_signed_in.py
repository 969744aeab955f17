"""A signed-in person on the page, against a real server: names, other tabs, sessions that end, and signing out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.browser.canvas_page import CanvasPage
from tests.browser.people_page import CODE, WORD, button, codes, wait_until_in, wait_until_out, wait_until_told

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext

    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_one_changes_ones_name_and_signs_out(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*CODE), new_window()
    (code,) = codes(server)
    window.open(f"{server.url}#code={code}")
    wait_until_in(window)
    window.page.keyboard.press("a")
    card = window.page.locator("#panel")
    window.wait_until(lambda: "7 of 7 ready" in card.inner_text(), "the person's charges are shown")
    window.page.get_by_label("Your name").fill("Ada\u202e")
    button(window, "Change name").click()
    window.wait_until(lambda: "1 to 24" in card.inner_text(), "the page says which names are allowed")
    window.page.get_by_label("Your name").fill("Ada")
    button(window, "Change name").click()
    window.wait_until(lambda: "Signed in as Ada." in card.inner_text(), "the page shows the name")
    button(window, "Sign out").click()
    wait_until_out(window)
    wait_until_told(window, "Signed out.")
    assert "The host of this canvas gives it to you" in card.inner_text()
    window.page.reload()
    window.wait_until_live()
    wait_until_out(window)


def _tab(context: BrowserContext, server: PageServer) -> CanvasPage:
    window = CanvasPage(context.new_page())
    window.open(server.url)
    return window


def test_all_tabs_of_a_browser_follow_at_once(
    new_server: Callable[..., PageServer], new_context: Callable[..., BrowserContext]
) -> None:
    server = new_server(*WORD)
    context = new_context(viewport={"width": 1000, "height": 700})
    one, two = _tab(context, server), _tab(context, server)
    for window in (one, two):
        wait_until_out(window)
    button(one, "Sign in to paint").click()
    one.page.get_by_label("Word").fill("Birnbaum")
    one.page.get_by_label("Your name").fill("Ada")
    one.page.keyboard.press("Enter")
    for window in (one, two):
        wait_until_in(window)
        assert window.page.get_by_role("button", name="Who you are: Ada").is_visible()
    two.page.keyboard.press("a")
    two.page.get_by_label("Your name").fill("Grace")
    button(two, "Change name").click()
    name = one.page.get_by_role("button", name="Who you are: Grace")
    one.wait_until(name.is_visible, "the other tab has the name, too")
    button(two, "Sign out").click()
    for window in (one, two):
        wait_until_out(window)


def test_a_session_that_ends_while_the_page_is_open_is_told_with_what_to_do(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*CODE), new_window()
    (code,) = codes(server)
    window.open(f"{server.url}#code={code}")
    wait_until_in(window)
    other = httpx.post(f"{server.url}sign-in", json={"code": code}, trust_env=False, verify=False)  # ends others
    assert other.status_code == 200
    window.click(10, 12)
    window.wait_until(lambda: "your code was used again" in window.message, "it says why")
    wait_until_out(window)
    assert not window.own_pixels()
    assert server.canvas_version() == 1


def test_a_link_with_anothers_code_asks_whoever_is_signed_in(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*CODE), new_window()
    own, foreign = codes(server, 2)
    window.open(f"{server.url}#code={own}")
    wait_until_in(window)
    before = window.ask("localStorage.getItem('placed.session /')").split()[0]
    window.ask(f"void (location.hash = 'code={foreign}')")
    use = button(window, "Use the code")
    use.wait_for()
    assert foreign not in window.page.url
    assert window.ask("localStorage.getItem('placed.session /')").split()[0] == before
    use.click()
    window.wait_until(
        lambda: window.ask("localStorage.getItem('placed.session /')").split()[0] != before, "now it is the other one"
    )


def test_a_canvas_for_those_who_are_signed_in_has_a_way_in_and_nothing_is_left_behind(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*CODE, "--watch", "signed-in"), new_window()
    (code,) = codes(server)
    window.page.goto(server.url)
    state = window.page.locator("#connection")
    window.wait_until(lambda: state.inner_text() == "Signed out", "the bar says why there is nothing")
    button(window, "Sign in to paint").click()
    window.page.get_by_label("Code").fill(code)
    window.page.keyboard.press("Enter")
    window.wait_until_live()
    wait_until_in(window)
    window.click(5, 5)
    window.wait_until(lambda: not window.own_pixels() and window.state()["version"] == 2, "it is painted")
    button(window, "Sign out").click()
    window.wait_until(lambda: state.inner_text() == "Signed out", "it is gone")
    assert window.state()["width"] in (0, None)


def test_names_are_in_a_pixels_card_where_the_host_shows_them(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*WORD, "--show-authors", "names"), new_window()
    with httpx.Client(base_url=server.url, trust_env=False, verify=False) as client:
        client.post("sign-in", json={"join": "Birnbaum", "name": "Ada Lovelace"}).raise_for_status()
        client.post("edit", json={"x": 8, "y": 9, "color": 5}).raise_for_status()
    window.open(server.url)
    window.page.mouse.move(*window.place_of(8, 9))
    card = window.page.locator("#pixel-card")

    def looked() -> bool:  # an edit is in the history a moment after it is in the canvas
        window.page.keyboard.press("i")
        window.wait_until(
            lambda: "Pixel 8, 9" in card.inner_text() and "Loading" not in card.inner_text(), "it is told"
        )
        return "by Ada Lovelace" in card.inner_text()

    window.wait_until(looked, "the card has the name")
