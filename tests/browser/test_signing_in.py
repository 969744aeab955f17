"""Signing in on the page, in each way, against a real server; and the page says what people may do before they try."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
import trio

from tests.browser.people_page import CODE, WORD, button, codes, wait_until_in, wait_until_out, wait_until_told
from tests.support.people import Host

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page, Request, Route

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def _asked(window: CanvasPage) -> Callable[[], list[str]]:
    """The page's requests from now on, as METHOD and the path's last part."""

    def name(request: Request) -> str:
        return f"{request.method} {request.url.partition('?')[0].rpartition('/')[2]}"

    return window.collect("request", name)


def test_a_canvas_for_everybody_loads_and_asks_nothing_of_people(
    server: PageServer, new_window: Callable[..., CanvasPage]
) -> None:
    window = new_window()
    asked = _asked(window)
    window.open(server.url)
    window.click(3, 4)
    window.wait_until_equal(server)
    assert window.page.locator("#colors").is_visible()
    assert not window.page.locator("#people").is_visible()
    parts = {"people.js", "person.js", "sign_in.js", "card.js", "pass.js", "people.css"}
    assert not {request.partition(" ")[2] for request in asked()} & {*parts, "me", "challenge"}
    window.page.keyboard.press("?")
    window.page.locator("#panel-body kbd").first.wait_for()
    assert "sign in" not in window.page.locator("#panel-body").inner_text()


def test_what_painting_needs_is_clear_before_one_tries(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*CODE), new_window()
    asked = _asked(window)
    window.open(server.url)
    wait_until_out(window)
    window.click(3, 4)
    wait_until_told(window, "Sign in to paint.")
    assert not window.own_pixels()
    assert "POST edit" not in asked()
    button(window, "Sign in to paint").click()
    window.page.locator("#panel form").wait_for()
    assert "The host of this canvas gives it to you" in window.page.locator("#panel-body").inner_text()


def test_a_code_that_is_typed_signs_in_with_charges_of_ones_own(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server = new_server(*CODE)
    one, two = codes(server, 2)
    first, second = new_window(), new_window()
    for window, code in ((first, one), (second, two)):
        window.open(server.url)
        button(window, "Sign in to paint").click()
        window.page.get_by_label("Code").fill(code.upper())
        window.page.keyboard.press("Enter")
        wait_until_in(window)
        wait_until_told(window, "Signed in.")
    first.click(10, 12)
    first.wait_until_equal(server)
    first.wait_until(lambda: first.state()["charges"] == 6, "one charge is spent")
    assert second.state()["charges"] == 7  # from the same address, but with their own charges
    first.page.reload()
    first.wait_until_live()
    wait_until_in(first)
    first.wait_until(lambda: first.state()["charges"] == 6, "the same person's charges")


def test_a_links_code_signs_in_and_is_at_once_nowhere_to_be_seen(
    new_server: Callable[..., PageServer], fresh_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*CODE), fresh_window()
    (code,) = codes(server)
    seen = window.requests()
    held: list[Route] = []
    window.page.route("**/info", lambda route: route.continue_() if held else held.append(route))
    window.page.goto(f"{server.url}#x=20&code={code}&y=10&z=16")
    window.wait_until(lambda: held, "it is asked for")
    assert window.ask("location.hash") == "#x=20&y=10&z=16"
    held[0].continue_()
    wait_until_in(window)
    window.wait_until_live()  # the palette appears a little earlier than the view
    assert window.ask("placed.view.scale") == 16
    assert code not in window.page.url
    assert not any(code in url.partition("#")[0] for url in seen())
    assert window.ask("history.length") == 2  # the empty page at a window's start, and this one


def test_a_code_in_the_address_of_an_open_page_counts_too(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*CODE), new_window()
    (code,) = codes(server)
    window.open(server.url)
    wait_until_out(window)
    window.ask(f"void (location.hash = 'code={code}')")
    wait_until_in(window)
    assert code not in window.page.url


def test_a_wrong_code_says_what_to_do_and_is_not_typed_twice(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*CODE), new_window()
    (code,) = codes(server)
    window.open(f"{server.url}#code={code}x")
    trouble = window.page.get_by_role("alert")
    window.wait_until(lambda: trouble.count() and "ask the host for another" in trouble.inner_text(), "it says so")
    field = window.page.get_by_label("Code")
    assert field.input_value() == f"{code}x"
    field.fill(code)
    field.press("Enter")
    wait_until_in(window)
    window.wait_until(lambda: not trouble.count(), "the error message is gone")
    assert window.page.locator("#panel-title").inner_text() == "Who you are"


def test_too_many_wrong_codes_say_when_to_try_again(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*CODE), new_window()
    for _ in range(100):
        if httpx.post(f"{server.url}sign-in", json={"code": "wrong"}, trust_env=False, verify=False).status_code == 429:
            break
    window.open(f"{server.url}#code=wrong")
    trouble = window.page.get_by_role("alert")
    window.wait_until(lambda: trouble.count() and "Try again in" in trouble.inner_text(), "it says when")
    assert "too often" in trouble.inner_text()


def test_a_word_and_a_name_let_people_in_and_a_taken_name_asks_for_another(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server = new_server(*WORD)
    taken = httpx.post(f"{server.url}sign-in", json={"join": "Birnbaum", "name": "Ada"}, trust_env=False, verify=False)
    assert taken.status_code == 200
    window = new_window()
    window.open(server.url)
    button(window, "Sign in to paint").click()
    window.page.get_by_label("Word").fill("birnbaum")
    window.page.get_by_label("Your name").fill("AdÁ")
    button(window, "Join").click()
    trouble = window.page.get_by_role("alert")
    window.wait_until(lambda: trouble.count() and "Choose another" in trouble.inner_text(), "it is taken")
    assert window.page.get_by_label("Word").input_value() == "birnbaum"
    window.page.get_by_label("Your name").fill("Grace Hopper")
    window.page.keyboard.press("Enter")
    wait_until_in(window)
    wait_until_told(window, "Signed in as Grace Hopper.")
    assert window.page.get_by_role("button", name="Who you are: Grace Hopper").is_visible()


def test_a_host_link_makes_a_host_of_whoever_opens_it_also_where_all_may_paint(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(), new_window()
    secret = trio.run(Host(server.data).host_link)
    window.open(f"{server.url}#host={secret}")
    own = window.page.locator("#people")
    window.wait_until(own.is_visible, "the person is signed in")
    assert secret not in window.page.url
    own.click()
    card = window.page.locator("#panel-body")
    window.wait_until(lambda: "host" in card.inner_text(), "it says so")
    window.page.reload()
    window.wait_until_live()
    window.wait_until(own.is_visible, "the page asks again, as somebody was signed in")
    own.click()
    button(window, "Sign out").click()
    window.wait_until(lambda: not own.is_visible(), "nothing asks the person to sign in")
    assert window.page.locator("#colors").is_visible()


def test_a_used_host_link_says_so(new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]) -> None:
    server, window = new_server(), new_window()
    window.open(f"{server.url}#host=wrong")
    trouble = window.page.get_by_role("alert")
    window.wait_until(lambda: trouble.count() and "no longer valid" in trouble.inner_text(), "it says so")
    assert window.page.locator("#colors").is_visible()


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("denied", "you refused"),
        ("expired", "once more"),
        ("provider-down", "another site"),
        ("made-up", "tell the host"),
    ],
)
def test_a_failed_sign_in_elsewhere_says_what_to_do(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage], reason: str, words: str
) -> None:
    server, window = new_server(*CODE), new_window()
    window.open(f"{server.url}#sign-in={reason}")
    trouble = window.page.get_by_role("alert")
    window.wait_until(lambda: trouble.count() and words in trouble.inner_text(), "it says why")
    assert window.page.url == server.url


def _with_providers(page: Page) -> None:
    def answer(route: Route) -> None:
        told = route.fetch().json()
        providers = [{"name": "school", "title": "the school"}, {"name": "a&b", "title": "Discord"}]
        told["sign_in"] = {**told["sign_in"], "mode": "oidc", "providers": providers}
        route.fulfill(json=told)

    page.route("**/info", answer)


def test_providers_have_buttons_and_whoever_comes_back_looks_where_they_looked(
    new_server: Callable[..., PageServer], fresh_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server(*CODE), fresh_window()
    _with_providers(window.page)
    window.page.route("**/sign-in/oidc/*", lambda route: route.fulfill(status=303, headers={"Location": "/"}))
    window.open(f"{server.url}#x=20&y=10&z=16")
    button(window, "Sign in to paint").click()
    links = window.page.locator("#panel a")
    links.first.wait_for()
    assert links.all_inner_texts() == ["Sign in with the school", "Sign in with Discord"]
    assert links.last.get_attribute("href") == "sign-in/oidc/a%26b"
    links.first.click()
    window.wait_until_live()
    window.wait_until(lambda: window.page.url.endswith("#x=20&y=10&z=16"), "the view shows the same place")
