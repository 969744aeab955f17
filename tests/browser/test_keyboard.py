"""Everything by keyboard, and the texts for a screen reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit


@pytest.fixture
def server(blank_server: PageServer) -> PageServer:
    """One server for all tests."""
    return blank_server


@pytest.fixture
def window(server: PageServer, new_window: Callable[..., CanvasPage]) -> CanvasPage:
    """A window that no test has used yet."""
    window = new_window()
    window.open(server.url)
    return window


def _announced(window: CanvasPage) -> str:
    return window.page.locator("#announcer").inner_text()


def _cursor(window: CanvasPage) -> tuple[int, int]:
    x, y = window.page.locator("#position").inner_text().split(" · ")[0].split(", ")
    return int(x), int(y)


def _show_cursor(window: CanvasPage) -> tuple[int, int]:
    window.page.keyboard.press("ArrowRight")
    window.wait_until(lambda: window.page.locator("#position").inner_text(), "a cursor is shown")
    return _cursor(window)


def test_arrows_move_a_cursor_and_enter_paints_there(server: PageServer, window: CanvasPage) -> None:
    x, y = _show_cursor(window)
    window.page.keyboard.press("ArrowRight")
    window.page.keyboard.press("Shift+ArrowUp")
    assert _cursor(window) == (x + 1, y - 10)
    window.page.keyboard.press("3")
    window.page.keyboard.press("Enter")
    window.wait_until(lambda: window.indexes()[y - 10, x + 1] == 2, "the third colour is painted")
    window.wait_until(lambda: _announced(window) == "Placed.", "that is announced")
    window.wait_until_equal(server)


def test_position_and_colour_are_announced(server: PageServer, window: CanvasPage) -> None:
    x, y = _show_cursor(window)
    server.paint(x + 1, y, 5)
    window.wait_until_equal(server)
    window.page.keyboard.press("ArrowRight")
    window.wait_until(lambda: _announced(window).startswith(f"{x + 1}, {y}, "), "the position is announced")
    name = window.page.locator("#colors input").nth(5).get_attribute("aria-label")
    assert _announced(window) == f"{x + 1}, {y}, {name}"


def test_a_refusal_is_told_in_a_live_region(server: PageServer, window: CanvasPage) -> None:
    _show_cursor(window)
    server.kill()
    window.wait_until(lambda: window.connection == "offline", "the page notices")
    window.page.keyboard.press("Enter")
    window.wait_until(lambda: "Offline" in window.message, "the page says why not")
    assert window.page.locator("#message").get_attribute("role") == "status"


def test_the_cursor_stops_at_the_edges_and_the_view_follows_it(window: CanvasPage) -> None:
    for _ in range(5):
        window.page.keyboard.press("+")
    _show_cursor(window)
    for _ in range(12):
        window.page.keyboard.press("Shift+ArrowLeft")
        window.page.keyboard.press("Shift+ArrowUp")
    assert _cursor(window) == (0, 0)
    left, top = window.place_of(0, 0)
    assert 0 < left < 1000
    assert 0 < top < 700


def test_numbers_and_brackets_choose_colours(window: CanvasPage) -> None:
    keyboard = window.page.keyboard
    keyboard.press("1")
    window.wait_until(lambda: window.state()["color"] == 0, "1 is the first")
    for key, color in [("0", 9), ("]", 10), ("[", 9), ("1", 0), ("[", 15), ("]", 0)]:
        keyboard.press(key)
        assert window.state()["color"] == color
    window.wait_until(lambda: "white" in _announced(window), "its name is announced")


def test_plus_minus_and_f_zoom(window: CanvasPage) -> None:
    scale = window.state()["view"]["scale"]
    window.page.keyboard.press("+")
    window.wait_until(lambda: window.state()["view"]["scale"] > scale, "it zooms in")
    window.page.keyboard.press("-")
    window.page.keyboard.press("-")
    window.wait_until(lambda: window.state()["view"]["scale"] < scale, "it zooms out")
    window.page.keyboard.press("f")
    window.wait_until(lambda: window.state()["view"]["scale"] == pytest.approx(scale), "it fits again")


def test_c_takes_the_colour_at_the_cursor(server: PageServer, window: CanvasPage) -> None:
    x, y = _show_cursor(window)
    server.paint(x, y, 11)
    window.wait_until_equal(server)
    window.page.keyboard.press("c")
    window.wait_until(lambda: window.state()["color"] == 11, "the colour is taken")


def test_the_question_mark_shows_every_key_and_escape_closes_it(window: CanvasPage) -> None:
    window.page.keyboard.press("?")
    panel = window.page.locator("#panel")
    window.wait_until(panel.is_visible, "the help is open")
    window.wait_until(lambda: panel.locator("dt").count() == 23, "each action has its keys")
    assert window.ask("document.activeElement.id") == "panel-title"
    assert all(text.strip() for text in panel.locator("dd").all_inner_texts())
    window.page.keyboard.press("Escape")
    window.wait_until(panel.is_hidden, "the help is closed")
    assert window.ask("document.activeElement.id") == "help"


def test_a_russian_and_a_french_keyboard_do_the_same(window: CanvasPage) -> None:
    link = window.page.context.new_cdp_session(window.page)

    def press(key: str, code: str, modifiers: int = 0) -> None:
        for kind in ("keyDown", "keyUp"):
            link.send("Input.dispatchKeyEvent", {"type": kind, "key": key, "code": code, "modifiers": modifiers})

    press("в", "KeyD")
    drawing = window.page.locator("#draw")
    window.wait_until(lambda: drawing.get_attribute("aria-pressed") == "true", "the Russian d draws")
    press("é", "Digit2")
    window.wait_until(lambda: window.state()["color"] == 1, "the French 2 chooses a colour")
    press("ъ", "BracketRight")
    window.wait_until(lambda: window.state()["color"] == 2, "the Russian ] the next one")
    window.page.evaluate("window.addEventListener('keydown', (event) => (window.last = event))")
    press("я", "KeyZ", modifiers=2)
    window.wait_until(lambda: window.ask("window.last.key === 'я' && window.last.defaultPrevented"), "Ctrl+Z is undo")


def test_the_help_shows_the_keys_that_the_keyboard_has(
    server: PageServer, fresh_window: Callable[..., CanvasPage]
) -> None:
    window = fresh_window()
    window.page.add_init_script(
        "navigator.keyboard.getLayoutMap = async () => new Map([['KeyG', 'п'], ['BracketRight', 'ъ'], ['Minus', '-']])"
    )
    window.open(server.url)
    window.page.keyboard.press("?")
    keys = window.page.locator("#panel kbd")
    window.wait_until(lambda: keys.count() > 0, "the help is open")
    assert {"п", "ъ", "-", "[", "?", "u"} <= set(keys.all_inner_texts())
    assert not {"g", "]"} & set(keys.all_inner_texts())


def test_letters_can_be_switched_off_and_then_work_on_the_canvas_alone(window: CanvasPage) -> None:
    page = window.page
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Letters as keys everywhere").uncheck()
    page.keyboard.press("d")
    assert page.locator("#draw").get_attribute("aria-pressed") == "false"
    page.locator("#canvas").focus()
    page.keyboard.press("d")
    window.wait_until(lambda: page.locator("#draw").get_attribute("aria-pressed") == "true", "on the canvas it works")


def test_what_is_typed_into_a_field_is_no_key(window: CanvasPage) -> None:
    page = window.page
    page.keyboard.press("s")
    field = page.get_by_label("width")
    field.fill("")
    color = window.state()["color"]
    field.press_sequentially("12")
    assert field.input_value() == "12"
    assert window.state()["color"] == color


def test_every_control_is_reached_by_tab_and_shows_its_focus(window: CanvasPage) -> None:
    reached = set()
    for _ in range(30):
        window.page.keyboard.press("Tab")
        here = window.ask(
            "(() => { const e = document.activeElement; return [e.id || e.name || e.tagName,"
            " getComputedStyle(e).outlineStyle !== 'none'] })()"
        )
        if here[0] != "BODY":
            assert here[1], f"{here[0]} does not show its focus"
        reached.add(here[0])
    controls = {"zoom-out", "zoom-in", "fit", "draw", "templates", "share", "settings", "help", "canvas", "color"}
    assert controls <= reached
