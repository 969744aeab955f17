"""The page where a stream doesn't get through, or isn't available: it polls, is live all the same, and says so."""

from __future__ import annotations

import contextlib
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.nginx_front import run_locations
from tests.support.parts import program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PROXY = Path(__file__).with_name("compressing_proxy.mjs")
BUFFERING = """    location / {
        proxy_pass http://127.0.0.1:%d;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_buffering on;
        proxy_ignore_headers X-Accel-Buffering;
        gzip on;
        gzip_types *;
    }"""
"""Without gzip it passes on the data that it has read, with buffering or without."""

NOBODY = "192.0.2.1"
"""Makes another address than this machine's the one without limits."""


@contextlib.contextmanager
def compressing_proxy(server: int) -> Iterator[int]:
    """Run a proxy before the server at that port until the block ends; yields the proxy's port."""
    process = subprocess.Popen([program("node"), PROXY, str(server)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        with process.stdout as output:
            yield int(output.readline())
    finally:
        process.terminate()
        process.wait(20)


def title(window: CanvasPage) -> str:
    return window.page.locator("#connection").get_attribute("title") or ""


def wait_for_pixel(window: CanvasPage, x: int, y: int, color: int) -> None:
    window.wait_until(lambda: window.indexes()[y, x] == color, f"{x}, {y} is {color}")


def assert_it_polls(window: CanvasPage, server: PageServer, asked: Callable[[], list[str]]) -> None:
    """Check that the page is live, says that it polls, sees other people's edits soon, and can paint."""
    window.wait_until(lambda: "a little later than others" in title(window), "it says that it polls")
    for i in range(3):
        server.paint(20 + i, 20, 3)
        began = time.monotonic()
        wait_for_pixel(window, 20 + i, 20, 3)
        print(f"seen after {time.monotonic() - began:.2f} s")  # noqa: T201 - useful even if the test passes
        assert window.connection == "live"
    window.choose(5)
    window.click(9, 9)
    wait_for_pixel(window, 9, 9, 5)
    window.wait_until(lambda: not window.own_pixels(), "the page knows that it has painted")
    began_ms, before = window.ask("performance.now()"), len(asked())
    window.page.wait_for_timeout(3_000)  # not to synchronise: the page may not send more requests in this time
    assert len(asked()) - before <= (window.ask("performance.now()") - began_ms) / 1000 + 1


def test_behind_an_nginx_that_buffers_the_page_is_live_by_polls(
    server: PageServer, new_window: Callable[..., CanvasPage], tmp_path: Path
) -> None:
    window = new_window()
    asked = window.requests("/edits?")
    with run_locations(tmp_path / "nginx", BUFFERING % server.port) as nginx:
        began = time.monotonic()
        window.open(f"http://127.0.0.1:{nginx.port}/")
        print(f"live after {time.monotonic() - began:.2f} s")  # noqa: T201 - useful even if the test passes
        assert_it_polls(window, server, asked)


def test_behind_a_proxy_that_compresses_the_page_is_live_by_polls(
    server: PageServer, new_window: Callable[..., CanvasPage]
) -> None:
    window = new_window()
    asked = window.requests("/edits?")
    with compressing_proxy(server.port) as port:
        window.open(f"http://127.0.0.1:{port}/")
        assert_it_polls(window, server, asked)


def test_who_comes_when_the_streams_of_an_address_are_taken_polls_and_paints(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    server = new_server("--max-streams-per-client", "1", "--unlimited-client", NOBODY, "--charges", "1000")
    first, second = new_window(), new_window()
    first.open(server.url)
    asked = second.requests("/edits?")
    second.open(server.url)
    assert_it_polls(second, server, asked)
    first.wait_until_equal(server)
    assert title(first) == ""


def refuse(window: CanvasPage, status: int, body: str, kind: str = "text/html") -> None:
    """From now on answer requests for edits with this status, however the page asks."""
    headers = {"Retry-After": "1", "Content-Type": kind}
    window.page.route("**/edits?*", lambda route: route.fulfill(status=status, body=body, headers=headers))


def wait_for_state(window: CanvasPage, word: str, words: str) -> None:
    shown = window.page.locator("#connection")
    window.wait_until(lambda: shown.inner_text() == word and words in title(window), f"it says {word}, {words}")


@pytest.mark.parametrize(
    ("status", "word", "words"),
    [
        (403, "Refused here", "does not let you through (403)"),
        (421, "Refused here", "does not answer to this address (421)"),
        (503, "Restarting…", "restarting, or has too much to do (503)"),
        (502, "Offline", "does not reach the server (502)"),
    ],
)
def test_what_was_answered_is_what_is_said(
    server: PageServer, fresh_window: Callable[..., CanvasPage], status: int, word: str, words: str
) -> None:
    window = fresh_window()
    refuse(window, status, "<html>nginx</html>")
    window.page.goto(server.url)
    wait_for_state(window, word, words)
    window.page.unroute("**/edits?*")
    window.wait_until_live()


def test_who_can_have_neither_stream_nor_poll_is_told_that_it_is_full_and_paints_all_the_same(
    server: PageServer, fresh_window: Callable[..., CanvasPage]
) -> None:
    window = fresh_window()
    refuse(window, 429, '{"code": "too-many-polls"}', "application/problem+json")
    window.page.goto(server.url)
    wait_for_state(window, "Full", "Too many from your network")
    window.wait_until(lambda: window.ask("'placed' in window"), "its tools are there")
    server.paint(20, 20, 3)
    wait_for_pixel(window, 20, 20, 3)  # it is in an image
    window.choose(5)
    window.click(9, 9)
    wait_for_pixel(window, 9, 9, 5)
    wait_for_state(window, "Full", "Too many from your network")
