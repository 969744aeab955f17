"""The page in a Firefox that resists fingerprinting, like LibreWolf and Tor Browser: canvases read back as noise."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from tests.browser.firefox_page import FirefoxPage, firefox_page
from tests.browser.templates.image_server import ImageServer
from tests.support.parts import firefox, program, require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]  # several waits, each with its own limit

_PUPPETEER = Path(__file__).parents[2] / "node_modules" / "puppeteer-core"
_READ_BACK = """(() => {
    const context = document.createElement('canvas').getContext('2d')
    context.fillRect(0, 0, 9, 9)
    return [...context.getImageData(0, 0, 9, 9).data]
})()"""
# The picture that a click saves, as base64.
_SAVED = """new Promise((resolve) => {
    const make = URL.createObjectURL
    URL.createObjectURL = (blob) => {
        const reader = new FileReader()
        reader.onload = () => resolve(reader.result.split(',')[1])
        reader.readAsDataURL(blob)
        return make(blob)
    }
    const buttons = () => [...document.querySelectorAll('#panel button')]
    document.getElementById('share').click()
    const looking = setInterval(() => {
        const button = buttons().find(({ textContent }) => textContent === 'Download the canvas')
        button?.click()
        if (button) clearInterval(looking)
    }, 20)
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[FirefoxPage]:
    """`FIREFOX` chooses another one."""
    require("puppeteer-core", _PUPPETEER.exists(), "npm ci")
    preferences = {"privacy.resistFingerprinting": True}
    with firefox_page(program("node"), os.environ.get("FIREFOX") or firefox(), preferences) as page:
        yield page


@pytest.fixture
def page(browser: FirefoxPage, server: PageServer) -> FirefoxPage:
    """The live page of a server."""
    browser.do("open", server.url)
    browser.wait_until_connection("live")
    assert set(browser.ask(_READ_BACK)) != {0, 255}  # otherwise these tests would test nothing
    return browser


def test_the_canvas_is_saved_as_it_is(page: FirefoxPage, server: PageServer) -> None:
    for i in range(16):
        server.paint(3 * i, 2 * i, i)
    version = server.canvas_version()
    page.wait_until(lambda: page.ask("placed.version") >= version, "the page has them")
    with Image.open(io.BytesIO(base64.b64decode(page.ask(_SAVED)))) as image:
        picture = np.asarray(image.convert("RGB"))
    palette = np.array(server.palette(), np.uint8)
    assert np.array_equal(picture, palette[server.canvas(version).indexes])


def test_a_png_is_a_template_and_of_other_formats_the_reason_is_told(page: FirefoxPage, server: PageServer) -> None:
    red = Image.new("RGB", (8, 8), server.palette()[5])
    files = {}
    for name in ("png", "gif"):
        file = io.BytesIO()
        red.save(file, name)
        files[f"/open/red.{name}"] = file.getvalue()
    with ImageServer(files) as images:
        links = [f"t={quote(images.url + path, safe='')},20,20" for path in files]
        page.ask(f"location.hash = {links[0]!r}")
        page.ask("document.getElementById('templates').click()")
        count = "document.querySelector('.templates li summary span')?.textContent"
        page.wait_until(lambda: page.ask(count) == "0 right, 64 to do", "it is a template")
        server.paint(21, 22, 5)
        page.wait_until(lambda: page.ask(count) == "1 right, 63 to do", "with the palette's red")
        page.ask(f"location.hash = {links[1]!r}")
        message = "document.getElementById('message').textContent"
        page.wait_until(lambda: "To prevent fingerprinting" in page.ask(message), "it says why not")
        assert page.ask("document.querySelectorAll('.templates li').length") == 1
