"""The host's settings for everybody, as the page shows them: closed, planned, finished with its film, announced."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trio

from tests.support.people import Host

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

    Act = Callable[..., int]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def server(new_server: Callable[..., PageServer]) -> PageServer:
    """A server for one test, because a closed canvas is closed for everybody."""
    return new_server()


@pytest.fixture
def act(server: PageServer) -> Act:
    """A function that does an act as a moderator, and returns the act's id."""
    header = trio.run(Host(server.data).token, "boss", "moderator")
    with httpx.Client(base_url=server.url, headers=[header], trust_env=False, verify=False) as moderator:
        until = time.monotonic() + 20
        while moderator.get("acts").status_code == 401:  # the server notices a new token within half a second
            assert time.monotonic() < until
            time.sleep(0.05)

    def act(kind: str, **fields: Any) -> int:
        answer = httpx.post(
            f"{server.url}acts", json={"kind": kind, **fields}, headers=[header], trust_env=False, verify=False
        )
        assert answer.status_code == 200, answer.text
        return int(answer.json()["id"])

    return act


def _is_text(locator: Locator, part: str) -> Callable[[], bool]:
    return lambda: part in (locator.text_content() or "")


def _moment(seconds: float) -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)).isoformat()


def test_a_closed_canvas_says_when_it_opens_and_opens_without_a_reload(
    server: PageServer, act: Act, new_window: Callable[..., CanvasPage]
) -> None:
    act("close")
    act("open", at=_moment(7_200))
    window = new_window()
    window.open(server.url)
    gate, colors = window.page.locator("#gate"), window.page.locator("#colors")
    window.wait_until(_is_text(gate, "Not open yet"), "it says so")
    assert "Opens in 1:59:" in (gate.text_content() or "") or "Opens in 2:00:00" in (gate.text_content() or "")
    assert not colors.is_visible()
    window.click(3, 4)
    window.wait_until(lambda: "The canvas is closed" in window.message, "the page says why nothing is painted")
    assert not window.own_pixels()
    act("open")
    window.wait_until(colors.is_visible, "it is open")
    assert not gate.is_visible()
    assert window.message == "The canvas is open: paint!"
    window.click(3, 4)
    window.wait_until_equal(server)


def test_a_finished_canvas_offers_its_film(server: PageServer, act: Act, new_window: Callable[..., CanvasPage]) -> None:
    window = new_window()
    window.open(server.url)
    window.click(3, 4)
    window.wait_until_equal(server)
    act("close", at=_moment(600))
    closes = window.page.locator("#closes")
    window.wait_until(_is_text(closes, "Closes in "), "it counts down")
    act("close")
    gate = window.page.locator("#gate")
    window.wait_until(_is_text(gate, "Finished"), "it says so")
    window.page.get_by_role("button", name="Watch the film").click()
    window.wait_until(lambda: window.ask("placed.past !== null"), "the past is shown")


def test_an_announcement_is_shown_can_be_put_away_and_the_next_one_comes(
    server: PageServer, act: Act, new_window: Callable[..., CanvasPage]
) -> None:
    act("announce", text="Pizza in <b>room 5</b>", until=_moment(3_600))
    window = new_window()
    window.open(server.url)
    said = window.page.locator("#announcement")
    window.wait_until(_is_text(said, "Pizza in <b>room 5</b>"), "as text, not as HTML")
    said.get_by_role("button", name="Close").click()
    assert not said.is_visible()
    window.page.set_viewport_size({"width": 320, "height": 400})
    act("announce", text="Back at nine. " * 30)
    window.wait_until(_is_text(said, "Back at nine"), "the next one")
    assert said.is_visible()
    text, card = said.locator("span").bounding_box(), said.bounding_box()
    assert text
    assert card
    assert (
        card["y"] <= text["y"] < card["y"] + card["height"] < text["y"] + text["height"]
    )  # the film begins at the beginning
    window.page.get_by_role("button", name="Settings").click()
    window.wait_until(lambda: not said.is_visible(), "a panel at the bottom isn't covered")
    window.page.set_viewport_size({"width": 800, "height": 600})
    window.wait_for_looks()
    card, panel = said.bounding_box(), window.page.locator("#panel").bounding_box()
    assert card
    assert panel
    assert card["x"] + card["width"] <= panel["x"]  # a panel at the side isn't covered either
    window.page.set_viewport_size({"width": 740, "height": 360})
    assert not said.is_visible()


def test_an_open_canvas_loads_nothing_of_all_this(server: PageServer, new_window: Callable[..., CanvasPage]) -> None:
    window = new_window()
    asked = window.requests()
    window.open(server.url)
    window.click(3, 4)
    window.wait_until_equal(server)
    assert not [url for url in asked() if url.endswith(("/gate/gate_view.js", "/gate/texts.js", "/gate.css"))]
