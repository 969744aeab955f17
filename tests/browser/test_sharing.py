"""Links to a place, and the canvas saved as a picture."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit

MIDDLE = (500.0, 350.0)  # of the window


@pytest.fixture
def server(blank_server: PageServer) -> PageServer:
    """One server for all tests."""
    return blank_server


def _is_in_the_middle(window: CanvasPage, x: int, y: int) -> bool:
    left, top = window.place_of(x, y)
    return abs(left - MIDDLE[0]) < 100 and abs(top - MIDDLE[1]) < 100  # of the part that the bars leave free


def test_a_link_leads_to_its_place(server: PageServer, new_window: Callable[..., CanvasPage]) -> None:
    window = new_window()
    window.open(f"{server.url}#x=40&y=30&z=24")
    window.wait_until(lambda: window.state()["view"]["scale"] == 24, "it is as large as the link says")
    assert _is_in_the_middle(window, 40, 30)


def test_another_place_in_the_address_is_gone_to(server: PageServer, new_window: Callable[..., CanvasPage]) -> None:
    window = new_window()
    window.open(f"{server.url}#x=40&y=30&z=24")
    window.ask("location.hash = '#x=5&y=6&z=32'")
    window.wait_until(lambda: window.state()["view"]["scale"] == 32, "it zooms")
    window.wait_until(lambda: _is_in_the_middle(window, 5, 6), "it moves")


def test_the_address_follows_the_view(server: PageServer, new_window: Callable[..., CanvasPage]) -> None:
    window, other = new_window(), new_window()
    window.open(server.url)
    length = window.ask("history.length")
    before = window.state()["view"]["scale"]
    window.page.mouse.move(300, 300)
    window.page.mouse.wheel(0, -300)
    window.wait_until(lambda: window.state()["view"]["scale"] > before, "it zooms")
    window.place_of(20, 20)  # once the view is at rest
    scale = window.state()["view"]["scale"]

    def is_written() -> bool:
        found = re.search(r"#x=\d+&y=\d+&z=([\d.]+)$", window.page.url)
        return found is not None and float(found[1]) == pytest.approx(scale, rel=0.01)

    window.wait_until(is_written, "the place is in the address")
    assert window.ask("history.length") == length
    other.open(window.page.url)
    other.wait_until(
        lambda: other.state()["view"]["scale"] == pytest.approx(scale, rel=0.01),
        "somebody else sees it as large",
    )
    assert other.place_of(20, 20) == pytest.approx(window.place_of(20, 20), abs=window.state()["view"]["scale"])


def test_nonsense_in_the_address_is_passed_over(server: PageServer, new_window: Callable[..., CanvasPage]) -> None:
    window, plain = new_window(), new_window()
    plain.open(server.url)
    window.open(f"{server.url}#x=foo&y=-3&z=1e9&<script>")
    assert window.state()["view"] == plain.state()["view"]


def test_the_link_is_copied(server: PageServer, new_window: Callable[..., CanvasPage]) -> None:
    window = new_window(permissions=["clipboard-read", "clipboard-write"])
    window.open(f"{server.url}#x=40&y=30&z=24")
    window.page.get_by_role("button", name="Share and save").click()
    window.page.get_by_role("button", name="Copy link").click()
    window.wait_until(lambda: "copied" in window.message, "it says so")
    copied = window.ask("navigator.clipboard.readText()")
    assert copied.startswith(server.url)
    assert re.search(r"#x=\d+&y=\d+&z=24$", copied)


def _download(page: Page, button: str, folder: Path) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    with page.expect_download() as downloading:
        page.get_by_role("button", name=button).click()
    path = folder / "canvas.png"
    downloading.value.save_as(path)
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        return np.asarray(image.convert("RGB"))


def test_the_whole_canvas_is_saved_as_a_picture(
    server: PageServer, new_window: Callable[..., CanvasPage], tmp_path: Path
) -> None:
    window = new_window()
    window.open(server.url)
    server.paint(63, 47, 5)
    window.wait_until_equal(server)
    window.page.get_by_role("button", name="Share and save").click()
    window.page.get_by_label("Size of a pixel").select_option("2")
    picture = _download(window.page, "Download the canvas", tmp_path)
    palette = np.array(server.palette(), np.uint8)
    assert np.array_equal(picture, palette[window.indexes()].repeat(2, 0).repeat(2, 1))


# Like browsers that resist fingerprinting, for pictures and for single pixels.
_POISON = """
    CanvasRenderingContext2D.prototype.getImageData = function (x, y, width, height) {
        return new ImageData(Uint8ClampedArray.from({ length: 4 * width * height }, () => Math.random() * 256), width)
    }
    HTMLCanvasElement.prototype.toBlob = function (done) {
        const noise = new ImageData(Uint8ClampedArray.from({ length: 256 }, () => Math.random() * 256), 8)
        const canvas = new OffscreenCanvas(8, 8)
        canvas.getContext('2d').putImageData(noise, 0, 0)
        canvas.convertToBlob().then(done)
    }
"""


def test_a_picture_is_exact_where_canvases_read_back_as_noise(
    server: PageServer, fresh_window: Callable[..., CanvasPage], tmp_path: Path
) -> None:
    window = fresh_window()
    window.page.add_init_script(_POISON)
    window.open(server.url)
    for i in range(16):
        server.paint(i, 2 * i, i)
    window.wait_until_equal(server)
    window.page.get_by_role("button", name="Share and save").click()
    picture = _download(window.page, "Download the canvas", tmp_path)
    assert np.array_equal(picture, np.array(server.palette(), np.uint8)[window.indexes()])


def test_an_area_is_chosen_by_dragging_and_saved(
    server: PageServer, new_window: Callable[..., CanvasPage], tmp_path: Path
) -> None:
    window = new_window()
    window.open(server.url)
    server.paint(11, 12, 5)
    window.wait_until_equal(server)
    window.page.get_by_role("button", name="Share and save").click()
    window.page.get_by_role("button", name="Choose an area").click()
    view = window.state()["view"]
    window.page.mouse.move(*window.place_of(14, 15))
    window.page.mouse.down()
    window.page.mouse.move(*window.place_of(12, 13), steps=3)
    window.page.mouse.move(*window.place_of(10, 11), steps=3)
    window.page.mouse.up()
    window.wait_until(lambda: window.page.get_by_label("width").input_value() == "5", "the area is in the fields")
    assert window.state()["view"] == view
    assert window.own_pixels() == []
    picture = _download(window.page, "Download the area", tmp_path)
    assert picture.shape == (5, 5, 3)
    assert tuple(picture[1, 1]) == server.palette()[5]


@pytest.mark.parametrize("width", ["0", "65", "-1", "1.5", ""])
def test_an_area_that_is_not_in_the_canvas_is_refused(
    server: PageServer, new_window: Callable[..., CanvasPage], width: str
) -> None:
    window = new_window()
    window.open(server.url)
    window.page.get_by_role("button", name="Share and save").click()
    for name, value in (("x", "0"), ("y", "0"), ("width", width), ("height", "1")):
        window.page.get_by_label(name, exact=True).fill(value)
    window.page.get_by_role("button", name="Download the area").click()
    window.wait_until(lambda: "64 x 48" in window.message, "it says what is allowed")
