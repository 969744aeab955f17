"""The ways to paint: confirmed, drawn, undone, with a colour taken from the canvas; and how each outcome looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser.canvas_page import CanvasPage
from tests.browser.test_page import PHONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Request

    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit

RED, BLUE = 5, 13


@pytest.fixture
def server(blank_server: PageServer) -> PageServer:
    """One server for all tests."""
    return blank_server


@pytest.fixture
def window(server: PageServer, new_window: Callable[..., CanvasPage]) -> CanvasPage:
    """A window that nobody has touched yet, with red chosen."""
    return _with_red(new_window(), server)


def _with_red(window: CanvasPage, server: PageServer) -> CanvasPage:
    window.open(server.url)
    window.choose(RED)
    return window


def _painted(window: CanvasPage) -> set[tuple[int, int]]:
    y, x = np.nonzero(window.indexes())
    return set(zip(x.tolist(), y.tolist(), strict=True))


def _drag(window: CanvasPage, *pixels: tuple[int, int], steps: int = 6) -> None:
    mouse = window.page.mouse
    mouse.move(*window.place_of(*pixels[0]))
    mouse.down()
    for pixel in pixels[1:]:
        mouse.move(*window.place_of(*pixel), steps=steps)
    mouse.up()


def test_the_pixel_under_the_pointer_shows_the_chosen_colour(server: PageServer, window: CanvasPage) -> None:
    palette = server.palette()
    window.page.mouse.move(*window.place_of(20, 20))
    window.wait_until(lambda: window.drawn(20, 20) == palette[RED], "the preview is drawn")
    window.choose(BLUE)
    window.page.mouse.move(*window.place_of(21, 20))
    window.wait_until(lambda: window.drawn(21, 20) == palette[BLUE], "the preview follows")
    assert window.drawn(20, 20) == palette[0]
    assert _painted(window) == set()


@pytest.mark.parametrize("how", ["middle", "alt", "key"])
def test_a_colour_is_taken_from_the_canvas(server: PageServer, window: CanvasPage, how: str) -> None:
    server.paint(20, 20, BLUE)
    window.wait_until_equal(server)
    place = window.place_of(20, 20)
    window.page.mouse.move(*place)
    if how == "middle":
        window.page.mouse.click(*place, button="middle")
    elif how == "alt":
        window.page.keyboard.down("Alt")
        window.page.mouse.click(*place)
        window.page.keyboard.up("Alt")
    else:
        window.page.keyboard.press("c")
    window.wait_until(lambda: window.state()["color"] == BLUE, "the colour is taken")
    assert window.own_pixels() == []
    assert _painted(window) == {(20, 20)}


def test_the_last_own_pixel_is_undone(server: PageServer, window: CanvasPage) -> None:
    server.paint(8, 8, BLUE)
    window.wait_until_equal(server)
    undo = window.page.get_by_role("button", name="Undo my last pixel")
    assert undo.is_disabled()
    window.click(8, 8)
    window.wait_until(undo.is_enabled, "it can be undone")
    undo.click()
    window.wait_until(lambda: window.indexes()[8, 8] == BLUE, "the pixels are as before")
    window.wait_until(undo.is_disabled, "there is no more to undo")
    window.wait_until_equal(server)


def test_what_somebody_has_painted_over_is_not_undone(server: PageServer, window: CanvasPage) -> None:
    undo = window.page.get_by_role("button", name="Undo my last pixel")
    window.click(8, 8)
    window.wait_until(undo.is_enabled, "it can be undone")
    server.paint(8, 8, BLUE)
    window.wait_until(undo.is_disabled, "it can't be undone any more")
    window.page.keyboard.press("u")
    window.wait_until(lambda: "nothing to undo" in window.message, "the key says why not")
    window.wait_until_equal(server)
    assert window.indexes()[8, 8] == BLUE


def test_shift_and_drag_paints_a_line_without_gaps(server: PageServer, window: CanvasPage) -> None:
    view = window.state()["view"]
    window.page.keyboard.down("Shift")
    _drag(window, (10, 10), (30, 10), (30, 20), steps=2)
    window.page.keyboard.up("Shift")
    line = {(x, 10) for x in range(10, 31)} | {(30, y) for y in range(10, 21)}
    window.wait_until(lambda: _painted(window) == line, "the line is painted")
    window.wait_until_equal(server)
    assert window.state()["view"] == view


def test_in_drawing_a_drag_paints_until_the_charges_are_spent(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server = new_server("--charges", "5", "--charge-seconds", "300")
    window = new_window()
    window.open(server.url)
    window.page.get_by_role("button", name="Draw by dragging").click()
    posts = _posts(window)
    _drag(window, (10, 10), (30, 10))
    window.wait_until(lambda: len(_painted(window)) == 5, "as many as charges allow are painted")
    window.wait_until(lambda: "ready in" in window.message, "it says why no more")
    window.wait_until_equal(server)
    assert (sum(posts()), len(posts()) < 5) == (5, True)
    window.page.get_by_role("button", name="Draw by dragging").click()
    view = window.state()["view"]
    _drag(window, (10, 20), (20, 30))
    assert window.state()["view"] != view


def _posts(window: CanvasPage) -> Callable[[], list[int]]:
    """How many edits each request to paint has from now on."""

    def size(request: Request) -> int | None:
        if request.method != "POST":
            return None
        return len((request.post_data_json or {})["edits"]) if request.url.endswith("/edits") else 1

    return window.collect("request", size)


def test_a_line_is_a_few_requests_and_undone_as_a_whole(server: PageServer, window: CanvasPage) -> None:
    for x in range(10, 31):
        server.paint(x, 10, BLUE if x % 2 else 0)
    window.wait_until_equal(server)
    before = window.indexes()
    posts = _posts(window)
    window.page.keyboard.down("Shift")
    _drag(window, (10, 10), (30, 10), (30, 30), steps=1)
    window.page.keyboard.up("Shift")
    window.wait_until(lambda: (window.indexes() == RED).sum() == 41, "the line is painted")
    assert sum(posts()) == 41
    assert len(posts()) <= 4  # the first pixel, and the pixels drawn while that was answered
    window.wait_until(lambda: not window.own_pixels(), "no pixel is under way any more")
    undoing = _posts(window)
    window.page.keyboard.press("u")
    window.wait_until(lambda: np.array_equal(window.indexes(), before), "the pixels are as before")
    assert undoing() == [41]
    window.wait_until_equal(server)
    window.wait_until(window.page.get_by_role("button", name="Undo my last pixel").is_disabled, "nothing more to undo")


def test_a_line_that_is_refused_goes_as_a_whole(server: PageServer, fresh_window: Callable[..., CanvasPage]) -> None:
    window = _with_red(fresh_window(), server)
    refusal = {"status": 503, "json": {"code": "log-unavailable"}}
    window.page.route("**/edits", lambda route: route.fulfill(**refusal))
    window.page.route("**/edit", lambda route: route.continue_())
    window.page.keyboard.down("Shift")
    _drag(window, (10, 10), (30, 10), steps=1)
    window.page.keyboard.up("Shift")
    window.wait_until(lambda: "save" in window.message, "it says why")
    window.wait_until(lambda: not window.own_pixels(), "no ghost is left")
    window.wait_until_equal(server)
    assert _painted(window) <= {(10, 10)}


def test_of_a_line_that_is_too_long_for_the_charges_left_the_beginning_is_painted(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server = new_server("--charges", "10", "--charge-seconds", "300")
    window = new_window()
    window.open(server.url)
    for x in range(4):  # another person behind the same address
        server.paint(x, 40, BLUE)
    window.choose(RED)
    window.page.keyboard.down("Shift")
    _drag(window, (10, 10), (30, 10), steps=1)
    window.page.keyboard.up("Shift")
    window.wait_until(lambda: (window.indexes() == RED).sum() == 6, "one pixel for each charge is painted")
    assert {(x, 10) for x in range(10, 16)} <= _painted(window)
    window.wait_until(lambda: not window.own_pixels(), "the others are refused")
    assert window.state()["charges"] == 0
    window.wait_until_equal(server)


def test_a_drawn_line_spends_nothing_on_pixels_that_are_so_already(server: PageServer, window: CanvasPage) -> None:
    server.paint(12, 10, RED)
    window.wait_until_equal(server)
    posts = _posts(window)
    window.page.keyboard.down("Shift")
    _drag(window, (10, 10), (14, 10), (10, 10))
    window.page.keyboard.up("Shift")
    window.wait_until(lambda: len(_painted(window)) == 5, "the line is painted")
    assert sum(posts()) == 4


def test_asked_to_it_asks_before_painting(server: PageServer, window: CanvasPage) -> None:
    page = window.page
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Ask before painting").select_option("always")
    window.click(5, 6)
    asked = page.locator("#confirm")
    window.wait_until(asked.is_visible, "it asks")
    name = page.locator("#colors input").nth(RED).get_attribute("aria-label")
    assert page.locator("#target").inner_text() == f"5, 6 in {name}?"
    page.get_by_role("button", name="Cancel").click()
    assert asked.is_hidden()
    window.click(7, 8)
    window.click(9, 10)  # the page asks about another pixel instead
    window.choose(BLUE)
    page.get_by_role("button", name="Paint", exact=True).click()
    window.wait_until(lambda: _painted(window) == {(9, 10)}, "only the confirmed pixel is painted")
    assert window.indexes()[10, 9] == BLUE


def test_a_finger_is_asked_where_a_charge_takes_long(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server = new_server("--cooldown", "300")
    window = new_window(**PHONE)
    window.open(f"{server.url}#x=30&y=20&z=20")
    window.tap(30, 20)
    window.wait_until(window.page.locator("#confirm").is_visible, "it asks")
    assert _painted(window) == set()
    window.page.get_by_role("button", name="Paint", exact=True).tap()
    window.wait_until(lambda: _painted(window) == {(30, 20)}, "it is painted")


def test_a_finger_draws_and_two_still_pinch(server: PageServer, new_context: Callable[..., BrowserContext]) -> None:
    context = new_context(**PHONE)
    window = CanvasPage(context.new_page())
    window.open(f"{server.url}#x=32&y=24&z=20")
    window.choose(RED)
    window.page.get_by_role("button", name="Draw by dragging").tap()
    touch = context.new_cdp_session(window.page)

    def fingers(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    first, *others = [window.place_of(x, 24) for x in range(28, 35)]  # in advance: a finger that waits picks a colour
    fingers("touchStart", first)
    for place in others:
        fingers("touchMove", place)
    fingers("touchEnd")
    line = {(x, 24) for x in range(28, 35)}
    window.wait_until(lambda: _painted(window) == line, "the finger's line is painted")
    fingers("touchStart", (150, 400), (250, 400))
    for apart_px in range(60, 120, 10):
        fingers("touchMove", (200 - apart_px, 400), (200 + apart_px, 400))
    fingers("touchEnd")
    window.wait_until(lambda: window.state()["view"]["scale"] > 25, "two fingers zoom")
    window.wait_until_equal(server)
    assert len(_painted(window) - line) <= 1  # the first finger came down before the second
