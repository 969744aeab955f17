"""How gestures of all kinds move the canvas, in a real browser."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.browser.lab import FLICKED_PX, Fingers, Lab, flick

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit


def test_a_flicked_canvas_slides_on_and_comes_to_rest(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(has_touch=True)
    lab.ask("lab.screen.lookAt(20, 35, 30)")
    dragged = lab.view()[1] + FLICKED_PX / 30
    flick(lab)
    lab.wait_until(lambda: lab.view()[1] > dragged + 0.5, "it slides on")

    def rests() -> bool:
        before = lab.view()
        lab.page.wait_for_timeout(100)
        return lab.view() == before

    lab.wait_until(rests, "it comes to rest")
    lab.assert_right()


def test_a_touch_stops_a_sliding_canvas(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(has_touch=True)
    lab.ask("lab.screen.lookAt(45, 35, 60)")
    lab.ask("lab.screen.fling(-3, 1)")
    lab.two_frames()
    Fingers(lab)("Start", (300, 200))
    stopped = lab.view()
    lab.two_frames()
    assert lab.view() == stopped


def test_a_trackpads_pinch_and_scroll_zoom_around_the_pointer(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    link = lab.page.context.new_cdp_session(lab.page)
    for modifiers, delta, factor in ((2, -23, 2 ** (1 / 3)), (0, -24, 2**0.1), (0, 48, 2**-0.2), (0, -240, 2)):
        lab.ask("lab.screen.lookAt(45, 35, 10)")
        scale, left, top = lab.view()
        under = left + 200 / scale, top + 100 / scale
        wheel = {"type": "mouseWheel", "x": 200, "y": 100, "deltaX": 0, "deltaY": delta, "modifiers": modifiers}
        link.send("Input.dispatchMouseEvent", wheel)
        lab.wait_until(lambda want=scale * factor: lab.view()[0] == pytest.approx(want), "it has zoomed")  # type: ignore[misc]
        scale, left, top = lab.view()
        assert (left + 200 / scale, top + 100 / scale) == pytest.approx(under)


def test_two_fingers_pinch_and_the_one_that_is_left_pans(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(has_touch=True)
    lab.ask("lab.screen.lookAt(45, 35, 10)")
    fingers = Fingers(lab)
    fingers("Start", (300, 250), (400, 250))
    fingers("Move", (250, 250), (450, 250))
    lab.wait_until(lambda: lab.view()[0] == pytest.approx(20), "it has zoomed in")
    fingers("End", (450, 250), first=1)
    _scale, left, top = lab.view()
    fingers("Move", (270, 240))
    lab.wait_until(lambda: lab.view()[1:] == pytest.approx((left - 1, top + 0.5)), "it has moved")
    fingers("End")
    assert lab.seen() == []


def test_a_second_tap_is_a_double_tap_only_where_the_first_one_painted_nothing(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(has_touch=True)
    lab.stop_the_clock()  # so that little time passes, even if this machine is slow
    for _ in range(2):
        lab.page.touchscreen.tap(300, 200)
    assert [what for what, *_ in lab.seen()] == ["tap", "tap"]
    lab.ask("lab.seen.length = 0, lab.paints = false")
    for _ in range(3):
        lab.page.touchscreen.tap(300, 200)
    lab.page.touchscreen.tap(400, 300)
    assert lab.seen() == [["tap", 300, 200], ["doubleTap", 300, 200], ["tap", 300, 200], ["tap", 400, 300]]


def test_a_finger_that_stays_picks_and_doesnt_tap(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(has_touch=True)
    fingers = Fingers(lab)
    fingers("Start", (300, 200))
    lab.wait_until(lab.seen, "it picks")
    fingers("Move", (350, 250))
    fingers("End")
    assert lab.seen() == [["pick", 300, 200]]


def test_the_middle_button_and_alt_click_pick(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    lab.page.mouse.click(300, 200, button="middle")
    lab.page.keyboard.down("Alt")
    lab.page.mouse.click(310, 200)
    lab.page.keyboard.up("Alt")
    lab.page.mouse.click(320, 200)
    assert lab.seen() == [["pick", 300, 200], ["pick", 310, 200], ["tap", 320, 200]]


def test_a_drag_while_drawing_draws_a_line_without_a_gap(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    lab.ask("lab.drawing = true")
    before = lab.view()
    lab.page.mouse.move(100, 100)
    lab.page.mouse.down()
    for place in ((500, 180), (120, 400), (130, 100)):
        lab.page.mouse.move(*place, steps=3)
    lab.page.mouse.up()
    seen = lab.seen()
    assert seen[0] == ["start", 100, 100]
    assert seen[-1] == ["end", 130, 100]
    assert {what for what, *_ in seen[1:-1]} == {"move"}
    assert lab.view() == before
    drawn = lab.ask("""lab.seen.slice(1).flatMap(([, x, y], i) => {
        const [, px, py] = lab.seen[i]
        return lab.line({ x: px, y: py }, { x, y })
    })""")
    steps = [max(abs(a["x"] - b["x"]), abs(a["y"] - b["y"])) for a, b in itertools.pairwise(drawn)]
    assert max(steps) == 1


def test_shift_draws_with_the_mouse_and_a_press_alone_is_a_tap(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    lab.page.keyboard.down("Shift")
    lab.page.mouse.click(100, 100)
    lab.page.mouse.move(200, 200)
    lab.page.mouse.down()
    lab.page.mouse.move(260, 200)
    lab.page.mouse.up()
    assert [what for what, *_ in lab.seen()] == ["tap", "start", "move", "end"]


def test_two_fingers_pinch_even_while_drawing(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(has_touch=True)
    lab.ask("lab.drawing = true, lab.screen.lookAt(45, 35, 10)")
    fingers = Fingers(lab)
    fingers("Start", (300, 250))
    fingers("Move", (300, 280))
    fingers("Start", (300, 280), (400, 280))
    fingers("Move", (250, 280), (450, 280))
    fingers("End")
    assert [what for what, *_ in lab.seen()] == ["start", "move", "end"]
    assert lab.view()[0] == pytest.approx(20)


def test_what_is_claimed_is_dragged_instead_of_the_canvas(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    lab.ask("lab.claims = true")
    before = lab.view()
    lab.page.mouse.move(100, 100)
    lab.page.mouse.down()
    lab.page.mouse.move(130, 90)
    lab.page.mouse.move(140, 95)
    lab.page.mouse.up()
    assert lab.seen() == [["moved", 30, -10], ["moved", 10, 5], ["let go", 0, 0]]
    assert lab.view() == before
