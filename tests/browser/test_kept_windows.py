"""A window that one test has left is like new for the next test; a window that can't be is closed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Error

from tests.browser.canvas_page import CanvasPage
from tests.browser.kept_windows import MOST_FREE, Kept, KeptWindows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import BrowserContext

    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

_SIZE = {"width": 640, "height": 480}
_OPTIONS = {"viewport": _SIZE, "color_scheme": "dark"}

# Things that a test can leave in a window: how it does, and how to see that they are there.
_LEFT = {
    "local storage": ("localStorage.left = 1", "localStorage.left ?? ''"),
    "the tab's storage": ("sessionStorage.left = 1", "sessionStorage.left ?? ''"),
    "a cookie": ("document.cookie = 'left=1'", "document.cookie"),
    "a database": (
        "new Promise((done) => (indexedDB.open('left').onsuccess = () => done()))",
        "indexedDB.databases().then((all) => all.some(({ name }) => name === 'left'))",
    ),
    "stored answers": ("caches.open('left').then(() => {})", "caches.has('left')"),
    "the window's name": ("window.name = 'left'", "window.name"),
    "history": ("history.pushState(null, '', '#')", "history.length"),
    "a global": ("window.left = 1", "window.left ?? ''"),
    "the focus": ("document.getElementById('help').focus()", "document.activeElement.id"),
}
_LOOKS = "[matchMedia('(prefers-color-scheme: dark)').matches, matchMedia('print').matches]"
_UNDER_POINTER = "[...document.querySelectorAll(':hover')].map((one) => one.id)"

_SPOILING: dict[str, Callable[[CanvasPage], object]] = {
    "a route": lambda window: window.page.route("**/nothing", lambda route: route.abort()),
    "a route of all pages": lambda window: window.page.context.route("**/nothing", lambda route: route.abort()),
    "a script": lambda window: window.page.add_init_script("0"),
    "a script of all pages": lambda window: window.page.context.add_init_script("0"),
    "a function": lambda window: window.page.expose_function("left", lambda: None),
    "a binding": lambda window: window.page.context.expose_binding("bound", lambda _: None),
    "a listener": lambda window: window.page.on("crash", lambda _: None),
    "a listener of all pages": lambda window: window.page.context.once("page", lambda _: None),
    "a listener for once": lambda window: window.page.once("load", lambda _: None),
    "permissions": lambda window: window.page.context.grant_permissions(["clipboard-read"]),
    "no permissions": lambda window: window.page.context.clear_permissions(),
    "a place on earth": lambda window: window.page.context.set_geolocation({"latitude": 1, "longitude": 2}),
    "no network": lambda window: window.page.context.set_offline(True),
    "headers": lambda window: window.page.set_extra_http_headers({"Left": "1"}),
    "headers of all pages": lambda window: window.page.context.set_extra_http_headers({"Left": "1"}),
    "a time limit": lambda window: window.page.set_default_timeout(60_000),
    "a clock": lambda window: window.page.clock.install(time=0),
    "a fixed time": lambda window: window.page.clock.set_fixed_time(0),
    "a session of DevTools": lambda window: window.page.context.new_cdp_session(window.page),
    "a key that is held": lambda window: window.page.keyboard.down("Shift"),
    "a button that is held": lambda window: window.page.mouse.down(button="right"),
}

_ENDING: dict[str, Callable[[CanvasPage], object]] = {
    "a route": _SPOILING["a route"],
    "a second page": lambda window: window.page.context.new_page(),
    "a page that it opened": lambda window: window.ask("void open('about:blank')"),
    "its end": lambda window: window.page.close(),
}


@pytest.fixture
def windows(new_context: Callable[..., BrowserContext]) -> Iterator[KeptWindows]:
    """Windows for this test alone."""
    windows = KeptWindows(new_context)
    yield windows
    windows.take_back(spoilt=True)


def _next(windows: KeptWindows) -> CanvasPage:
    """The window that the next test would get."""
    windows.take_back(spoilt=False)
    return _lent(windows)


def _lent(windows: KeptWindows, **options: Any) -> CanvasPage:
    return windows.lend({**_OPTIONS, **options}, CanvasPage)


def test_the_next_test_finds_nothing_of_the_one_before(windows: KeptWindows, shared_server: PageServer) -> None:
    window = _lent(windows)
    window.open(shared_server.url)
    as_new = {name: window.ask(shown) for name, (_, shown) in _LEFT.items()}
    for how, _ in _LEFT.values():
        window.ask(f"(() => {how})()")
    left = {name: window.ask(shown) for name, (_, shown) in _LEFT.items()}
    assert [name for name in _LEFT if left[name] == as_new[name]] == []
    again = _next(windows)
    assert again.page is window.page
    again.open(shared_server.url)
    assert {name: again.ask(shown) for name, (_, shown) in _LEFT.items()} == as_new


def test_size_looks_and_pointer_are_as_they_were(windows: KeptWindows, shared_server: PageServer) -> None:
    window = _lent(windows)
    window.open(shared_server.url)
    window.page.set_viewport_size({"width": 320, "height": 256})
    window.page.emulate_media(media="print", color_scheme="light")
    window.page.locator("#help").hover()
    assert [window.ask(_LOOKS), "help" in window.ask(_UNDER_POINTER)] == [[False, True], True]
    again = _next(windows)
    assert again.page is window.page
    assert again.page.viewport_size == _SIZE
    again.open(shared_server.url)
    assert [again.ask(_LOOKS), "help" in again.ask(_UNDER_POINTER)] == [[True, False], False]


def test_what_a_test_collects_ends_with_it_and_the_pages_files_are_kept(
    windows: KeptWindows, shared_server: PageServer
) -> None:
    window = _lent(windows)
    asked = window.requests()
    window.open(shared_server.url)
    before = asked()
    again = _next(windows)
    again.open(shared_server.url)
    assert asked() == before
    fetched = "performance.getEntriesByType('resource').filter((it) => it.name.endsWith('.js') && it.transferSize)"
    assert again.ask(fetched) == []


@pytest.mark.parametrize("what", _ENDING)
def test_a_spoilt_window_is_closed(windows: KeptWindows, what: str) -> None:
    window = _lent(windows)
    _ENDING[what](window)
    assert _next(windows).page is not window.page
    assert window.page.is_closed()


def test_whatever_would_stay_spoils_the_window(new_context: Callable[..., BrowserContext]) -> None:
    kept = Kept(new_context(**_OPTIONS), _OPTIONS)
    for what, act in _SPOILING.items():
        before, _, after = kept.is_spoilt, act(kept.lend(CanvasPage)), kept.is_spoilt
        assert (before, after) == (False, True), what
        kept.forgive()  # one window for all of these, because each takes 0.1 s of CPU


def test_keys_and_buttons_that_are_let_go_spoil_nothing(windows: KeptWindows) -> None:
    window = _lent(windows)
    window.page.keyboard.down("Alt")
    window.page.keyboard.up("Alt")
    window.page.mouse.down()
    window.page.mouse.up()
    assert _next(windows).page is window.page


def test_one_whose_test_failed_is_closed_and_so_is_one_that_has_crashed(windows: KeptWindows) -> None:
    failed = _lent(windows)
    windows.take_back(spoilt=True)
    assert failed.page.is_closed()
    crashed = _lent(windows)
    with contextlib.suppress(Error):  # the page can't answer any more
        crashed.page.goto("chrome://crash", timeout=5_000)
    assert _next(windows).page is not crashed.page
    assert crashed.page.is_closed()


def test_a_window_is_for_one_test_and_for_the_same_options(windows: KeptWindows) -> None:
    one, two, dark = _lent(windows), _lent(windows), _lent(windows, locale="de")
    assert len({one.page, two.page, dark.page}) == 3
    windows.take_back(spoilt=False)
    assert _lent(windows, locale="de").page is dark.page
    assert {_lent(windows).page, _lent(windows).page} == {one.page, two.page}


def test_of_many_those_that_were_used_last_are_kept(windows: KeptWindows) -> None:
    pages = [_lent(windows, user_agent=f"browser {i}").page for i in range(MOST_FREE + 2)]
    windows.take_back(spoilt=False)
    assert [page.is_closed() for page in pages] == [True] * 2 + [False] * MOST_FREE
