"""How many bytes a browser loads: until the canvas is live, and at a reload."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright._impl._api_structures import RequestSizes
    from playwright.sync_api import Request, Route

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

MOST_BYTES = 45_000  # compressed, until the canvas is live
MOST_BYTES_IN_ALL = 70_000  # with the tools; files that load only when needed aren't included
MOST_HEAD_BYTES = 400  # of an answer's head: HTTP/1.1 doesn't compress heads
_STREAM = "/edits"  # a stream has no end


class _Fetched:
    """The answers that a window has loaded."""

    def __init__(self, window: CanvasPage) -> None:
        self._requests: Callable[[], list[Request]] = window.collect("requestfinished", lambda request: request)

    def sizes(self) -> dict[str, int]:
        """The size of each answer's content on the wire, in bytes, by path without the files' version."""
        return {name: told["responseBodySize"] for name, told in self._told()}

    def heads(self) -> list[int]:
        """The sizes of the heads for the page's files."""
        return [told["responseHeadersSize"] for name, told in self._told() if name.endswith((".js", ".css"))]

    def _told(self) -> Iterator[tuple[str, RequestSizes]]:
        for request in self._requests():
            path = urlsplit(request.url).path
            if path != _STREAM:
                yield path.rpartition("/")[2], request.sizes()


def _figures(sizes: dict[str, int]) -> str:
    lines = [f"{size:7,} {path}" for path, size in sorted(sizes.items(), key=lambda item: -item[1])]
    return "\n".join([f"{sum(sizes.values()):,} bytes in {len(sizes)} answers", *lines])


def test_the_canvas_is_live_after_little_code(server: PageServer, fresh_window: Callable[..., CanvasPage]) -> None:
    window = fresh_window()
    fetched = _Fetched(window)
    held: list[Route] = []
    window.page.route("**/interaction.js", lambda route: held.append(route))
    window.page.goto(server.url)
    state = window.page.locator("#connection")
    window.wait_until(lambda: state.get_attribute("data-state") == "live", "the canvas is live")
    window.wait_until(lambda: held, "the tools are asked for once it is")
    sizes = fetched.sizes()
    print(_figures(sizes))  # noqa: T201 - the figure is useful even if the test passes
    assert {"", "main.js", "style.css", "info", "canvas.png"} <= sizes.keys()
    print(f"heads: {sum(fetched.heads()):,} bytes more")  # noqa: T201 - likewise
    assert sum(sizes.values()) < MOST_BYTES
    assert max(fetched.heads()) < MOST_HEAD_BYTES
    held[0].continue_()
    window.wait_until_live()
    print(_figures(fetched.sizes()))  # noqa: T201 - likewise
    assert sum(fetched.sizes().values()) < MOST_BYTES_IN_ALL


def _logged(server: PageServer) -> Counter[str]:
    """How often each request came to the server, by its own log."""
    lines = [json.loads(line) for line in server.lines if line.startswith("{")]
    return Counter(line["path"] for line in lines if "status" in line)


def _asked(server: PageServer, window: CanvasPage) -> Counter[str]:
    """The same, up to the window's requests so far: their log lines come before the line of a request made here."""
    asked = _logged(server)["/canvas.bin"] + 1
    assert window.page.request.get(f"{server.url}canvas.bin").ok
    window.wait_until(lambda: _logged(server)["/canvas.bin"] == asked, "the server has logged our question")
    counted = _logged(server)
    del counted["/canvas.bin"]
    return counted


def test_a_reload_asks_for_the_page_the_info_and_the_image_alone(
    new_server: Callable[..., PageServer], fresh_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server("--log-level", "debug", "--log-format", "json"), fresh_window()
    window.open(server.url)
    before = _asked(server, window)
    assert before["/static"] > 30
    window.page.reload()
    window.wait_until_live()
    more = _asked(server, window) - before
    assert more.pop("/canvas.png", 1) == 1  # the image is fresh for a second
    assert more == {"/": 1, "/info": 1, "/edits": 1}
