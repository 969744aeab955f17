"""The page behind a proxy that encodes images again: the colours are right, or the page says what is wrong."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Route

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit


def _reordered(image: Image.Image) -> Image.Image:
    """The image with its palette in reverse order, and without the last colours."""
    order = list(range(int(np.asarray(image).max()), -1, -1))
    return image.remap_palette(order)


ALTERATIONS: dict[str, Callable[[Image.Image], tuple[Image.Image, str]]] = {
    "another palette": lambda image: (_reordered(image), "PNG"),
    "RGB": lambda image: (image.convert("RGB"), "PNG"),
    "RGBA": lambda image: (image.convert("RGBA"), "PNG"),
    "lossy": lambda image: (image.convert("RGB").quantize(2), "PNG"),
    "WebP": lambda image: (image.convert("RGB"), "WEBP"),
    "smaller": lambda image: (image.resize((32, 24)), "PNG"),
}
BEYOND_USE = {"lossy", "WebP", "smaller"}


def _alter(window: CanvasPage, name: str) -> Callable[[], list[str]]:
    """Alter images; the returned function gives the list of the other requests that the page makes instead."""

    def alter(route: Route) -> None:
        answer = route.fetch()
        with Image.open(io.BytesIO(answer.body())) as image:
            altered, form = ALTERATIONS[name](image)
        file = io.BytesIO()
        altered.save(file, form)  # its text chunks are gone
        route.fulfill(response=answer, body=file.getvalue())

    window.page.route("**/canvas.png*", alter)
    return window.requests("canvas.bin")


@pytest.fixture
def server(blank_server: PageServer) -> PageServer:
    """One server for all tests."""
    return blank_server


@pytest.mark.parametrize("name", ALTERATIONS)
def test_the_canvas_is_right_however_its_image_was_altered(
    server: PageServer, fresh_window: Callable[..., CanvasPage], name: str
) -> None:
    for index in range(12):
        server.paint(4 * index, 3 * index, index)
    window = fresh_window()
    asked = _alter(window, name)
    window.open(server.url)
    window.wait_until_equal(server)
    assert window.drawn(4 * 9, 3 * 9) == server.palette()[9]
    assert bool(asked()) is (name in BEYOND_USE)
    server.paint(60, 40, 5)
    window.wait_until_equal(server)


def test_where_no_way_gives_the_canvas_the_page_says_so(
    server: PageServer, fresh_window: Callable[..., CanvasPage]
) -> None:
    server.paint(4, 3, 5)
    window = fresh_window()
    _alter(window, "WebP")

    def cut(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.body()[:-1])

    window.page.route("**/canvas.bin", cut)
    window.page.goto(server.url)
    connection = window.page.locator("#connection")
    window.wait_until(lambda: connection.inner_text() == "Altered on the way", "it says so")
    assert "makes images smaller" in str(connection.get_attribute("title"))
    window.page.unroute_all()
    window.wait_until_live()  # it has kept trying
    window.wait_until_equal(server)
