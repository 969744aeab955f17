"""The page in a frame of another site: where that is allowed it shows and people can paint on it, and nowhere else."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Frame

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@contextlib.contextmanager
def site_with_a_frame() -> Iterator[tuple[str, list[str]]]:
    """Another site; its page shows the address in the list in a frame. The test has to fill the list."""
    framed: list[str] = []

    class _Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            style = "position: absolute; inset: 0; width: 100%; height: 100%; border: 0"
            body = f'<!doctype html><iframe src="{framed[0]}" style="{style}"></iframe>'.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            # By name, because to the browser 127.0.0.1 with another port would be the same site.
            yield f"http://localhost:{site.server_address[1]}", framed
        finally:
            site.shutdown()
            thread.join()


def _framed(window: CanvasPage) -> Frame:
    (frame,) = [frame for frame in window.page.frames if frame.parent_frame is not None]
    return frame


def test_page_in_a_frame_of_an_allowed_site_is_live_and_can_be_painted_on(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    with site_with_a_frame() as (site, framed):
        server = new_server("--allow-embed", site)
        framed.append(server.url)
        window = new_window()
        window.page.goto(site)
        frame = _framed(window)
        window.wait_until(lambda: frame.evaluate("window.placed?.connection === 'live'"), "the framed page is live")
        before = server.canvas_version()
        frame.evaluate("document.querySelector('canvas').focus()")
        window.page.mouse.click(500, 350)
        window.wait_until(lambda: server.canvas_version() > before, "a click in the frame paints")
        assert frame.evaluate("document.referrer") is not None


def test_page_in_a_frame_of_any_other_site_is_not_shown(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage]
) -> None:
    with site_with_a_frame() as (site, framed):
        server = new_server("--allow-embed", "https://another.example")
        framed.append(server.url)
        window = new_window()
        complaints = window.collect("console", lambda message: str(message.text))
        window.page.goto(site)
        window.wait_until(
            lambda: any("frame-ancestors" in each for each in complaints()), "the browser refuses the frame"
        )
        assert not _framed(window).evaluate("'placed' in window")
