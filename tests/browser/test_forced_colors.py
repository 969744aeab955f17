"""Forced colours, as in Windows' contrast themes: elements that differ in state differ in the picture.

There the system removes backgrounds, shadows and colours. Only a picture shows the result.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.browser.templates.panel import payload, png

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit

_SEEN = 60  # of 255: a person who needs such a theme wouldn't see a smaller difference
_LEAST_PX = 20  # pixels of the picture that have to differ
# The page's own updates go to elements that aren't shown any more, so that the states stay as they are set.
_OURS = """(() => {
    const told = document.querySelectorAll('#connection, #cooldown, #message')
    for (const one of told) one.replaceWith(one.cloneNode(true))
})()"""
_STATES = "live", "connecting", "catching-up", "read-only", "offline"


@pytest.fixture(params=["light", "dark"])
def window(
    page_server: PageServer, new_window: Callable[..., CanvasPage], request: pytest.FixtureRequest
) -> CanvasPage:
    """A window in forced colours, light and dark."""
    window = new_window(forced_colors="active", color_scheme=request.param, reduced_motion="reduce")
    window.open(page_server.url)
    assert window.ask("matchMedia('(forced-colors: active)').matches")
    window.ask(_OURS)
    return window


def _picture(window: CanvasPage, selector: str, *, around_px: int = 6) -> NDArray[np.int16]:
    """A picture of an element and the area just around it: RGB, shape (height, width, 3)."""
    window.wait_for_looks()
    box = window.page.locator(selector).first.bounding_box()
    assert box is not None
    clip = {
        "x": round(box["x"]) - around_px,
        "y": round(box["y"]) - around_px,
        "width": round(box["width"]) + 2 * around_px,
        "height": round(box["height"]) + 2 * around_px,
    }
    with Image.open(io.BytesIO(window.page.screenshot(clip=clip))) as image:  # type: ignore[arg-type] # a TypedDict
        return np.asarray(image.convert("RGB")).astype(np.int16)


def _differing(one: NDArray[np.int16], other: NDArray[np.int16]) -> int:
    height, width = np.minimum(one.shape[:2], other.shape[:2])  # bold text is wider
    return int((abs(one[:height, :width] - other[:height, :width]).max(axis=2) >= _SEEN).sum())


def test_whether_the_pencil_is_on_is_seen(window: CanvasPage) -> None:
    off = _picture(window, "#draw")
    window.page.keyboard.press("d")
    window.wait_until(lambda: window.page.locator("#draw[aria-pressed=true]").count(), "it is on")
    assert _differing(off, _picture(window, "#draw")) > 100


def test_which_panel_is_open_is_seen(window: CanvasPage) -> None:
    for panel in ("templates", "share", "settings", "help"):
        closed = _picture(window, f"#{panel}")
        window.page.locator(f"#{panel}").click()
        window.page.mouse.move(640, 500)  # move away: a hovered button looks different anyway
        window.page.locator(f"#{panel}[aria-expanded=true]").wait_for()
        window.wait_until(window.page.locator("#panel-body > *").first.is_visible, f"{panel} is open")
        assert _differing(closed, _picture(window, f"#{panel}")) > 100, panel


def test_each_state_of_the_connection_has_a_dot_of_its_own(window: CanvasPage) -> None:
    pictures = {}
    for state in _STATES:
        # The word is the same in all states, so this compares only the dots.
        window.ask(
            f"Object.assign(document.getElementById('connection'), {{ textContent: 'x' }}).dataset.state = '{state}'"
        )
        pictures[state] = _picture(window, "#connection", around_px=2)
    for state, other in (
        ("live", "connecting"),
        ("live", "offline"),
        ("offline", "read-only"),
        ("connecting", "offline"),
    ):
        assert _differing(pictures[state], pictures[other]) >= _LEAST_PX, f"{state} and {other}"


def test_how_many_charges_are_ready_is_seen(window: CanvasPage) -> None:
    window.ask("document.getElementById('cooldown').hidden = false")
    pictures = []
    for part in (0, 0.5, 1):
        window.ask("document.getElementById('meter').style.setProperty('--part', '%s')" % part)  # noqa: UP031
        pictures.append(_picture(window, "#meter"))
    none, half, full = pictures
    width = half.shape[1]
    assert _differing(none, half) > width
    assert _differing(half, full) > width
    assert _differing(none[:, width // 2 + 4 :], half[:, width // 2 + 4 :]) == 0


def test_that_no_charge_is_ready_is_seen(window: CanvasPage) -> None:
    window.ask("document.getElementById('cooldown').hidden = false")
    some = _picture(window, "#charges")
    window.ask("document.getElementById('cooldown').dataset.empty = 'true'")
    assert _differing(some, _picture(window, "#charges")) >= _LEAST_PX


def test_the_chosen_colour_and_the_focused_one_are_seen(window: CanvasPage) -> None:
    swatch = "#colors input:nth-child(9)"
    plain = _picture(window, swatch)
    window.page.locator(swatch).evaluate("(one) => { one.checked = true }")
    chosen = _picture(window, swatch)
    assert _differing(plain, chosen) > 100
    window.page.locator(swatch).focus()
    window.page.keyboard.press("ArrowRight")
    window.page.keyboard.press("ArrowLeft")
    assert _differing(chosen, _picture(window, swatch)) > 100


@pytest.mark.parametrize("selector", ["#fit", "#canvas", "#draw"])
def test_focus_is_seen(window: CanvasPage, selector: str) -> None:
    around = -2 if selector == "#canvas" else 6
    plain = _picture(window, selector, around_px=around)
    window.page.keyboard.press("Tab")  # so that the browser shows the focus
    window.page.locator(selector).focus()
    assert _differing(plain, _picture(window, selector, around_px=around)) > 100


def test_how_far_a_template_is_is_seen_and_whether_it_is_hidden(window: CanvasPage) -> None:
    window.page.locator("#templates").click()
    file = payload(png([(229, 0, 0)], size=(4, 4)))
    window.page.locator(".templates input[type=file]").set_input_files([file])
    bar = window.page.locator(".templates progress")
    window.wait_until(bar.is_visible, "there is a template")
    window.page.mouse.move(640, 500)
    bar.evaluate("(one) => one.replaceWith(one.cloneNode())")  # the page sets the original's value whenever it draws
    pictures = []
    for part in (0, 0.5, 1):
        bar.evaluate("(one, part) => { one.value = part * one.max }", part)
        pictures.append(_picture(window, ".templates progress", around_px=2))
    none, half, full = pictures
    assert _differing(none, half) > half.shape[1]
    assert _differing(half, full) > half.shape[1]
    hide = ".templates p button:nth-of-type(4)"
    assert window.page.locator(hide).inner_text() == "Hide"
    shown = _picture(window, hide)
    window.page.locator(hide).click()
    window.page.mouse.move(640, 500)
    window.wait_until(lambda: window.page.locator(f"{hide}[aria-pressed=true]").count(), "it is hidden")
    assert _differing(shown, _picture(window, hide)) > 100


def test_trouble_looks_different_from_news(window: CanvasPage) -> None:
    pictures = []
    for kind in ("news", "trouble"):
        window.ask(
            "Object.assign(document.getElementById('message'), { textContent: 'x', className: 'shown' }).dataset.kind ="
            f" '{kind}'"
        )
        pictures.append(_picture(window, "#message", around_px=12)[:40, :40])
    assert _differing(*pictures) >= _LEAST_PX


def test_a_button_that_does_nothing_now_looks_so(window: CanvasPage) -> None:
    off = _picture(window, "#undo")
    window.ask("document.getElementById('undo').removeAttribute('disabled')")
    assert _differing(off, _picture(window, "#undo")) >= _LEAST_PX


def test_a_setting_that_is_on_is_seen(window: CanvasPage) -> None:
    window.page.locator("#settings").click()
    box = "#panel-body [type=checkbox]"
    window.wait_until(window.page.locator(box).first.is_visible, "the settings are open")
    window.page.mouse.move(640, 500)
    on = _picture(window, box, around_px=2)
    window.page.locator(box).first.evaluate("(one) => { one.checked = false }")
    assert _differing(on, _picture(window, box, around_px=2)) >= _LEAST_PX
