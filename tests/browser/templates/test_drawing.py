"""Templates in a real browser: drawn, placed, moved, and counted as edits arrive."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.browser.templates.panel import BLUE, OPAQUE, RED, SIDE, TO_DO, WHITE, payload, png
from tests.browser.test_page import PHONE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.browser.templates.panel import Panel
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit


@pytest.fixture
def server(blank_server: PageServer) -> PageServer:
    """One server for all tests."""
    return blank_server


def _middle_of_what_is_free(panel: Panel) -> tuple[float, float]:
    """The middle of the free part, between the palette and the panel, below the top bars, in a window 700 px high."""
    boxes = {name: panel.window.page.locator(f"#{name}").bounding_box() for name in ("paints", "panel", "top")}
    paints, card, top = (box for box in boxes.values() if box is not None)
    return (paints["x"] + paints["width"] + card["x"]) / 2, (top["y"] + top["height"] + 700) / 2


def test_a_file_is_drawn_over_the_canvas_in_its_colours(
    server: PageServer, new_panel: Callable[..., Panel], red: bytes
) -> None:
    color = server.palette()[RED]
    panel = new_panel()
    panel.add(payload(red))
    x, y = panel.place
    view = panel.window.state()["view"]
    middle = _middle_of_what_is_free(panel)
    assert x == pytest.approx(view["left"] + middle[0] / view["scale"] - SIDE / 2, abs=1)
    assert y == pytest.approx(view["top"] + middle[1] / view["scale"] - SIDE / 2, abs=1)
    panel.wait_for_count(0, TO_DO)
    panel.set(opacity=OPAQUE)
    panel.wait_until_drawn(x + 1, y, color)
    panel.wait_until_drawn(x + SIDE - 1, y + SIDE - 1, color)
    panel.wait_until_drawn(x, y, server.palette()[WHITE])  # transparent
    panel.wait_until_drawn(x + SIDE, y, server.palette()[WHITE])  # beside the template
    panel.set(opacity="40")
    r, g, b = (round(0.4 * c + 0.6 * 255) for c in color)
    panel.wait_until_drawn(x + 1, y, (r, g, b))
    panel.press("Hide")
    panel.wait_until_drawn(x + 1, y, server.palette()[WHITE])


def test_numbers_move_and_size_it_and_wrong_ones_are_refused(
    server: PageServer, new_panel: Callable[..., Panel], red: bytes
) -> None:
    color = server.palette()[RED]
    panel = new_panel()
    panel.add(payload(red))
    panel.set(x="3", y="-2", opacity=OPAQUE)
    panel.wait_for_count(0, SIDE * (SIDE - 2))  # two rows hang out of the canvas
    panel.wait_until_drawn(3, 0, color)
    panel.wait_until_drawn(2, 0, server.palette()[WHITE])
    panel.set(width="16")
    panel.wait_for_count(0, 16 * 14)  # the transparent pixel is out of the canvas
    panel.wait_until_drawn(18, 13, color)
    for name, value in ("x", "4097"), ("width", "0"), ("y", "1.5"), ("x", ""):
        panel.window.page.evaluate("document.getElementById('message').textContent = ''")
        panel.set(**{name: value})
        panel.wait_for_message(f"{name}=")
        assert "Allowed" in panel.window.message
        panel.field("Style").focus()
    panel.window.wait_until(lambda: panel.place == (3, -2) and panel.value("Width") == "16", "the fields are set back")


def test_an_enlarged_image_gets_its_own_pixels_back(server: PageServer, new_panel: Callable[..., Panel]) -> None:
    palette = server.palette()
    panel = new_panel()
    panel.add(payload(png(palette[1:], times=6)))
    panel.set(width=str(SIDE), x="10", y="10", opacity=OPAQUE)
    panel.wait_for_count(0, TO_DO)
    for x in 1, 5:
        panel.wait_until_drawn(10 + x, 10, palette[1 + x])


def test_dots_leave_the_pixels_edges_to_the_canvas(
    server: PageServer, new_panel: Callable[..., Panel], red: bytes
) -> None:
    palette = server.palette()
    panel = new_panel()
    panel.add(payload(red))
    panel.set(opacity=OPAQUE, style="dots")
    x, y = panel.place
    scale = panel.window.state()["view"]["scale"]
    panel.wait_until_drawn(x + 3, y + 3, palette[RED])
    for part in (0.3, 0.4):
        assert panel.window.drawn(x + 3, y + 3, beside_px=part * scale) == palette[WHITE]


def test_only_what_differs_veils_what_is_right_as_edits_arrive(
    server: PageServer, new_panel: Callable[..., Panel], red: bytes
) -> None:
    palette = server.palette()
    panel = new_panel()
    panel.add(payload(red))
    panel.set(opacity=OPAQUE, style="differs")
    x, y = panel.place
    panel.wait_until_drawn(x + 3, y + 3, palette[RED])
    server.paint(x + 3, y + 3, RED)
    panel.wait_until_drawn(x + 3, y + 3, (128, 128, 128))
    panel.wait_until_drawn(x + 4, y + 3, palette[RED])
    server.paint(x + 3, y + 3, BLUE)
    panel.wait_until_drawn(x + 3, y + 3, palette[RED])


def test_the_counts_follow_the_edits(server: PageServer, new_panel: Callable[..., Panel], red: bytes) -> None:
    panel = new_panel()
    panel.add(payload(red))
    x, y = panel.place
    for color, right in (RED, 1), (RED, 1), (BLUE, 0), (RED, 1):
        server.paint(x + 2, y + 2, color)
        panel.wait_for_count(right, TO_DO - right)
    server.paint(x, y, RED)  # transparent
    server.paint(x + SIDE, y, RED)  # beside the template
    server.paint(x + SIDE - 1, y, RED)
    panel.wait_for_count(2, TO_DO - 2)


def test_each_jump_leads_to_another_wrong_pixel(
    server: PageServer, new_panel: Callable[..., Panel], red: bytes
) -> None:
    panel = new_panel()
    panel.add(payload(red))
    x, y = panel.place
    left = {(x + 2, y + 3), (x + 7, y + 7)}
    for i in range(1, SIDE * SIDE):
        if (x + i % SIDE, y + i // SIDE) not in left:
            server.paint(x + i % SIDE, y + i // SIDE, RED)
    panel.wait_for_count(TO_DO - 2, 2)
    seen: list[tuple[int, int]] = []

    def another_is_outlined() -> bool:
        seen.extend(pixel for pixel in left.difference(seen) if outlined(panel, *pixel))
        return bool(seen)

    panel.press("Next to do")
    panel.window.wait_until(another_is_outlined, "one is outlined")
    assert panel.window.state()["view"]["scale"] >= 16
    panel.press("Next to do")
    panel.window.wait_until(lambda: another_is_outlined() and len(seen) == 2, "the other one is outlined")
    assert not outlined(panel, *seen[0])
    for pixel in seen:
        server.paint(*pixel, RED)
    panel.window.wait_until(
        lambda: panel.rows.get_by_role("button", name="Next to do").is_disabled(), "nothing is left to do"
    )


def outlined(panel: Panel, x: int, y: int) -> bool:
    """Whether a pixel in the middle part of the window has the jump's outline: black around white."""
    at_x, at_y = panel.window.place_of(x, y)
    half = panel.window.state()["view"]["scale"] / 2
    if not (100 < at_x < 900 and 100 < at_y < 600):
        return False
    return panel.window.drawn(x, y, beside_px=half + 3) == (0, 0, 0)


