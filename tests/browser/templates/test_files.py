"""The files of templates in a real browser: which are decoded, how, and which aren't."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.browser.templates.image_server import ImageServer
from tests.browser.templates.panel import OPAQUE, payload
from tests.client.png_files import chunk

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Route

    from tests.browser.templates.panel import Panel
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit

ORIENTATION = 0x0112
_HAND_OVER = """([way, base64, name, type]) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
    const data = new DataTransfer()
    data.items.add(new File([bytes], name, { type }))
    const event = way === 'paste'
        ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true })
        : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })
    document.body.dispatchEvent(event)
}"""
# Ten uses of ten uses, nine times: a billion rectangles in 1.2 KB.
_NESTED = "".join(
    f'<g id="g{level}">' + f'<use href="#g{level - 1}" x="{level}"/>' * 10 + "</g>" for level in range(1, 10)
)
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">'
    f'<defs><g id="g0"><rect width="9" height="9" fill="red" opacity=".5"/></g>{_NESTED}</defs><use href="#g9"/></svg>'
).encode()
_IHDR = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
BOMB = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", _IHDR)
    + chunk(b"IDAT", zlib.compress(bytes(30_000 * 3_751), 9))
    + chunk(b"IEND", b"")
)
REFUSED = {
    "nested.svg": (SVG, "image/svg+xml", "cannot use that image"),
    "nested.png": (SVG, "image/png", "cannot use that image"),
    "bomb.png": (BOMB, "image/png", "30000 x 30000 is not possible"),
}


@pytest.fixture(scope="module")
def server(shared_server: PageServer) -> PageServer:
    """One server for all tests: a start takes as long as a test."""
    return shared_server


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("way", ["file", "paste", "drop", "address", "link"])
def test_what_would_freeze_the_page_is_refused_before_it_is_decoded(
    server: PageServer, new_panel: Callable[..., Panel], name: str, way: str
) -> None:
    body, kind, told = REFUSED[name]
    with ImageServer({f"/open/{name}": body}) as images:
        address = f"{images.url}/open/{name}"
        panel = new_panel(url=f"{server.url}#t={quote(address, safe='')},1,1" if way == "link" else "")
        if way == "file":
            panel.element.locator("input[type=file]").set_input_files({"name": name, "mimeType": kind, "buffer": body})
        elif way == "address":
            panel.add_address(address)
        elif way != "link":
            panel.window.page.evaluate(_HAND_OVER, [way, base64.b64encode(body).decode(), name, kind])
        panel.wait_for_message(told)
        assert panel.rows.count() == 0
    color = int(server.canvas(server.canvas_version()).indexes[40, 60]) % 15 + 1
    server.paint(60, 40, color)  # another colour than the test before: the page still works
    panel.window.wait_until(lambda: panel.window.indexes()[40, 60] == color, "it goes on")


def _turned(format: str, turn: int, colors: list[tuple[int, int, int]]) -> tuple[bytes, Image.Image]:  # noqa: A002
    """A file of 16 x 8 pixels with a different colour in each quarter, and the picture when upright."""
    quarters = np.array(colors, np.uint8).reshape(2, 2, 3).repeat(4, 0).repeat(8, 1)
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    file = io.BytesIO()  # each format uses the options that it knows
    Image.fromarray(quarters).save(file, format, exif=exif.tobytes(), lossless=True, quality=95, subsampling=0)
    with Image.open(io.BytesIO(file.getvalue())) as image:
        return file.getvalue(), ImageOps.exif_transpose(image).convert("RGB")


@pytest.mark.parametrize("format", ["WEBP", "JPEG", "PNG"])
def test_a_turned_image_stands_as_in_placed_paint(
    server: PageServer,
    new_panel: Callable[..., Panel],
    format: str,  # noqa: A002 # Pillow's name
) -> None:
    palette = server.palette()
    colors = [palette[index] for index in (3, 5, 8, 13)]
    panel = new_panel()
    for turn in range(1, 9):
        file, upright = _turned(format, turn, colors)
        panel.element.locator("input[type=file]").set_input_files(payload(file))
        panel.wait_for_rows(1)
        panel.set(x="20", y="20", opacity=OPAQUE)
        corners = [(x, y) for x in (1, upright.width - 2) for y in (1, upright.height - 2)]
        distances = [np.abs(np.array(palette) - np.asarray(upright, np.int16)[y, x]).sum(axis=1) for x, y in corners]
        panel.wait_until_all_drawn(
            20, 20, dict(zip(corners, (palette[int(d.argmin())] for d in distances), strict=True))
        )
        total = upright.width * upright.height
        assert panel.count == f"0 right, {total} to do"
        panel.press("Remove")
        panel.wait_for_rows(0)


# Like Firefox with privacy.resistFingerprinting.
_POISON = """
    for (const one of [self.CanvasRenderingContext2D, self.OffscreenCanvasRenderingContext2D]) {
        if (!one) continue
        const { getImageData } = one.prototype
        one.prototype.getImageData = function (...area) {
            const image = getImageData.apply(this, area)
            image.data.forEach((_, i, bytes) => bytes[i] = Math.random() * 256)
            return image
        }
    }
"""


def _poison(panel: Panel) -> None:
    def poisoned(route: Route) -> None:
        script = route.fetch()
        route.fulfill(response=script, body=script.text() + _POISON)

    panel.window.page.context.route("**/templates/decoding.js", poisoned)


@pytest.mark.parametrize("format", ["WEBP", "JPEG", "GIF", "BMP"])
def test_where_canvases_read_back_as_noise_it_is_said_and_nothing_is_shown(
    new_panel: Callable[..., Panel],
    red: bytes,
    format: str,  # noqa: A002 # Pillow's name
) -> None:
    panel = new_panel(complains=True, own=True)
    _poison(panel)
    file = io.BytesIO()
    with Image.open(io.BytesIO(red)) as image:
        image.convert("RGB").save(file, format)
    panel.element.locator("input[type=file]").set_input_files(payload(file.getvalue()))
    panel.wait_for_message("To prevent fingerprinting")
    panel.wait_for_rows(0)


def test_where_canvases_read_back_as_noise_a_png_is_right(new_panel: Callable[..., Panel], server: PageServer) -> None:
    panel = new_panel(own=True)
    _poison(panel)
    colors = server.palette()
    pixels = np.array([colors[i] for i in np.arange(64) % 16], np.uint8).reshape(8, 8, 3)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    panel.add(payload(file.getvalue()))
    panel.set(x="3", y="4")
    panel.wait_for_count(4, 60)  # the blank pixels
    for i in range(1, 16):
        server.paint(3 + i % 8, 4 + i // 8, i)
    panel.wait_for_count(19, 45)
