"""Many tabs of one browser, which has six connections to a host over HTTP/1.1. There is one stream for all tabs,
whichever tab is closed, and none for hidden tabs. Over plain HTTP under a name, where a page has no locks: unlike
127.0.0.1, that isn't a secure context."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Error

from bench.equipment.free_ports import free_ports
from tests.browser.canvas_page import CanvasPage
from tests.browser.conftest import PLAIN_HOST
from tests.support.nginx_front import run_locations, run_nginx

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import BrowserContext

    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TABS = 12
PAINTED_SECONDS = 8.0  # far less than the time after which the page gives up a request without an answer
PASSING = """    location / {
        proxy_pass http://127.0.0.1:%d;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_buffering off;
    }"""
# As if another tab were chosen, because headless Chromium shows all tabs.
_HIDE = """(() => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => %s })
    document.dispatchEvent(new Event('visibilitychange'))
})()"""


@pytest.fixture
def new_tab(new_context: Callable[..., BrowserContext]) -> Callable[..., CanvasPage]:
    """A function that opens tabs of one browser."""
    context = new_context(viewport={"width": 1000, "height": 700})
    return lambda: CanvasPage(context.new_page())


@pytest.fixture
def shared(new_server: Callable[..., PageServer]) -> PageServer:
    """A server that answers under the plain name, with enough charges for any test."""
    return new_server("--charges", "1000", "--charge-seconds", "0.01", "--allowed-host", PLAIN_HOST)


def plain(port: int) -> str:
    return f"http://{PLAIN_HOST}:{port}/"


def look(tab: CanvasPage, seen: bool) -> None:
    tab.ask(_HIDE % ("false" if seen else "true"))


def open_tabs(new_tab: Callable[..., CanvasPage], url: str, count: int = TABS) -> list[CanvasPage]:
    """Open tabs: the first is live, and has the stream, before the others load; these don't wait for each other."""
    tabs = [new_tab() for _ in range(count)]
    tabs[0].open(url)
    for tab in tabs[1:]:
        tab.page.goto(url)
    for tab in tabs[1:]:
        tab.wait_until_live()
    return tabs


def wait_until_one_stream(server: PageServer, tab: CanvasPage) -> None:
    tab.wait_until(lambda: server.subscribers() == 1, "all tabs have one stream together")


def assert_each_paints_and_sees_all(tabs: list[CanvasPage], server: PageServer, row: int) -> None:
    for i, tab in enumerate(tabs):
        tab.choose(1 + i)
        tab.click(3 + 4 * i, row)
    for tab in tabs:
        tab.wait_until_equal(server)
        assert [tab.indexes()[row, 3 + 4 * i] for i in range(len(tabs))] == [1 + i for i in range(len(tabs))]
        assert tab.own_pixels() == []


def test_twelve_tabs_have_one_stream_and_each_is_live_and_paints(
    shared: PageServer, new_tab: Callable[..., CanvasPage]
) -> None:
    tabs = open_tabs(new_tab, plain(shared.port))
    assert tabs[0].ask("isSecureContext") is False
    assert tabs[0].ask("navigator.locks === undefined") is True
    wait_until_one_stream(shared, tabs[0])
    assert_each_paints_and_sees_all(tabs, shared, 5)
    for tab in tabs:
        tab.wait_until(lambda tab=tab: tab.ask("placed.viewers") == 1, "they count as one viewer")  # type: ignore[misc]
    tabs[-1].page.locator("#help").click()
    tabs[-1].page.locator("#panel:not([hidden]) dl, #panel:not([hidden]) table").first.wait_for()


def test_twelve_tabs_behind_nginx_without_tls_have_one_stream(
    shared: PageServer, new_tab: Callable[..., CanvasPage], tmp_path: Path
) -> None:
    with run_nginx(tmp_path / "nginx", [shared.port]) as nginx:
        tabs = open_tabs(new_tab, plain(nginx.port))
        wait_until_one_stream(shared, tabs[0])
        assert_each_paints_and_sees_all(tabs, shared, 7)