def test_a_mouse_drags_it_instead_of_the_canvas(new_panel: Callable[..., Panel], red: bytes) -> None:
    panel = new_panel()
    panel.add(payload(red))
    panel.press("Drag the template")
    x, y = panel.place
    view = panel.window.state()["view"]
    mouse = panel.window.page.mouse
    mouse.move(*panel.window.place_of(x + 2, y + 2))
    mouse.down()
    mouse.move(*panel.window.place_of(x - 9, y + 8), steps=7)
    mouse.up()
    panel.window.wait_until(lambda: panel.place == (x - 11, y + 6), "it lies where it was dragged to")
    assert panel.window.state()["view"] == view
    panel.wait_for_count(0, TO_DO)
    mouse.move(*panel.window.place_of(5, 40))  # a drag beside the template moves the canvas
    mouse.down()
    mouse.move(*panel.window.place_of(9, 36), steps=5)
    mouse.up()
    assert panel.window.state()["view"] != view
    assert panel.place == (x - 11, y + 6)


def test_on_a_phone_a_finger_drags_it_and_nothing_hangs_out(new_panel: Callable[..., Panel], red: bytes) -> None:
    panel = new_panel(**PHONE)
    panel.add(payload(red))
    panel.press("Go there")
    panel.press("Drag the template")
    x, y = panel.place
    touch = panel.window.page.context.new_cdp_session(panel.window.page)
    start, end = panel.window.place_of(x + 2, y + 2), panel.window.place_of(x + 5, y + 1)
    for kind, part in ("Start", 0), ("Move", 0.3), ("Move", 0.7), ("Move", 1), ("End", 1):
        at = {"x": start[0] + part * (end[0] - start[0]), "y": start[1] + part * (end[1] - start[1])}
        points = [] if kind == "End" else [at]
        touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    panel.window.wait_until(lambda: panel.place == (x + 3, y - 1), "it lies where it was dragged to")
    edges = panel.window.ask(
        "Array.from(document.querySelectorAll('.templates, .templates *'), (e) => e.getBoundingClientRect().right)"
    )
    assert max(edges) <= 390


def test_another_palette_and_size_get_the_template_converted_anew(
    new_server: Callable[..., PageServer], new_panel: Callable[..., Panel], tmp_path: Path
) -> None:
    server = new_server()
    panel = new_panel(url=server.url, complains=True)  # while the server is away
    panel.add(payload(png([server.palette()[RED]])))
    panel.set(opacity=OPAQUE)
    server.kill()
    server.forget()
    palette = tmp_path / "palette.json"
    palette.write_text(json.dumps(["#102030", "#ff2010", "#ffffff"]))
    server.start("--palette", str(palette), "--width", "40", "--height", "30")
    panel.window.wait_until(lambda: panel.window.state()["width"] == 40, "the page has the other canvas")
    panel.set(x="38", y="20")
    panel.wait_for_count(0, 2 * SIDE - 1)
    panel.wait_until_drawn(39, 20, (255, 32, 16))
    server.paint(39, 20, 1)
    panel.wait_for_count(1, 2 * SIDE - 2)
