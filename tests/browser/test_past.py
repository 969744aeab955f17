"""The canvas' past on the page: the time line, the film, the pixels' cards."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.browser.test_page import PHONE
from tests.support.page_server import PageServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from playwright.sync_api import Route

    from tests.browser.canvas_page import CanvasPage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit

RED, GREEN, BLUE = 5, 10, 13
# With the longest language's words: rows of the last buttons, lines of the way back, and whether all is visible.
_LAST_GROUP = """(() => {
    const now = document.querySelector('#timeline .now')
    now.textContent = 'Revenir à maintenant'
    const range = document.createRange()
    range.selectNodeContents(now)
    const row = ({ top, bottom }) => Math.round((top + bottom) / 2)
    const bar = document.getElementById('timeline')
    const rows = [...now.parentElement.children].map((one) => row(one.getBoundingClientRect()))
    return [new Set(rows).size, new Set([...range.getClientRects()].map(row)).size, bar.scrollWidth <= bar.clientWidth]
})()"""


def _moment() -> str:
    """The present time, at a moment when the next edit is sure to be later."""
    now = datetime.now(UTC)
    time.sleep(0.005)  # the log counts in ms
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _shown(window: CanvasPage) -> NDArray[np.uint8]:
    """The indexes of the canvas on the screen."""
    return np.array(window.ask("[...placed.shown()]"), np.uint8).reshape(-1, window.ask("placed.width"))


def _past(window: CanvasPage) -> dict[str, Any]:
    past: dict[str, Any] = window.ask("placed.past")
    return past


def _wait_until_past(window: CanvasPage) -> None:
    window.wait_until(lambda: window.ask("placed.past?.now === false && placed.past.ready"), "a moment is shown")


def _wait_until_now(window: CanvasPage) -> None:
    window.wait_until(lambda: window.ask("placed.past?.now && placed.past.ready"), "the present is shown")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """One server for all tests, which don't mind the others' paint elsewhere; nothing was painted before them."""
    arguments = "--width", "64", "--height", "48", "--charges", "1000", "--charge-seconds", "0.01"
    server = PageServer(tmp_path_factory.mktemp("past") / "data", *arguments)
    server.start()
    yield server
    server.close()


@pytest.fixture
def window(server: PageServer, new_window: Callable[..., CanvasPage]) -> CanvasPage:
    """A window with the server's page."""
    window = new_window()
    window.open(server.url)
    return window


@pytest.fixture(scope="module")
def painted(server: PageServer) -> tuple[PageServer, list[str]]:
    """A server whose pixel 20, 15 was red, then green, then blue; and the moments before each of these edits."""
    moments = []
    for color in (RED, GREEN, BLUE):
        moments.append(_moment())
        server.paint(20, 15, color)
    return server, moments


def test_a_moment_of_the_past_is_shown_and_the_present_again(
    painted: tuple[PageServer, list[str]], window: CanvasPage
) -> None:
    server, _ = painted
    window.wait_until_equal(server)
    window.page.keyboard.press("h")
    _wait_until_now(window)
    window.page.locator("#moment").press("Home")
    _wait_until_past(window)
    assert np.count_nonzero(_shown(window)) == 0, "it begins blank"
    for color in (RED, GREEN):
        window.page.get_by_role("button", name="One pixel on").click()
        window.wait_until(lambda color=color: _shown(window)[15, 20] == color, "the next edit is shown")  # type: ignore[misc]
    assert np.count_nonzero(_shown(window)) == 1
    window.page.get_by_role("button", name="One pixel back").click()
    window.wait_until(lambda: _shown(window)[15, 20] == RED, "it is taken back")
    window.page.get_by_role("button", name="Back to now").click()
    _wait_until_now(window)
    assert _shown(window)[15, 20] == BLUE


def test_a_new_canvas_at_the_same_address_has_its_own_past(
    new_server: Callable[..., PageServer], fresh_window: Callable[..., CanvasPage]
) -> None:
    server, window = new_server("--charges", "1000", "--charge-seconds", "0.01"), fresh_window()
    for color in (RED, GREEN):
        server.paint(20, 15, color)
        server.paint(2, 2, color)
        window.open(server.url)
        window.wait_until_equal(server)
        window.page.keyboard.press("h")
        _wait_until_now(window)
        window.page.locator("#moment").press("Home")
        _wait_until_past(window)
        window.page.get_by_role("button", name="One pixel on").click()
        window.wait_until(lambda color=color: _shown(window)[15, 20] == color, "its first edit is shown")  # type: ignore[misc]
        window.page.goto("about:blank")
        server.kill()
        server.forget()
        server.start()