def test_whichever_tab_is_closed_the_others_go_on(shared: PageServer, new_tab: Callable[..., CanvasPage]) -> None:
    tabs = open_tabs(new_tab, plain(shared.port), 4)
    wait_until_one_stream(shared, tabs[0])
    for left in range(3):
        tabs.pop(0).page.close()
        shared.paint(10 + left, 20, 3)
        for tab in tabs:
            tab.wait_until_equal(shared)
        wait_until_one_stream(shared, tabs[0])


def test_a_tab_that_crashes_with_the_stream_is_replaced(shared: PageServer, new_tab: Callable[..., CanvasPage]) -> None:
    tabs = open_tabs(new_tab, plain(shared.port), 3)
    wait_until_one_stream(shared, tabs[0])
    crashed: list[object] = []
    tabs[0].page.on("crash", lambda page: crashed.append(page))
    with contextlib.suppress(Error):  # the page can't answer any more
        tabs[0].page.goto("chrome://crash", timeout=5_000)
    tabs[1].wait_until(lambda: crashed, "its renderer is gone")
    shared.paint(33, 20, 3)
    for tab in tabs[1:]:
        tab.wait_until_equal(shared)
    wait_until_one_stream(shared, tabs[1])


def test_a_tab_that_is_frozen_with_the_stream_lets_go_of_it_and_is_right_when_it_thaws(
    shared: PageServer, new_tab: Callable[..., CanvasPage]
) -> None:
    tabs = open_tabs(new_tab, plain(shared.port), 3)
    wait_until_one_stream(shared, tabs[0])
    frozen = tabs[0].page.context.new_cdp_session(tabs[0].page)
    frozen.send("Page.setWebLifecycleState", {"state": "frozen"})
    shared.paint(34, 20, 3)
    for tab in tabs[1:]:
        tab.wait_until_equal(shared)
    wait_until_one_stream(shared, tabs[1])
    frozen.send("Page.setWebLifecycleState", {"state": "active"})
    tabs[0].wait_until_equal(shared)
    wait_until_one_stream(shared, tabs[1])


def test_tabs_that_nobody_sees_have_no_stream_and_are_right_when_they_are_seen_without_an_image(
    shared: PageServer, new_tab: Callable[..., CanvasPage]
) -> None:
    tabs = open_tabs(new_tab, plain(shared.port), 3)
    images = [tab.requests("canvas.png") for tab in tabs]
    for tab in tabs:
        look(tab, seen=False)
    tabs[0].wait_until(lambda: shared.subscribers() == 0, "nobody watches")
    shared.paint(35, 20, 3)
    for tab in tabs:
        look(tab, seen=True)
        tab.wait_until_equal(shared)
    wait_until_one_stream(shared, tabs[0])
    assert [asked() for asked in images] == [[], [], []]


@pytest.mark.parametrize("path", ["info", "canvas.png"])
def test_a_server_that_does_not_answer_leaves_a_connection_to_paint_with(
    shared: PageServer, new_tab: Callable[..., CanvasPage], tmp_path: Path, path: str
) -> None:
    """Twelve tabs load, and wait for answers that don't come; a tab that was there before them paints."""
    port = free_ports(1)[0]
    with run_locations(tmp_path / "before", PASSING % shared.port, port=port):
        painting = new_tab()
        painting.open(plain(port))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        stalled = f"    location = /{path} {{ proxy_pass http://127.0.0.1:{silent.getsockname()[1]}; }}\n"
        with run_locations(tmp_path / "stalled", stalled + PASSING % shared.port, port=port) as nginx:
            painting.wait_until_live()
            tabs = [new_tab() for _ in range(TABS)]
            for tab in tabs:
                tab.page.goto(plain(nginx.port), wait_until="commit")
            painting.choose(5)
            began = time.monotonic()
            painting.click(9, 9)
            painting.wait_until(lambda: painting.indexes()[9, 9] == 5, "it is placed")
            assert time.monotonic() - began < PAINTED_SECONDS
