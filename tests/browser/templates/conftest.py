"""Windows with the templates' panel open, and another site with images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.canvas_page import CanvasPage
from tests.browser.templates.image_server import ImageServer
from tests.browser.templates.panel import RED, Panel, png

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import BrowserContext

    from tests.support.page_server import PageServer


@pytest.fixture
def red(server: PageServer) -> bytes:
    return png([server.palette()[RED]])


@pytest.fixture
def images(red: bytes) -> Iterator[ImageServer]:
    with ImageServer({"/open/red.png": red, "/closed/red.png": red}) as server:
        yield server


@pytest.fixture
def new_panel(
    server: PageServer, new_window: Callable[..., CanvasPage], new_context: Callable[..., BrowserContext]
) -> Iterator[Callable[..., Panel]]:
    """A function that opens windows with the panel; at the end the consoles may only have expected messages.

    The windows are `new_window`'s, except with a profile, or with `own`, for a test that changes the server's answers.
    """
    complaints: list[Callable[[], list[str]]] = []

    def new(
        context: BrowserContext | None = None,
        url: str = "",
        *,
        complains: bool = False,
        own: bool = False,
        **options: Any,
    ) -> Panel:
        # Without motion, because a test would aim at a gliding view before it has come to rest.
        options = {"viewport": {"width": 1000, "height": 700}, "reduced_motion": "reduce", **options}
        if own:
            context = new_context(**options)
        window = CanvasPage(context.new_page()) if context else new_window(**options)
        if not complains:
            complaints.append(window.complaints())
        window.open(url or server.url)
        panel = Panel(window)
        panel.open()
        return panel

    yield new
    assert [complaint for each in complaints for complaint in each()] == []
