"""How the page shows the canvas, in a real browser: crisp at any ratio, and right after every change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser.lab import RGB, WINDOW, Lab, flick

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit


@pytest.mark.parametrize("ratio", [1, 1.25, 1.5, 2, 3])
def test_pixels_are_crisp_at_any_device_pixel_ratio_and_zoom(new_lab: Callable[..., Lab], ratio: float) -> None:
    lab = new_lab(device_scale_factor=ratio)
    assert lab.ask("lab.element.width") == WINDOW["width"] * ratio
    for scale in (1, 2, 3.7, 7.25, 21, 64):
        lab.ask(f"lab.screen.lookAt(45, 35, {scale})")
        lab.assert_right()
    lab.ask("lab.screen.pan(-13.3, 7.7)")
    lab.assert_right()


def test_edits_are_drawn_where_they_are_and_nothing_else_changes(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(1100, 600, device_scale_factor=1.5)
    for scale, x, y in ((1, 512, 300), (5.3, 512, 512), (1, 1099, 0)):
        lab.ask(f"lab.screen.lookAt({x}, {y}, {scale})")
        lab.assert_right()
        for color in range(4):
            near = [(min(1099, max(0, x + d)), min(599, max(0, y - d)), (color + d) % 8) for d in range(-40, 40, 3)]
            lab.edit(*near)
            lab.wait_until_right()
    lab.ask("lab.screen.lookAt(20, 20, 2)")
    lab.edit(*((x, 30, 1) for x in range(1100)))
    lab.ask("lab.screen.lookAt(700, 30, 2)")
    lab.assert_right()


def test_a_canvas_zoomed_out_is_smooth_and_follows_edits(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    lab.put_together(np.indices((1500, 1500)).sum(axis=0).astype(np.uint8) % 2)  # a chessboard of single pixels
    lab.ask("lab.screen.fit()")
    for _ in range(3):
        lab.two_frames()
        middle = lab.shot()[150:350, 250:450].astype(int)
        assert (abs(middle - 127.5) < 3).all(), "a chessboard of black and white looks grey everywhere"
        lab.ask("lab.screen.pan(0.7, 0.7)")
    lab.edit(*((x, y, 2) for x in range(700, 800) for y in range(700, 800)))
    lab.wait_until(lambda: (abs(lab.shot()[245:255, 345:355].astype(int) - RGB[2]) < 3).all(), "the edits are seen")


def test_the_view_is_right_after_the_window_is_resized(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    lab.ask("lab.screen.lookAt(40, 30, 9)")
    lab.assert_right()
    for size in ({"width": 431, "height": 777}, {"width": 1001, "height": 303}):
        lab.page.set_viewport_size(size)  # type: ignore[arg-type] # a TypedDict
        lab.wait_until(lambda size=size: lab.ask("lab.element.width") == size["width"], "the canvas follows")  # type: ignore[misc]
        lab.assert_right()
        scale, left, top = lab.view()
        assert (left + size["width"] / 2 / scale, top + size["height"] / 2 / scale) == pytest.approx(
            (40.5, 30.5), abs=0.2
        )


def test_the_canvas_follows_a_changed_device_pixel_ratio(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    lab.ask("lab.screen.lookAt(40, 30, 9)")
    before = lab.view()
    link = lab.page.context.new_cdp_session(lab.page)
    for ratio in (2, 1.25):
        metrics = {**WINDOW, "deviceScaleFactor": ratio, "mobile": False}
        link.send("Emulation.setDeviceMetricsOverride", metrics)
        lab.edit((40, 30, 3 if ratio == 2 else 4))  # an emulated ratio sends no event: the next draw sees it
        lab.wait_until(lambda ratio=ratio: lab.ask("lab.element.width") == 700 * ratio, "it is noticed")  # type: ignore[misc]
        assert lab.ask("lab.element.height") == 500 * ratio
        assert lab.view() == before


def test_the_grid_is_seen_where_pixels_are_large_and_only_there(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(device_scale_factor=2)
    lab.ask("lab.grid.enabled = true")
    lab.ask("lab.screen.lookAt(45, 35, 7.9)")
    lab.assert_right()
    lab.ask("lab.screen.lookAt(45, 35, 16)")
    lab.two_frames()
    differs = (lab.shot() != lab.expected()).any(axis=2)
    _scale, left, top = lab.view()
    columns = (np.arange(differs.shape[1]) + round(left * 32)) % 32 == 0
    rows = (np.arange(differs.shape[0]) + round(top * 32)) % 32 == 0
    assert not differs[~rows][:, ~columns].any(), "beside the lines all is as it was"
    for lines in (differs[rows][:, columns.argmax() :], differs[:, columns].T[:, rows.argmax() :]):
        sides = lines[:, : lines.shape[1] // 32 * 32].reshape(-1, 32)  # each side is one pixel, whatever its colour
        assert sides.any(axis=1).all(), "every pixel has its lines"
    lab.ask("lab.grid.enabled = false, lab.screen.invalidate()")
    lab.assert_right()


def test_pixels_that_change_glow_for_a_moment(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    lab.ask("lab.screen.lookAt(45, 35, 10)")
    lab.assert_right()
    lab.stop_the_clock()
    lab.ask("lab.glow.enabled = true, lab.glow.add(Uint16Array.from([45, 35, 0])), lab.screen.invalidate()")
    lab.pass_ms(500)
    assert (lab.shot() != lab.expected()).any()
    lab.pass_ms(800)
    lab.wait_until_right()  # it disappears by itself


def test_nothing_glows_or_slides_where_less_motion_is_asked_for(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(reduced_motion="reduce", has_touch=True)
    lab.ask("lab.screen.lookAt(45, 35, 10)")
    lab.ask("lab.glow.enabled = true, lab.glow.add(Uint16Array.from([45, 35, 0])), lab.screen.invalidate()")
    lab.assert_right()
    lab.ask("lab.screen.lookAt(20, 20, 30, true)")
    assert lab.view()[0] == 30
    flick(lab)
    before = lab.view()
    lab.two_frames()
    assert lab.view() == before


def test_looking_at_a_pixel_smoothly_ends_exactly_there(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    before = lab.view()[0]
    lab.stop_the_clock()
    lab.ask("lab.screen.lookAt(70, 60, 25, true)")
    lab.pass_ms(100)
    assert before < lab.view()[0] < 25, "it is on its way"
    lab.pass_ms(400)
    scale, left, top = lab.view()
    assert scale == pytest.approx(25)
    assert (left + 350 / scale, top + 250 / scale) == pytest.approx((70.5, 60.5))
    lab.wait_until_right()