def test_a_link_opens_the_moment_that_it_names(
    painted: tuple[PageServer, list[str]], new_window: Callable[..., CanvasPage]
) -> None:
    server, moments = painted
    window = new_window()
    window.open(f"{server.url}#t={moments[2]}")
    _wait_until_past(window)
    assert _shown(window)[15, 20] == GREEN
    window.page.evaluate("location.hash = 't=" + moments[1] + "'")
    window.wait_until(lambda: _shown(window)[15, 20] == RED, "the other moment is shown")
    window.wait_until(lambda: "&t=" in window.page.url, "the address names place and moment")
    window.page.keyboard.press("Escape")
    window.wait_until(lambda: "t=" not in window.page.url, "the address names the present")
    assert _past(window) is None


def test_it_plays_forwards_to_the_present_and_backwards_to_the_beginning(
    painted: tuple[PageServer, list[str]], window: CanvasPage
) -> None:
    server, _ = painted
    window.wait_until_equal(server)
    window.page.locator("#past").click()
    _wait_until_now(window)
    window.page.locator("#timeline select").select_option("1")
    window.page.locator("#moment").press("Home")
    _wait_until_past(window)
    window.page.get_by_role("button", name="Play").click()
    _wait_until_now(window)
    assert not _past(window)["playing"]
    window.page.get_by_role("button", name="Backwards").click()
    window.page.get_by_role("button", name="Play").click()
    window.wait_until(lambda: _past(window)["playing"] is False and not _past(window)["now"], "it is at the beginning")
    assert np.count_nonzero(_shown(window)) == 0


def test_the_present_goes_on_unseen_and_is_not_loaded_anew(
    painted: tuple[PageServer, list[str]], window: CanvasPage
) -> None:
    server, _ = painted
    window.wait_until_equal(server)
    images = window.requests("/canvas.png")
    window.page.locator("#past").click()
    _wait_until_now(window)
    window.page.locator("#moment").press("Home")
    _wait_until_past(window)
    server.paint(3, 4, GREEN)
    window.wait_until_equal(server)
    assert _shown(window)[4, 3] == 0
    window.page.get_by_role("button", name="Back to now").click()
    _wait_until_now(window)
    assert _shown(window)[4, 3] == GREEN
    assert [url for url in images() if "/history/" not in url] == []


def test_time_line_waits_for_its_looks_and_the_canvas_makes_room_once(
    painted: tuple[PageServer, list[str]], fresh_window: Callable[..., CanvasPage]
) -> None:
    server, _ = painted
    window = fresh_window()
    window.open(server.url)
    window.wait_until_equal(server)
    held: list[Route] = []
    window.page.route("**/past.css", lambda route: held.append(route))
    asked = window.collect("requestfinished", lambda request: request.url if "/history" in request.url else None)
    window.page.locator("#past").click()
    window.wait_until(lambda: held and len(asked()) == 2, "the data is there, the style sheet isn't")
    window.page.wait_for_timeout(500)  # not to synchronise: within this time it would be shown without them
    assert window.page.locator("#moment").is_hidden()
    held[0].continue_()
    window.wait_until(window.page.locator("#moment").is_visible, "the time line is open")
    window.click(20, 15)
    window.wait_until(lambda: "Pixel 20, 15" in window.page.locator("#pixel-card").inner_text(), "the pixel has a card")


def test_the_way_back_and_out_stay_in_one_row_and_no_word_is_broken(
    painted: tuple[PageServer, list[str]], window: CanvasPage
) -> None:
    window.wait_until_equal(painted[0])
    window.page.locator("#past").click()
    _wait_until_now(window)
    for width, height in ((390, 844), (320, 568), (568, 320), (640, 400)):
        window.page.set_viewport_size({"width": width, "height": height})
        rows, lines, is_whole = window.ask(_LAST_GROUP)
        assert (rows, is_whole) == (1, True), (width, height)
        assert lines <= 2, (width, height)


