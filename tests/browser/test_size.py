"""How much a browser fetches before the page is live."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Response

    from tests.browser.canvas_page import CanvasPage
    from tests.browser.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

MOST_BYTES = 60_000  # decoded, without the texts, of which a page uses one language's
# Data rather than the page's own: the image grows with what is painted, and a stream has no end.
_DATA = ("/canvas.png", "/edits")


def test_the_first_load_is_small(server: ServerProcess, new_window: Callable[..., CanvasPage]) -> None:
    window = new_window()
    answers: list[Response] = []
    window.page.on("response", lambda answer: answers.append(answer))
    window.open(server.url)
    assert all(answer.status == 200 for answer in answers)
    own = {path: answer for answer in answers if (path := urlsplit(answer.url).path) not in _DATA}
    sizes = {path: len(answer.body()) for path, answer in own.items() if not path.endswith("/texts.js")}
    wire_bytes = sum(answer.request.sizes()["responseBodySize"] for answer in own.values())
    lines = [f"{size:7,} {path}" for path, size in sorted(sizes.items(), key=lambda item: -item[1])]
    figures = f"{sum(sizes.values()):,} bytes in {len(sizes)} files, {wire_bytes:,} on the wire with the texts"
    print("\n".join([figures, *lines]))  # noqa: T201 - the figure is of use also when it holds
    assert {"/", "/client/main.js", "/client/style.css", "/info"} <= sizes.keys()
    assert sum(sizes.values()) < MOST_BYTES, figures
