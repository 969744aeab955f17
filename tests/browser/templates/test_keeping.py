"""Templates in a real browser: kept there, and shared by link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.templates.panel import OPAQUE, RED, payload, png

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Route

    from tests.browser.templates.image_server import ImageServer
    from tests.browser.templates.panel import Panel
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit


@pytest.fixture(scope="module")
def server(shared_server: PageServer) -> PageServer:
    """One server for all tests, which paint nothing."""
    return shared_server


def test_what_was_added_is_kept_over_a_reload(new_panel: Callable[..., Panel], red: bytes, images: ImageServer) -> None:
    panel = new_panel()
    panel.add(payload(red, "from a file.png"))
    file = (*panel.place, 60, "faint")
    panel.add_address(images.url + "/open/red.png")
    panel.wait_for_rows(2)
    panel.set(x="5", y="6", opacity="75", style="dots")
    panel.wait_until_kept(file, (5, 6, 75, "dots"))
    panel.reload()
    panel.wait_for_rows(2)
    assert panel.rows.locator("summary b").all_inner_texts() == ["red.png", "from a file.png"]
    kept = (panel.place, panel.value("Opacity"), panel.value("Style"))
    assert kept == ((5, 6), "75", "dots")
    assert len(images.asked) == 1
    panel.press("Remove")
    panel.wait_for_rows(1)
    panel.wait_until_kept(file)
    panel.reload()
    panel.wait_for_rows(1)
    assert panel.rows.locator("summary b").all_inner_texts() == ["from a file.png"]


def test_what_is_kept_is_drawn_without_the_panel_being_opened(
    server: PageServer, new_panel: Callable[..., Panel], red: bytes
) -> None:
    panel = new_panel()
    panel.add(payload(red))
    panel.set(x="5", y="6", opacity=OPAQUE)
    panel.wait_until_kept((5, 6, 100, "faint"))
    panel.window.page.reload()
    panel.window.wait_until_live()
    panel.wait_until_drawn(6, 6, server.palette()[RED])


def test_one_removed_while_it_is_converted_does_not_come_back(new_panel: Callable[..., Panel]) -> None:
    panel = new_panel(own=True)
    held: list[Route] = []
    panel.window.page.context.route(
        "**/quantise_worker.js", lambda route: route.continue_() if held else held.append(route)
    )
    panel.element.locator("input[type=file]").set_input_files(payload(png([(9, 99, 199)])))
    panel.window.wait_until(lambda: held, "it is being converted")
    panel.rows.get_by_role("button", name="Remove").click()
    panel.wait_for_rows(0)
    held[0].continue_()
    panel.add(payload(png([(0, 0, 0)])))  # converted after the other one
    panel.wait_until_kept((*panel.place, 60, "faint"))
    panel.reload()
    panel.wait_for_rows(1)


def test_a_link_shows_templates_to_others_who_choose_to_keep_them(
    server: PageServer, new_panel: Callable[..., Panel], new_context: Callable[..., BrowserContext], red: bytes,
    images: ImageServer,
) -> None:  # fmt: skip
    sharing = new_panel(permissions=["clipboard-read", "clipboard-write"])
    sharing.add_address(images.url + "/open/red.png")
    sharing.wait_for_rows(1)
    sharing.set(x="9", y="11", opacity=OPAQUE)
    sharing.add(payload(red, "private.png"))
    sharing.element.get_by_role("button", name="Copy link").click()
    sharing.wait_for_message("Link copied.")
    link = sharing.window.ask("navigator.clipboard.readText()")

    other = new_context(viewport={"width": 1000, "height": 700})
    guest = new_panel(other, link)
    guest.wait_for_rows(1)
    assert (guest.place, guest.value("Opacity")) == ((9, 11), OPAQUE)
    guest.wait_until_drawn(10, 11, server.palette()[RED])

    later = new_panel(other)
    assert later.rows.count() == 0  # nobody chose to keep it
    guest.press("Keep")
    guest.window.wait_until(lambda: guest.rows.get_by_role("button", name="Keep").is_hidden(), "it is kept")
    guest.set(x="12")
    guest.wait_until_kept((12, 11, 100, "faint"))
    guest.reload()  # the link is still in the address
    guest.wait_for_rows(1)
    assert guest.place == (12, 11)
    assert new_panel(other).rows.count() == 1


def test_what_is_wrong_in_a_link_is_told(new_panel: Callable[..., Panel], server: PageServer) -> None:
    panel = new_panel(url=server.url + "#t=https%3A%2F%2Fimg.example%2Fa.png,1,nowhere")
    panel.wait_for_message("y=nowhere is not possible. Allowed: -4096 … 4096")