@pytest.mark.parametrize("how", ["click", "key"])
def test_while_the_time_line_is_open_a_pixel_is_told_about_and_not_painted(
    painted: tuple[PageServer, list[str]], window: CanvasPage, how: str
) -> None:
    server, _ = painted
    window.wait_until_equal(server)
    version = window.state()["version"]
    window.page.locator("#past").click()
    _wait_until_now(window)
    window.page.mouse.move(*window.place_of(20, 15))
    if how == "click":
        window.click(20, 15)
    else:
        window.page.keyboard.press("i")
    card = window.page.locator("#pixel-card")
    window.wait_until(lambda: "blue" in card.inner_text(), "the card has the pixel's colour")
    card.get_by_role("button", name="Earlier colours").click()
    window.wait_until(lambda: card.locator("li").count() == 2, "the card has the earlier colours")
    assert [name in card.locator("li").nth(i).inner_text() for i, name in enumerate(("green", "red"))] == [True, True]
    card.get_by_role("button", name="See that moment").nth(1).click()
    _wait_until_past(window)
    assert _shown(window)[15, 20] == GREEN
    assert server.canvas_version() == window.state()["version"] == version


def test_what_paints_rests_while_the_time_line_is_open(server: PageServer, window: CanvasPage) -> None:
    window.wait_until_equal(server)
    window.page.locator("#past").click()
    _wait_until_now(window)
    window.page.keyboard.press("d")
    window.page.keyboard.press("g")  # the page handles keys in order, and this key's effect is visible
    grid = "JSON.parse(localStorage.getItem('placed.settings'))?.grid"
    before = window.ask(grid)
    window.page.keyboard.press("g")
    window.wait_until(lambda: window.ask(grid) != before, "the keys were heard")
    assert window.page.locator("#draw").get_attribute("aria-pressed") == "false"
    assert window.page.locator("#draw").is_disabled()
    window.page.keyboard.press("h")
    window.wait_until(window.page.locator("#draw").is_enabled, "painting goes on")


def test_a_finger_that_stays_is_told_who_painted_the_pixel(
    painted: tuple[PageServer, list[str]], fresh_window: Callable[..., CanvasPage]
) -> None:
    server, _ = painted
    window = fresh_window(**PHONE)
    window.open(server.url)
    window.wait_until_equal(server)
    x, y = window.place_of(20, 15)
    link = window.page.context.new_cdp_session(window.page)
    link.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    card = window.page.locator("#pixel-card")
    window.wait_until(lambda: card.is_visible() and "See that moment" in card.inner_text(), "the card is there")
    link.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    window.wait_until(lambda: window.state()["color"] == BLUE, "its colour is taken, too")


def test_nothing_of_the_past_is_loaded_before_it_is_asked_for(server: PageServer, window: CanvasPage) -> None:
    window.wait_until_equal(server)
    loaded = window.ask("performance.getEntriesByType('resource').map(({ name }) => name)")
    assert [name for name in loaded if "/past/" in name or "/history" in name] == []


@pytest.mark.parametrize("layer", ["Where people painted most", "Pixels that nobody has painted"])
def test_layers_show_where_it_was_painted_and_where_not(
    painted: tuple[PageServer, list[str]], window: CanvasPage, layer: str
) -> None:
    server, _ = painted
    window.wait_until_equal(server)
    window.page.locator("#past").click()
    _wait_until_now(window)
    before = [window.drawn(20, 15), window.drawn(50, 40)]
    window.page.get_by_role("button", name=layer).click()
    window.wait_until(lambda: window.drawn(50, 40) != before[1], "the layer is drawn")
    marked, other = (20, 15), (50, 40)
    if "nobody" in layer:
        marked, other = other, marked
    assert sum(window.drawn(*marked)) > sum(window.drawn(*other)), "marked pixels are brighter than others"
    window.page.get_by_role("button", name=layer).click()
    window.wait_until(lambda: [window.drawn(20, 15), window.drawn(50, 40)] == before, "the layer has gone")


def test_the_film_is_downloaded(painted: tuple[PageServer, list[str]], window: CanvasPage) -> None:
    server, _ = painted
    window.wait_until_equal(server)
    window.page.locator("#past").click()
    _wait_until_now(window)
    with window.page.expect_download(timeout=60_000) as download:
        window.page.get_by_role("button", name="Download the film").click()
    film = download.value.path().read_bytes()
    assert film[:4] == b"\x1aE\xdf\xa3", "an EBML file, as WebM is"
    assert len(film) > 1_000


def test_a_server_that_keeps_no_history_says_so(new_server: Callable[..., PageServer], window: CanvasPage) -> None:
    server = new_server("--no-history")
    window.open(server.url)
    window.page.locator("#past").click()
    window.wait_until(lambda: "keeps no history" in window.message, "it says so")
    assert _past(window) is None
