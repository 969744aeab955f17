"""The host's own texts on the page: the title on every screen, and the host's description of the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.test_accessibility import _violations, axe
from tests.browser.test_page import PHONE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

__all__ = ("axe",)  # a fixture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

ABOUT = """# Rules

Be kind. Write to [us](mailto:us@school.test) or look [there](https://school.test/canvas).

| day | what |
|---|---|
| Monday | it begins |

<script>document.title = 'hacked'</script>
"""


@pytest.fixture
def own(new_server: Callable[..., PageServer], tmp_path: Path) -> PageServer:
    """A server whose host describes the canvas."""
    (tmp_path / "about.md").write_text(ABOUT)
    return new_server("--title", "The canvas of Class 7b", "--about", str(tmp_path / "about.md"))


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_title_and_what_the_host_tells(
    own: PageServer, new_window: Callable[..., CanvasPage], axe: str, options: dict[str, object]
) -> None:
    window = new_window(**options)
    asked = window.requests()
    window.open(own.url)
    assert window.page.get_by_role("heading", name="The canvas of Class 7b").is_visible()
    assert window.page.title() == "The canvas of Class 7b"
    assert not [url for url in asked() if url.endswith(("about", "about_panel.js"))]
    window.page.get_by_role("button", name="About this canvas").click()
    there = window.page.get_by_role("link", name="there")
    there.wait_for()
    assert there.get_attribute("rel") == "noopener noreferrer"
    assert "<script>" in window.page.locator("#panel-body").inner_text()
    assert window.page.title() == "The canvas of Class 7b"
    assert _violations(window, axe) == []
    window.page.keyboard.press("Escape")
    window.wait_until(lambda: not there.count(), "it is closed")


def test_without_anything_told_there_is_no_button(server: PageServer, new_window: Callable[..., CanvasPage]) -> None:
    window = new_window()
    window.open(server.url)
    assert not window.page.get_by_role("button", name="About this canvas").is_visible()
