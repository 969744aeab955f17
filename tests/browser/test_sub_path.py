"""The page under a path of another site, behind the real nginx: everything works, and it requests nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.nginx_front import run_sub_path_nginx

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

_VIOLATIONS = """
    window.violations = []
    addEventListener('securitypolicyviolation', (event) =>
        violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`))
"""


def test_the_page_under_a_path_works_wholly_and_asks_nobody_else(
    server: PageServer, fresh_window: Callable[..., CanvasPage], tmp_path: Path
) -> None:
    window = fresh_window()
    asked, complaints = window.requests(), window.complaints()
    window.page.add_init_script(_VIOLATIONS)
    with run_sub_path_nginx(tmp_path / "nginx", server.port) as nginx:
        window.open(f"http://127.0.0.1:{nginx.port}/place/")
        server.paint(3, 4, 5)
        window.wait_until_equal(server)
        assert window.drawn(3, 4) == server.palette()[5]
        window.choose(7)
        window.click(10, 12)
        window.wait_until(lambda: server.canvas().indexes[12, 10] == 7, "the edit reaches the server")
        window.wait_until_equal(server)
        assert window.ask("violations") == []
        own = f"http://127.0.0.1:{nginx.port}/place/", "data:", "blob:"
        assert [url for url in asked() if not url.startswith(own)] == []
        assert complaints() == []


def test_without_the_slash_at_its_end_the_path_leads_there(
    server: PageServer, new_window: Callable[..., CanvasPage], tmp_path: Path
) -> None:
    window = new_window()
    with run_sub_path_nginx(tmp_path / "nginx", server.port) as nginx:
        window.open(f"http://127.0.0.1:{nginx.port}/place")
        assert window.page.url.endswith("/place/")
