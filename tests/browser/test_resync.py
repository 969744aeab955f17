"""The page in a real browser while servers and networks fail: in the end its canvas equals the server's, without a
reload of the page."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Route

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

from bench.equipment.free_ports import free_ports
from tests.support.nginx_front import run_sub_path_nginx

RIGHT_WITHIN_MS = 2_000  # after the network is back; by the page's own clock

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit


def paint_some(server: PageServer, count: int, *, color: int) -> None:
    """Place edits on different pixels."""
    for i in range(count):
        server.paint(i % 64, (7 * i) % 48, (color + i) % 16)


@pytest.fixture
def window(new_window: Callable[..., CanvasPage], server: PageServer) -> CanvasPage:
    """A window that follows the server, and remembers that it wasn't loaded again."""
    window = new_window()
    window.open(server.url)
    window.ask("window.sameDocument = true")
    return window


def test_after_kill_9_and_a_restart_the_page_comes_back_by_itself(server: PageServer, window: CanvasPage) -> None:
    paint_some(server, 20, color=1)
    window.wait_until_equal(server)
    server.kill()
    window.wait_until(lambda: window.connection == "offline", "the page notices")
    retry = window.page.locator("#retry")
    window.wait_until(lambda: re.search(r"Retry now \(\d+ s\)", retry.inner_text()), "it says when it tries again")
    server.start()
    paint_some(server, 20, color=5)
    window.wait_until_equal(server)
    assert window.ask("window.sameDocument") is True


def test_offline_painting_is_refused_clearly(server: PageServer, window: CanvasPage) -> None:
    server.kill()
    window.wait_until(lambda: window.connection == "offline", "the page notices")
    window.click(5, 5)
    window.wait_until(lambda: "Offline" in window.message, "the page says why not")
    assert window.own_pixels() == []


def test_an_orderly_restart_is_followed_on(server: PageServer, window: CanvasPage) -> None:
    images = window.requests("canvas.png")
    paint_some(server, 5, color=2)
    server.stop()
    server.start()
    paint_some(server, 5, color=9)
    window.wait_until_equal(server)
    assert images() == []  # the stream went on from the version that the page had


def test_a_new_log_behind_the_same_address_is_taken_over(server: PageServer, window: CanvasPage) -> None:
    paint_some(server, 30, color=3)
    window.wait_until_equal(server)
    old_log = window.state()["log"]
    server.kill()
    server.forget()
    server.start()
    paint_some(server, 3, color=7)
    window.wait_until_equal(server)
    assert window.state()["log"] != old_log
    assert window.ask("window.sameDocument") is True


def test_a_canvas_of_another_size_behind_the_same_address_is_taken_over(server: PageServer, window: CanvasPage) -> None:
    paint_some(server, 10, color=3)
    server.kill()
    server.forget()
    server.start("--width", "33")
    server.paint(32, 47, 5)
    window.wait_until_equal(server)
    assert window.state()["width"] == 33


def test_edits_made_while_the_image_is_on_its_way_are_not_missed(
    server: PageServer, fresh_window: Callable[..., CanvasPage]
) -> None:
    window = fresh_window()
    paint_some(server, 10, color=4)

    def delay(route: Route) -> None:
        image = route.fetch()
        paint_some(server, 40, color=8)
        route.fulfill(response=image)

    window.page.route("**/canvas.png*", delay)
    window.open(server.url)
    window.wait_until_equal(server)


def test_an_image_of_another_log_is_not_shown(server: PageServer, fresh_window: Callable[..., CanvasPage]) -> None:
    server.paint(9, 9, 9)
    window = fresh_window()
    asked: list[str] = []

    def stale_once(route: Route) -> None:
        asked.append(route.request.url)
        image = route.fetch()
        body = image.body()
        if len(asked) == 1:
            log = server.canvas().log.encode()
            body = body.replace(log, bytes(reversed(log)))
        route.fulfill(response=image, body=body)

    window.page.route("**/canvas.png*", stale_once)
    window.open(server.url)
    window.wait_until_equal(server)
    assert len(asked) == 2
    assert "?v=" in asked[1]  # past the cache that gave the wrong image


def test_a_server_that_says_reload_is_asked_for_a_new_image(server: PageServer, window: CanvasPage) -> None:
    paint_some(server, 5, color=1)
    window.wait_until_equal(server)
    streams: list[str] = []
    images = window.requests("canvas.png")

    def from_the_future(route: Route) -> None:
        streams.append(route.request.url)
        if len(streams) == 1:
            route.continue_(url=re.sub(r"v=\d+", "v=123456789", route.request.url))
        else:
            route.continue_()

    window.page.route("**/edits?*", from_the_future)
    window.ask("dispatchEvent(new Event('online'))")  # reopens the stream
    window.wait_until(lambda: len(streams) == 2, "the stream is opened again")
    server.paint(60, 40, 6)
    window.wait_until_equal(server)
    (image,) = images()
    assert "?v=" in image


