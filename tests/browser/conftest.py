"""A real Chromium, and servers to open in it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.canvas_page import LIMIT_SECONDS, CanvasPage
from tests.browser.kept_windows import KeptWindows
from tests.browser.lab import WINDOW, Lab, noise
from tests.support.page_server import OPEN, PageServer
from tests.support.parts import chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext

PLAIN_HOST = "placed.test"
"""A name of this machine. Over plain HTTP it isn't a secure context, unlike 127.0.0.1."""

# No GPU in CI; the rest stops Chromium from loading anything but the page from the network.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {PLAIN_HOST} 127.0.0.1",
]

_SIZE = {"width": 1000, "height": 700}
_SMALL = ("--width", "64", "--height", "48")
_ENOUGH = ("--charges", "1000", "--charge-seconds", "0.01")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the servers' output if a test fails: the page itself only shows that something is missing."""
    report = yield
    if report.failed:
        report.sections += [(f"the server at {server.url}", server.last_words) for server in OPEN]
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; `CHROMIUM` chooses another one."""
    path = os.environ.get("CHROMIUM") or chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """A function that makes separate browser profiles, with Playwright's options; they are closed in the end."""
    contexts: list[BrowserContext] = []

    def new(**options: object) -> BrowserContext:
        context = browser.new_context(**options)  # type: ignore[arg-type] # passed on as they come
        context.set_default_timeout(LIMIT_SECONDS * 1000)  # for Playwright's own waits, like the page's
        contexts.append(context)
        return context

    yield new
    for context in contexts:
        context.close()


@pytest.fixture
def fresh_window(new_context: Callable[..., BrowserContext]) -> Callable[..., CanvasPage]:
    """Like `new_window`, but with windows that no test has used, for a test that would spoil a kept window."""

    def new(**options: object) -> CanvasPage:
        return CanvasPage(new_context(**{"viewport": _SIZE, **options}).new_page())

    return new


@pytest.fixture(scope="session")
def kept_windows(request: pytest.FixtureRequest) -> KeptWindows:
    """Windows for all tests. The first use starts the browser, which closes the windows in the end."""

    def new(**options: object) -> BrowserContext:
        browser: Browser = request.getfixturevalue("browser")
        context = browser.new_context(**options)  # type: ignore[arg-type] # passed on as they come
        context.set_default_timeout(LIMIT_SECONDS * 1000)
        return context

    return KeptWindows(new)


@pytest.fixture
def lend(kept_windows: KeptWindows, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """A function that lends windows until the test is over."""
    failed = request.session.testsfailed
    yield kept_windows.lend
    kept_windows.take_back(spoilt=request.session.testsfailed > failed)


@pytest.fixture
def new_window(lend: Callable[..., CanvasPage]) -> Callable[..., CanvasPage]:
    """A function that gives windows with nothing in common, of a size at which tests can aim at a small canvas' pixels.

    Other tests may have used them, but they only keep the page's files from that.
    """
    return lambda **options: lend({"viewport": _SIZE, **options}, CanvasPage)


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Callable[..., PageServer]]:
    """A function that starts servers with a small canvas and more arguments, and kills them in the end."""
    servers: list[PageServer] = []

    def new(*arguments: str) -> PageServer:
        data = tmp_path / f"data{len(servers)}"
        server = PageServer(data, *_SMALL, *arguments)
        servers.append(server)
        server.start()
        return server

    yield new
    for server in servers:
        server.close()


@pytest.fixture
def server(new_server: Callable[..., PageServer]) -> PageServer:
    """A running server of a 64 x 48 canvas, with enough charges for any test."""
    return new_server(*_ENOUGH)


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """One such server for all tests that don't mind the others' paint: they name it `server`."""
    server = PageServer(tmp_path_factory.mktemp("shared") / "data", *_SMALL, *_ENOUGH)
    server.start()
    yield server
    server.close()


@pytest.fixture
def blank_server(shared_server: PageServer) -> PageServer:
    """That server in its first state: it runs, and its canvas is blank. Its log keeps what other tests painted."""
    shared_server.make_blank()
    return shared_server


@pytest.fixture(scope="session")
def page_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """A server that serves the page's files; nobody paints on it."""
    server = PageServer(tmp_path_factory.mktemp("viewing") / "data")
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def lab_url(page_server: PageServer) -> str:
    """The address of `screen.js`: the page names its folder, which has the hash of the page's files."""
    page = httpx.get(page_server.url, trust_env=False, verify=False).text
    found = re.search(r'<script type="module" src="(.+?)main\.js"', page)
    assert found is not None
    return f"{page_server.url}{found[1]}view/screen.js"


@pytest.fixture
def new_lab(lab_url: str, lend: Callable[..., Lab]) -> Callable[..., Lab]:
    """A function that makes windows with a canvas of noise; the options are the browser's."""

    def new(width: int = 90, height: int = 70, **options: Any) -> Lab:
        lab = lend({"viewport": WINDOW, **options}, Lab)
        lab.page.goto(lab_url)
        lab.put_together(noise(width, height))
        return lab

    return new
