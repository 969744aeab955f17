"""Templates in a real browser: added in every way, or refused with the reason."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.browser.templates.panel import TO_DO, payload, png

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.templates.image_server import ImageServer
    from tests.browser.templates.panel import Panel
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit

_HAND_OVER = """([type, base64]) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
    const data = new DataTransfer()
    data.items.add(new File([bytes], `${type}.png`, { type: 'image/png' }))
    const event = type === 'paste'
        ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true })
        : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })
    document.body.dispatchEvent(event)
}"""


@pytest.fixture(scope="module")
def server(shared_server: PageServer) -> PageServer:
    """One server for all tests, which paint nothing: a start takes as long as a test."""
    return shared_server


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_an_image_is_pasted_or_dropped_anywhere(new_panel: Callable[..., Panel], red: bytes, way: str) -> None:
    panel = new_panel()
    panel.window.page.evaluate(_HAND_OVER, [way, base64.b64encode(red).decode()])
    panel.wait_for_rows(1)
    panel.wait_for_count(0, TO_DO)
    assert panel.rows.locator("summary b").all_inner_texts() == [f"{way}.png"]


def test_an_address_is_fetched_without_telling_who_asks(new_panel: Callable[..., Panel], images: ImageServer) -> None:
    panel = new_panel()
    panel.window.page.context.add_cookies([{"name": "secret", "value": "1", "url": images.url}])
    panel.add_address(images.url + "/open/red.png")
    panel.wait_for_rows(1)
    panel.wait_for_count(0, TO_DO)
    [asked] = images.asked
    assert asked.path == "/open/red.png"
    assert not {"cookie", "referer", "authorization"} & asked.headers.keys()


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/closed/red.png", "does not allow other sites to use its images"),
        ("/open/none.png", "does not give the image: 404"),
    ],
)
def test_why_an_address_gives_no_template_is_told(
    new_panel: Callable[..., Panel], images: ImageServer, path: str, told: str
) -> None:
    panel = new_panel(complains=True)  # the browser logs the refusal
    panel.add_address(images.url + path)
    panel.wait_for_message(told)
    assert images.url.removeprefix("http://") in panel.window.message
    assert panel.rows.count() == 0


def test_an_address_where_nobody_answers_is_told(new_panel: Callable[..., Panel], images: ImageServer) -> None:
    panel = new_panel(complains=True)
    panel.add_address("http://127.0.0.1:1/a.png")
    panel.wait_for_message("127.0.0.1:1 does not give the image")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"no image", "cannot use that image"),
        (png([(0, 0, 0)], size=(4097, 1)), "4097 x 1 is not possible. Allowed: ≤ 4096 x 4096"),
        (bytes(8_000_001), "8.0 MB is not possible. Allowed: ≤ 8 MB"),
    ],
    ids=["no image", "too wide", "too large"],
)
def test_a_file_that_can_not_be_a_template_is_refused(new_panel: Callable[..., Panel], body: bytes, told: str) -> None:
    panel = new_panel(complains=True)  # a worker's error is logged
    panel.element.locator("input[type=file]").set_input_files(payload(body))
    panel.wait_for_message(told)
    assert panel.rows.count() == 0


def test_a_seventeenth_template_is_refused(new_panel: Callable[..., Panel], red: bytes) -> None:
    panel = new_panel()
    panel.add(*[payload(red)] * 16)
    panel.element.locator("input[type=file]").set_input_files(payload(red))
    panel.wait_for_message("at most 16 templates")
    assert panel.rows.count() == 16