def right_after_ms(window: CanvasPage) -> float:
    """`CanvasPage.right_after_ms`; `pytest -rP` shows it."""
    took_ms = window.right_after_ms()
    print(f"right after {took_ms:.0f} ms")  # noqa: T201 - the figure is useful even if the test passes
    return took_ms


def test_two_seconds_after_the_network_is_back_the_page_is_right_without_an_image(
    server: PageServer, fresh_window: Callable[..., CanvasPage], tmp_path: Path
) -> None:
    """Chromium's own offline mode doesn't end an open stream, so a proxy ends it."""
    (port,) = free_ports(1)
    window = fresh_window()
    context = window.page.context
    with run_sub_path_nginx(tmp_path / "before", server.port, port=port):
        window.open(f"http://127.0.0.1:{port}/place/")
        window.ask("addEventListener('online', () => (window.began = performance.now())), 0")
        context.set_offline(True)
        window.wait_until(lambda: window.connection == "offline", "the page notices")
    images = window.requests("canvas.png")
    paint_some(server, 25, color=6)
    with run_sub_path_nginx(tmp_path / "again", server.port, port=port):
        window.time_until_right(server.canvas_version())
        context.set_offline(False)
        assert 0 < right_after_ms(window) < RIGHT_WITHIN_MS
        window.wait_until_equal(server)
    assert images() == []


def test_a_page_that_is_offline_says_so_at_once_and_asks_once_whether_it_is_wrong(
    server: PageServer, window: CanvasPage
) -> None:
    """Chromium's own offline mode lets an open stream go on, but nothing new through."""
    window.ask("addEventListener('offline', () => setTimeout(() => (window.said = placed.connection))), 0")
    window.page.context.set_offline(True)
    window.wait_until(lambda: window.ask("window.said"), "the event comes")
    assert window.ask("window.said") == "offline"
    asked = window.requests()
    window.page.wait_for_timeout(1_500)  # not to synchronise: later edits weren't under way when the network went
    server.paint(3, 3, 5)
    window.wait_until(asked, "the page asks because data still arrives")
    window.page.wait_for_timeout(3_000)  # not to synchronise: the page may send no request in this time
    assert ["/edits?" in url for url in asked()] == [True]
    assert window.connection == "offline"
    window.click(5, 5)
    window.wait_until(lambda: "Offline" in window.message, "the page says why not")
    assert window.own_pixels() == []


def test_a_proxy_that_was_away_without_a_word_is_found_again_in_two_seconds(
    server: PageServer, new_window: Callable[..., CanvasPage], tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    window = new_window()
    with run_sub_path_nginx(tmp_path / "before", server.port, port=port):
        window.open(f"http://127.0.0.1:{port}/place/")
    images = window.requests("canvas.png")
    window.wait_until(lambda: window.connection == "offline", "the page notices")
    paint_some(server, 25, color=6)
    window.time_until_right(server.canvas_version())
    window.page.wait_for_timeout(5_000)  # not to synchronise: the back-off may not grow in this time
    window.ask("window.began = performance.now()")
    with run_sub_path_nginx(tmp_path / "again", server.port, port=port):
        began_late_ms = window.ask("performance.now() - window.began")  # the time that nginx took to start
        assert right_after_ms(window) - began_late_ms < RIGHT_WITHIN_MS
        window.wait_until_equal(server)
    assert images() == []


def test_a_frozen_tab_is_right_when_it_is_seen_again(server: PageServer, window: CanvasPage) -> None:
    images = window.requests("canvas.png")
    tab = window.page.context.new_cdp_session(window.page)
    tab.send("Page.setWebLifecycleState", {"state": "frozen"})
    paint_some(server, 25, color=6)
    time.sleep(6)  # not to synchronise: longer than the silence that the page expects
    tab.send("Page.setWebLifecycleState", {"state": "active"})
    window.ask("window.began = performance.now()")
    window.time_until_right(server.canvas_version())
    assert 0 < right_after_ms(window) < RIGHT_WITHIN_MS
    window.wait_until_equal(server)
    assert images() == []
    assert window.ask("window.sameDocument") is True


def test_a_page_that_was_away_in_history_is_right_again(server: PageServer, window: CanvasPage) -> None:
    window.page.goto("about:blank")
    paint_some(server, 25, color=6)
    window.page.go_back()
    window.wait_until_equal(server)
