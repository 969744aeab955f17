"""Windows that tests use one after the other, each as if it were new.

The page loads 72 files. A new window takes 0.6 s of CPU to open the page, mostly for these files; a window that has
loaded them from the same server before takes 0.2 s. A kept window keeps these files in its memory, and nothing else:

    lend ------> a test ------> take back: no listener, an empty page, no cookie, nothing stored, its first size
                    |
                    does what can't be taken back, or fails ----> closed
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from playwright.sync_api import Error

from tests.browser.canvas_page import CanvasPage

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext

W = TypeVar("W", bound=CanvasPage)

MOST_FREE: Final = 6  # each window is a process of 60 MB, and a run has four browsers

# Calls that spoil a window: scripts stay in a page, made-up answers stay among the kept files, listeners go on (except
# those of `collect`), and nobody knows what a session of the DevTools protocol has set.
_SPOILS: Final = frozenset(
    {
        "add_init_script", "add_locator_handler", "clear_permissions", "expose_binding", "expose_function",
        "grant_permissions", "new_cdp_session", "new_page", "on", "once", "route", "route_from_har", "route_web_socket",
        "set_default_navigation_timeout", "set_default_timeout", "set_extra_http_headers", "set_geolocation",
        "set_offline", "set_storage_state",
    }
)  # fmt: skip
_CLOCK: Final = "fast_forward", "install", "pause_at", "resume", "run_for", "set_fixed_time", "set_system_time"
# Playwright's settings for each new context without other options.
_LOOKS: Final = {
    "color_scheme": "light", "reduced_motion": "no-preference", "forced_colors": "none", "contrast": "no-preference",
}  # fmt: skip


class KeptWindows:
    """The windows of a process of pytest.

    Args:
        new_context: a function that makes browser profiles, with Playwright's options.
    """

    def __init__(self, new_context: Callable[..., BrowserContext]) -> None:
        self._new_context = new_context
        self._free: list[Kept] = []  # the window used last comes last
        self._lent: list[Kept] = []

    def lend(self, options: dict[str, Any], kind: type[W]) -> W:
        """Lend a window with these options, until `take_back`."""
        kept = next((one for one in reversed(self._free) if one.options == options), None)
        if kept is None:
            kept = Kept(self._new_context(**options), options)
        else:
            self._free.remove(kept)
        self._lent.append(kept)
        return kept.lend(kind)

    def take_back(self, *, spoilt: bool) -> None:
        """Take back all lent windows: no test uses one now. Spoilt windows are closed."""
        for kept in self._lent:
            if not spoilt and kept.clear():
                self._free.append(kept)
            else:
                kept.context.close()
        self._lent.clear()
        while len(self._free) > MOST_FREE:
            self._free.pop(0).context.close()


class Kept:
    """One window, and what it has to forget between two tests."""

    def __init__(self, context: BrowserContext, options: dict[str, Any]) -> None:
        self.context = context
        self.options = options
        self._page = context.new_page()
        self._link = context.new_cdp_session(self._page)
        self._is_marked = False
        self._is_restyled = False
        self._held: set[str] = set()
        self._window = CanvasPage(self._page)
        self._visited: Callable[[], list[str]] = list
        self._watch()

    def _watch(self) -> None:
        """Notice what tests do to the window."""
        for owner in (self.context, self._page):
            for name in _SPOILS.intersection(dir(owner)):
                _before(owner, name, self._spoil)
        for name in _CLOCK:
            _before(self.context.clock, name, self._spoil)
        _before(self._page, "emulate_media", self._restyle)
        for device in (self._page.keyboard, self._page.mouse):
            _before(device, "down", self._hold)
            _before(device, "up", self._let_go)

    @property
    def is_spoilt(self) -> bool:
        """Whether a test has done something to it that can't be undone."""
        return self._is_marked or bool(self._held) or self._page.is_closed() or len(self.context.pages) > 1

    def forgive(self) -> None:
        """Treat it as unspoilt, whatever tests did to it until now."""
        self._is_marked = False
        self._held.clear()

    def _spoil(self, *_: object, **__: object) -> None:
        self._is_marked = True

    def _restyle(self, *_: object, **__: object) -> None:
        self._is_restyled = True

    def _hold(self, key: str = "", *, button: str = "left", **_: object) -> None:
        self._held.add(key or button)

    def _let_go(self, key: str = "", *, button: str = "left", **_: object) -> None:
        self._held.discard(key or button)

    def lend(self, kind: type[W]) -> W:
        """Give the window to one test."""
        window = kind(self._page)
        self._window = window
        self._visited = window.collect("framenavigated", lambda frame: _site(frame.url))
        return window

    def clear(self) -> bool:
        """Leave the page, and forget everything but its files; False if that isn't possible."""
        if self.is_spoilt:
            return False
        try:
            self._forget({site for site in self._visited() if site.startswith("http")})
        except Error:  # for example, its renderer has crashed
            return False
        return True

    def _forget(self, visited: set[str]) -> None:
        self._window.stop_collecting()
        self._page.goto("about:blank")
        self._page.evaluate("window.name = ''")  # the name outlives a page
        self._link.send("Page.resetNavigationHistory")
        self.context.clear_cookies()
        for site in visited:
            self._link.send("Storage.clearDataForOrigin", {"origin": site, "storageTypes": "all"})
        if self._page.viewport_size != self.options["viewport"]:
            self._page.set_viewport_size(self.options["viewport"])
        if self._is_restyled:
            looks: Any = {name: self.options.get(name, usual) for name, usual in _LOOKS.items()}
            self._page.emulate_media(media="null", **looks)
            self._is_restyled = False
        self._page.mouse.move(0, 0)  # where it is in a new window


def _before(owner: object, name: str, note: Callable[..., None]) -> None:
    """Call `note` with the same arguments before each call of a method of `owner`."""
    method = getattr(owner, name)

    @functools.wraps(method)
    def noted(*arguments: Any, **named: Any) -> Any:
        note(*arguments, **named)
        return method(*arguments, **named)

    setattr(owner, name, noted)


def _site(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
