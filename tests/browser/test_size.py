"""How much a browser fetches: before the canvas is live, and until all is there that everybody is given."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Response, Route

    from tests.browser.canvas_page import CanvasPage
    from tests.browser.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

MOST_BYTES = 60_000  # of code before the canvas is live, decoded
MOST_BYTES_IN_ALL = 90_000  # with the tools; what is loaded when it is asked for comes on top
# The image grows with what is painted, a stream has no end, and texts are words in three languages.
_NO_CODE = ("/canvas.png", "/edits", "/info", "/client/texts.js")


class _Fetched:
    """What a window has fetched."""

    def __init__(self, window: CanvasPage) -> None:
        self._answers: list[Response] = []
        window.page.on("response", lambda answer: self._answers.append(answer))

    def code(self) -> dict[str, int]:
        """The decoded size of each file of the page's own code, in bytes, by path."""
        assert all(answer.status == 200 for answer in self._answers)
        code = {urlsplit(answer.url).path: answer for answer in self._answers}
        return {path: len(answer.body()) for path, answer in code.items() if path not in _NO_CODE}


def _figures(sizes: dict[str, int]) -> str:
    lines = [f"{size:7,} {path}" for path, size in sorted(sizes.items(), key=lambda item: -item[1])]
    return "\n".join([f"{sum(sizes.values()):,} bytes in {len(sizes)} files", *lines])


def test_the_canvas_is_live_after_little_code(server: ServerProcess, new_window: Callable[..., CanvasPage]) -> None:
    window = new_window()
    fetched = _Fetched(window)
    held: list[Route] = []
    window.page.route("**/client/tools.js", lambda route: held.append(route))
    window.page.goto(server.url)
    state = window.page.locator("#connection")
    window.wait_until(lambda: state.get_attribute("data-state") == "live", "the canvas is live")
    window.wait_until(lambda: held, "the tools are asked for once it is")
    sizes = fetched.code()
    print(_figures(sizes))  # noqa: T201 - the figure is of use also when it holds
    assert {"/", "/client/main.js", "/client/style.css"} <= sizes.keys()
    assert sum(sizes.values()) < MOST_BYTES
    held[0].continue_()
    window.wait_until_live()
    print(_figures(fetched.code()))  # noqa: T201 - likewise
    assert sum(fetched.code().values()) < MOST_BYTES_IN_ALL
