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
"""A name of this machine. Over plain HTTP that is no secure context, as 127.0.0.1 is one."""

# No GPU in CI; the rest keeps Chromium from asking the network for anything that isn't the page's.
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
    """A test that fails shows what its servers have written: a page only shows that something didn't come."""
    report = yield
    if report.failed:
        report.sections += [(f"the server at {server.url}", server.last_words) for server in OPEN]
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; `CHROMIUM` names another than the one found."""
    path = os.environ.get("CHROMIUM") or chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser profiles of their own, with Playwright's options, and closes them."""
    contexts: list[BrowserContext] = []

    def new(**options: object) -> BrowserContext:
        context = browser.new_context(**options)  # type: ignore[arg-type] # passed on as they come
        context.set_default_timeout(LIMIT_SECONDS * 1000)  # of Playwright's own waits, the same as of the page's
        contexts.append(context)
        return context

    yield new
    for context in contexts:
        context.close()


@pytest.fixture
def fresh_window(new_context: Callable[..., BrowserContext]) -> Callable[..., CanvasPage]:
    """Makes windows as `new_window` does, but nobody had them before: who would spoil one need not spoil a kept one."""

    def new(**options: object) -> CanvasPage:
        return CanvasPage(new_context(**{"viewport": _SIZE, **options}).new_page())

    return new


@pytest.fixture(scope="session")
def kept_windows(request: pytest.FixtureRequest) -> KeptWindows:
    """Windows of all tests. The browser, which closes them in the end, is started for the first one."""

    def new(**options: object) -> BrowserContext:
        browser: Browser = request.getfixturevalue("browser")
        context = browser.new_context(**options)  # type: ignore[arg-type] # passed on as they come
        context.set_default_timeout(LIMIT_SECONDS * 1000)
        return context

    return KeptWindows(new)


@pytest.fixture
def lend(kept_windows: KeptWindows, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Lends windows until the test is over."""
    failed = request.session.testsfailed
    yield kept_windows.lend
    kept_windows.take_back(spoilt=request.session.testsfailed > failed)


@pytest.fixture
def new_window(lend: Callable[..., CanvasPage]) -> Callable[..., CanvasPage]:
    """Gives windows with nothing in common, of a size at which a small canvas' pixels can be aimed at.

    Other tests may have had them, but they have nothing left of that but the page's files.
    """
    return lambda **options: lend({"viewport": _SIZE, **options}, CanvasPage)


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Callable[..., PageServer]]:
    """Starts servers of a small canvas with more arguments, and kills them in the end."""
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
    """The same for all tests that don't mind what the others painted: they give it the name `server`."""
    server = PageServer(tmp_path_factory.mktemp("shared") / "data", *_SMALL, *_ENOUGH)
    server.start()
    yield server
    server.close()


@pytest.fixture
def blank_server(shared_server: PageServer) -> PageServer:
    """That server as it began: it runs, and its canvas is blank. Its log remembers what the others painted."""
    shared_server.make_blank()
    return shared_server


@pytest.fixture(scope="session")
def page_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """Serves the page's files; nobody paints on it."""
    server = PageServer(tmp_path_factory.mktemp("viewing") / "data")
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def lab_url(page_server: PageServer) -> str:
    """Where `screen.js` is: the page names the folder, which has its files' hash."""
    page = httpx.get(page_server.url, trust_env=False, verify=False).text
    found = re.search(r'<script type="module" src="(.+?)main\.js"', page)
    assert found is not None
    return f"{page_server.url}{found[1]}view/screen.js"


@pytest.fixture
def new_lab(lab_url: str, lend: Callable[..., Lab]) -> Callable[..., Lab]:
    """Makes windows with a canvas of noise; options are the browser's."""

    def new(width: int = 90, height: int = 70, **options: Any) -> Lab:
        lab = lend({"viewport": WINDOW, **options}, Lab)
        lab.page.goto(lab_url)
        lab.put_together(noise(width, height))
        return lab

    return new
