"""The page itself in a real browser: nothing is missing, and people can move about, also on a phone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Route

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit

PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 3,
}


@pytest.fixture
def server(blank_server: PageServer) -> PageServer:
    """One server for all tests."""
    return blank_server


def test_the_page_loads_without_a_complaint(server: PageServer, new_window: Callable[..., CanvasPage]) -> None:
    window = new_window()
    complaints = window.complaints()
    window.open(server.url)
    server.paint(1, 1, 5)
    window.wait_until_equal(server)
    assert complaints() == []
    window.ask("Promise.all(['nothing', 'edit'].map((path) => fetch(path, { method: 'HEAD' }))).then(() => {})")
    window.wait_until(
        lambda: sorted(re.findall(r"status of (\d+)", "\n".join(complaints()))) == ["404", "405"],
        "the page tells the refusal",
    )


@pytest.mark.parametrize("lost", ["interaction.js", "painting/brush.js"])
def test_tools_that_could_not_be_loaded_are_loaded_once_they_can(
    server: PageServer, fresh_window: Callable[..., CanvasPage], lost: str
) -> None:
    window = fresh_window()
    failures = 2

    def fail(route: Route) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            route.abort()
        else:
            route.continue_()

    window.page.route(f"**/static/*/{lost}", fail)
    window.open(server.url)
    assert failures < 0
    window.click(5, 5)
    window.wait_until(lambda: window.indexes()[5, 5] != 0, "they work")


def test_without_a_stream_the_canvas_can_be_looked_around_in(
    server: PageServer, fresh_window: Callable[..., CanvasPage]
) -> None:
    window = fresh_window()
    window.page.route("**/edits**", lambda route: route.abort())
    window.page.goto(server.url)
    window.wait_until(lambda: window.connection == "offline", "the page says that it isn't live")
    before = window.state()["view"]["scale"]
    window.page.mouse.move(*window.place_of(20, 20))
    window.page.mouse.wheel(0, -240)
    window.wait_until(lambda: window.state()["view"]["scale"] > before, "it zooms")


def test_the_palette_is_reached_and_chosen_from_by_keyboard(
    server: PageServer, new_window: Callable[..., CanvasPage]
) -> None:
    window = new_window()
    window.open(server.url)
    chosen = window.state()["color"]
    for _ in range(30):  # past all buttons and the canvas
        window.page.keyboard.press("Tab")
        if window.ask("document.activeElement?.name") == "color":
            break
    window.page.keyboard.press("ArrowRight")
    window.wait_until(lambda: window.state()["color"] == chosen + 1, "the next colour is chosen")
    focused = window.ask("document.activeElement.getAttribute('aria-label')")
    assert focused
    assert not focused.startswith("#")


def test_the_wheel_zooms_around_the_pointer_and_a_drag_moves_without_painting(
    server: PageServer, new_window: Callable[..., CanvasPage]
) -> None:
    window = new_window()
    window.open(server.url)
    before = window.state()["view"]["scale"]
    place = window.place_of(20, 30)
    window.page.mouse.move(*place)
    window.page.mouse.wheel(0, -240)
    window.wait_until(lambda: window.state()["view"]["scale"] == pytest.approx(2 * before), "it has zoomed in")
    assert window.place_of(20, 30) == pytest.approx(place, abs=1.5)
    window.page.mouse.down()
    window.page.mouse.move(place[0] - 100, place[1] + 50, steps=5)
    window.page.wait_for_timeout(200)  # after a rest before the mouse lets go, the canvas doesn't glide on
    window.page.mouse.up()
    assert window.place_of(20, 30) == pytest.approx((place[0] - 100, place[1] + 50), abs=1.5)
    assert window.own_pixels() == []
    window.page.get_by_role("button", name="Show the whole canvas").click()
    assert window.state()["view"]["scale"] == pytest.approx(before)


def test_the_position_and_colour_under_the_pointer_are_told(
    server: PageServer, new_window: Callable[..., CanvasPage]
) -> None:
    window = new_window()
    window.open(server.url)
    window.page.mouse.move(*window.place_of(63, 47))
    told = window.page.locator("#position")
    window.wait_until(lambda: told.inner_text().startswith("63, 47 · "), "the page shows the position")


def test_far_zoomed_out_a_click_zooms_in_instead_of_painting(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server = new_server("--width", "1000", "--height", "1000")
    window = new_window()
    window.open(server.url)
    window.click(500, 500)
    window.wait_until(lambda: window.state()["view"]["scale"] == pytest.approx(20), "it zooms in")
    assert window.own_pixels() == []
    window.click(503, 500)  # at the same spot it would be a double click, which zooms in further
    window.wait_until(lambda: window.indexes()[500, 503] != 0, "the second click paints")
    window.wait_until_equal(server)


def test_a_finger_paints_on_a_phone(server: PageServer, new_window: Callable[..., CanvasPage]) -> None:
    palette = server.palette()
    window = new_window(**PHONE)
    window.open(server.url)
    window.page.locator("#colors input").nth(13).tap()
    window.tap(8, 9)  # too small to aim at, so the tap zooms in
    window.wait_until(lambda: window.state()["view"]["scale"] == pytest.approx(20), "it zooms in")
    assert window.own_pixels() == []
    window.tap(10, 9)  # at the same spot it would be a double tap, which zooms in further
    window.wait_until(lambda: window.indexes()[9, 10] == 13, "the second tap paints")
    window.wait_until(lambda: window.drawn(10, 9) == palette[13], "it is drawn")
    window.wait_until_equal(server)


def test_two_fingers_pinch_without_painting(server: PageServer, fresh_window: Callable[..., CanvasPage]) -> None:
    window = fresh_window(**PHONE)
    window.open(server.url)
    before = window.state()["view"]["scale"]
    touch = window.page.context.new_cdp_session(window.page)

    def fingers(kind: str, apart_px: int) -> None:
        points = [{"x": 195 - apart_px, "y": 400, "id": 0}, {"x": 195 + apart_px, "y": 400, "id": 1}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points if kind != "touchEnd" else []})

    fingers("touchStart", 40)
    for apart_px in range(50, 130, 10):
        fingers("touchMove", apart_px)
    fingers("touchEnd", 0)
    window.wait_until(
        lambda: window.state()["view"]["scale"] == pytest.approx(3 * before, rel=0.01), "it has zoomed in"
    )
    assert window.own_pixels() == []


def test_on_a_phone_nothing_hangs_out_of_the_screen(server: PageServer, new_window: Callable[..., CanvasPage]) -> None:
    window = new_window(**PHONE)
    window.open(server.url)
    server.kill()
    window.wait_until(lambda: window.connection == "offline", "the page notices")
    boxes = window.ask(
        "Array.from(document.querySelectorAll('.card, .card *'), (e) => e.getBoundingClientRect().right)"
    )
    assert max(boxes) <= 390
    assert window.ask("document.documentElement.scrollWidth") <= 390
