"""Windows that a file's tests use one after the other, each as if it were new.

The page asks for 65 files. Their requests are most of what it costs to open it: 0.7 s of the processor in a new window,
0.3 s in one that has had them before from the same server. Such a window keeps them in its memory, and nothing else:

    lend ------> a test ------> take back: no listener, an empty page, no cookie, nothing stored, its first size
                    |
                    fails ----> closed: nobody knows what it has left

What can't be taken back isn't allowed: who needs it takes `new_window`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import urlsplit

from tests.browser.canvas_page import CanvasPage

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext

# Scripts stay in a page; answers that a test has made up stay among the files that it keeps.
_REFUSED: Final = "route", "add_init_script", "expose_function", "expose_binding", "emulate_media"


class KeptWindows:
    """The windows of a file's tests.

    Args:
        new_context: makes browser profiles, with Playwright's options.
    """

    def __init__(self, new_context: Callable[..., BrowserContext]) -> None:
        self._new_context = new_context
        self._free: list[_Kept] = []
        self._lent: list[_Kept] = []

    def lend(self, options: dict[str, Any]) -> CanvasPage:
        """A window with these options, until `take_back`."""
        kept = next((one for one in self._free if one.options == options), None)
        if kept is None:
            kept = _Kept(self._new_context(**options), options)
        else:
            self._free.remove(kept)
        self._lent.append(kept)
        return kept.lend()

    def take_back(self, *, spoilt: bool) -> None:
        """All that are lent: no test has one now. Those that are spoilt are closed."""
        for kept in self._lent:
            if spoilt or kept.window.page.is_closed():
                kept.context.close()
            else:
                kept.clear()
                self._free.append(kept)
        self._lent.clear()

    def close(self) -> None:
        """Close all. Idempotent."""
        self.take_back(spoilt=True)
        for kept in self._free:
            kept.context.close()
        self._free.clear()


class _Kept:
    """One window, and what it has to forget."""

    def __init__(self, context: BrowserContext, options: dict[str, Any]) -> None:
        self.context = context
        self.options = options
        self._page = context.new_page()
        self._link = context.new_cdp_session(self._page)
        for name in _REFUSED:
            for owner in (context, self._page):
                setattr(owner, name, _refuse)
        self.window = CanvasPage(self._page)
        self._visited: Callable[[], list[str]] = list

    def lend(self) -> CanvasPage:
        """The window, from now on for one test."""
        self._visited = self.window.collect("framenavigated", lambda frame: _site(frame.url))
        return self.window

    def clear(self) -> None:
        """Leave the page, and forget all but its files."""
        visited = {site for site in self._visited() if site.startswith("http")}
        self.window.stop_collecting()
        self._page.goto("about:blank")
        self.context.clear_cookies()
        for site in visited:
            self._link.send("Storage.clearDataForOrigin", {"origin": site, "storageTypes": "all"})
        if self._page.viewport_size != self.options["viewport"]:
            self._page.set_viewport_size(self.options["viewport"])


def _site(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _refuse(*_: object, **__: object) -> NoReturn:
    raise AssertionError("a window that other tests use after this one keeps that: take `new_window`")
