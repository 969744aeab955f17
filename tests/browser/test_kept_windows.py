"""A window that one test has left is as new for the next one, and what it can't forget isn't allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.kept_windows import KeptWindows
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

_SIZE = {"width": 640, "height": 480}
_LEAVE = "(localStorage.left = sessionStorage.left = 1, document.cookie = 'left=1')"
_LEFT = "[localStorage.left ?? '', sessionStorage.left ?? '', document.cookie]"


def test_the_next_test_finds_nothing_of_the_one_before(kept_windows: KeptWindows, server_of_file: PageServer) -> None:
    first = kept_windows.lend({"viewport": _SIZE})
    first.open(server_of_file.url)
    asked = first.requests()
    first.ask(_LEAVE)
    assert first.ask(_LEFT) == ["1", "1", "left=1"]
    first.page.set_viewport_size({"width": 320, "height": 256})
    kept_windows.take_back(spoilt=False)
    again = kept_windows.lend({"viewport": _SIZE})
    assert again.page is first.page
    assert again.page.viewport_size == _SIZE
    before = asked()
    again.open(server_of_file.url)
    assert again.ask(_LEFT) == ["", "", ""]
    assert asked() == before
    kept_windows.take_back(spoilt=True)
    assert kept_windows.lend({"viewport": _SIZE}).page is not first.page


def test_what_would_stay_in_the_window_is_refused(kept_windows: KeptWindows) -> None:
    window = kept_windows.lend({"viewport": _SIZE})
    with pytest.raises(AssertionError, match="take `new_window`"):
        window.page.route("**/info", lambda route: route.abort())
    with pytest.raises(AssertionError, match="take `new_window`"):
        window.page.context.add_init_script("0")
