"""axe-core, by Deque, on the page in each of its states; and the settings that people choose in their system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.moderators_page import open_as_host
from tests.browser.people_page import WORD, button, wait_until_in, wait_until_out
from tests.browser.templates.panel import payload, png
from tests.browser.test_page import PHONE
from tests.support.parts import node_package

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit

_DESKTOP = {"viewport": {"width": 1280, "height": 800}}
_SCHEMES = "light", "dark"
_RUN = """axe.run(document, {
    resultTypes: ['violations'],
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
})"""


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    return (node_package("axe-core") / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def server(blank_server: PageServer) -> PageServer:
    """One server for all tests."""
    return blank_server


def _violations(window: CanvasPage, axe: str, schemes: tuple[str, ...] = _SCHEMES) -> list[str]:
    window.wait_for_looks()
    if not window.ask("'axe' in window"):
        window.ask(f"void (() => {{ {axe} }})()")
    found = []
    for scheme in schemes:
        # Without motion, because an element that fades in has too little contrast until it is there.
        window.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type] # a literal
        report: dict[str, Any] = window.ask(_RUN)
        found += [
            f"{one['id']} ({scheme}): {node['html'][:200]}" for one in report["violations"] for node in one["nodes"]
        ]
    return found


@pytest.mark.parametrize("options", [_DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_on_the_page_nor_in_any_panel(
    server: PageServer, new_window: Callable[..., CanvasPage], axe: str, options: dict[str, Any]
) -> None:
    window = new_window(**options)
    window.open(server.url)
    assert _violations(window, axe) == []
    for name in ("Templates", "Share and save", "Settings", "Keys and gestures"):
        button = window.page.get_by_role("button", name=name)
        if button.is_visible():
            button.click()
            window.wait_until(window.page.locator("#panel-body > *").first.is_visible, f"{name} is shown")
            assert _violations(window, axe) == [], name


@pytest.mark.parametrize("options", [_DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_while_somebody_signs_in_nor_when_they_have(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage], axe: str, options: dict[str, Any]
) -> None:
    server, window = new_server(*WORD), new_window(**options)
    window.open(server.url)
    wait_until_out(window)
    assert _violations(window, axe) == []
    button(window, "Sign in to paint").click()
    window.page.get_by_label("Word").fill("wrong")
    window.page.get_by_label("Your name").fill("Ada")
    button(window, "Join").click()
    window.wait_until(window.page.locator("#panel .trouble").is_visible, "it was the wrong word")
    assert _violations(window, axe) == []
    window.page.get_by_label("Word").fill("Birnbaum")
    button(window, "Join").click()
    wait_until_in(window)
    button(window, "Sign out everywhere").wait_for()
    assert _violations(window, axe) == []
    window.page.locator("#share").click()
    button(window, "Large, for a projector").click()
    window.page.get_by_role("dialog").wait_for()
    assert _violations(window, axe) == []


@pytest.mark.parametrize("options", [_DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_on_the_time_line_nor_on_a_pixels_card(
    server: PageServer, new_window: Callable[..., CanvasPage], axe: str, options: dict[str, Any]
) -> None:
    for color in (3, 7):
        server.paint(20, 15, color)
    window = new_window(**options)
    window.open(server.url)
    window.page.locator("#past").click()
    window.wait_until(window.page.locator("#moment").is_visible, "the time line is open")
    window.click(20, 15)
    window.page.get_by_role("button", name="Earlier colours").click()
    window.wait_until(window.page.locator("#pixel-card li").first.is_visible, "the card has the earlier colour")
    assert _violations(window, axe) == []
    window.page.locator("#moment").press("Home")
    window.wait_until(lambda: window.ask("placed.past.now === false && placed.past.ready"), "the past is shown")
    assert _violations(window, axe) == []


@pytest.mark.parametrize(("options", "scheme"), [(_DESKTOP, "light"), (PHONE, "dark")], ids=["desktop", "phone"])
def test_axe_finds_nothing_while_a_host_looks_after_the_canvas(
    new_server: Callable[..., PageServer],
    new_window: Callable[..., CanvasPage],
    axe: str,
    options: dict[str, Any],
    scheme: str,
) -> None:
    server, window = new_server(), new_window(**options)
    server.paint(20, 15, 5)
    open_as_host(window, server)
    assert _violations(window, axe, (scheme,)) == []
    button(window, "Whole canvas").click()
    button(window, "Who painted here?").click()
    window.page.locator(".painters input").check()
    window.page.get_by_label("What to do").select_option("wipe")
    button(window, "Preview").click()
    window.wait_until(window.page.locator(".result img").is_visible, "it is shown")
    button(window, "Add a colour").click()
    assert _violations(window, axe, (scheme,)) == []


@pytest.mark.parametrize("options", [_DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_beside_a_template(
    server: PageServer, new_window: Callable[..., CanvasPage], axe: str, options: dict[str, Any]
) -> None:
    window = new_window(**options)
    window.open(server.url)
    window.page.get_by_role("button", name="Templates").click()
    window.page.locator(".templates input[type=file]").set_input_files([payload(png([(229, 0, 0)], size=(4, 4)))])
    window.wait_until(window.page.locator(".templates progress").is_visible, "there is a template")
    assert _violations(window, axe, ("light",)) == []


def test_axe_finds_nothing_while_offline_or_asking(
    server: PageServer, new_window: Callable[..., CanvasPage], axe: str
) -> None:
    window = new_window(**_DESKTOP)
    window.open(server.url)
    window.page.get_by_role("button", name="Settings").click()
    window.page.get_by_label("Ask before painting").select_option("always")
    window.click(3, 3)
    window.wait_until(window.page.locator("#confirm").is_visible, "it asks")
    assert _violations(window, axe, ("light",)) == []
    server.kill()
    window.wait_until(lambda: window.connection == "offline", "the page notices")
    assert _violations(window, axe, ("light",)) == []


_IS_ON = "#draw", "#templates", "#confirm .main"


def _background(window: CanvasPage, selector: str) -> str:
    return str(window.ask(f"getComputedStyle(document.querySelector('{selector}')).backgroundColor"))


def test_what_is_on_open_or_asked_for_keeps_its_looks_under_the_pointer(
    server: PageServer, new_window: Callable[..., CanvasPage]
) -> None:
    window = new_window(**_DESKTOP)
    window.open(server.url)
    window.page.locator("#settings").click()
    window.page.get_by_label("Ask before painting").select_option("always")
    window.click(3, 3)
    window.page.keyboard.press("d")
    window.page.locator("#draw[aria-pressed=true]").wait_for()  # the first key loads the code that handles it
    window.page.locator("#templates").click()
    window.page.locator("#templates[aria-expanded=true]").wait_for()
    for selector in _IS_ON:
        window.page.locator(selector).wait_for()
        window.page.mouse.move(640, 780)
        looks = _background(window, selector)
        window.page.locator(selector).hover()
        assert _background(window, selector) == looks, selector
    window.page.locator("#fit").hover()
    assert _background(window, "#fit") != "rgba(0, 0, 0, 0)"


def test_a_finger_leaves_no_button_as_if_a_pointer_were_over_it(
    server: PageServer, new_window: Callable[..., CanvasPage]
) -> None:
    window = new_window(**PHONE)
    window.open(server.url)
    looks = _background(window, "#settings")
    window.page.locator("#settings").tap()
    window.wait_until(window.page.locator("#panel-body > *").first.is_visible, "it is open")
    window.page.locator("#settings").tap()
    window.wait_until(window.page.locator("#panel").is_hidden, "it is closed")
    assert _background(window, "#settings") == looks


def test_axe_is_there_to_find_something(server: PageServer, new_window: Callable[..., CanvasPage], axe: str) -> None:
    window = new_window(**_DESKTOP)
    window.open(server.url)
    window.ask("document.getElementById('fit').removeAttribute('aria-label')")
    window.ask("document.getElementById('fit').removeAttribute('title')")
    assert [line.partition(":")[0] for line in _violations(window, axe)] == [
        "button-name (light)",
        "button-name (dark)",
    ]


@pytest.mark.parametrize(("wished", "text"), [("de-AT", "Einstellungen"), ("fr", "Réglages"), ("nl", "Settings")])
def test_the_page_speaks_the_browsers_language(
    server: PageServer, new_window: Callable[..., CanvasPage], wished: str, text: str
) -> None:
    window = new_window(locale=wished)
    window.open(server.url)
    assert window.page.get_by_role("button", name=text).is_visible()
    assert window.ask("document.documentElement.lang") == (wished[:2] if wished != "nl" else "en")


def test_colours_are_named_in_the_browsers_language(server: PageServer, new_window: Callable[..., CanvasPage]) -> None:
    window = new_window(locale="de-AT")
    window.open(server.url)
    names = [swatch.get_attribute("aria-label") for swatch in window.page.locator("#colors input").all()]
    assert names[:4] == ["Weiß", "Hellgrau", "Grau", "Schwarz"]
    window.page.keyboard.press("4")
    told = window.page.locator("#announcer")
    window.wait_until(lambda: told.inner_text() == "Gewählt: Schwarz", "the colour is announced in German")


def test_more_contrast_makes_cards_opaque(server: PageServer, new_window: Callable[..., CanvasPage]) -> None:
    window = new_window(contrast="more", color_scheme="light")
    window.open(server.url)
    assert window.ask("getComputedStyle(document.getElementById('state')).backgroundColor") == "rgb(255, 255, 255)"


def test_each_colour_has_a_sign_on_request(server: PageServer, new_window: Callable[..., CanvasPage]) -> None:
    window = new_window()
    window.open(server.url)
    server.paint(10, 10, 5)
    window.wait_until_equal(server)
    plain = window.drawn_pixel(10, 10)
    assert plain.reshape(-1, 3).std(axis=0).max() == 0
    window.page.get_by_role("button", name="Settings").click()
    window.page.get_by_label("A sign for each colour").check()
    window.page.get_by_role("button", name="Close").click()
    window.page.keyboard.press("+")
    window.wait_until(lambda: window.drawn_pixel(10, 10).reshape(-1, 3).std(axis=0).max() > 0, "the sign is drawn")
    content = "getComputedStyle(document.querySelectorAll('#colors input')[5], '::after').content"
    assert window.ask(content) == "counter(sign)"
