"""Signing in on the page with an account at a real OpenID provider, and the page's message if the provider is down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from bench.equipment.free_ports import free_ports
from tests.support.openid_provider import CLIENT_ID, SECRET, provider_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.browser.canvas_page import CanvasPage
    from tests.support.page_server import PageServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

CONFIG: Final = """\
sign-in = "oidc"

[[oidc]]
name = "school"
title = "School account"
issuer = "http://127.0.0.1:{port}"
client_id = "{client_id}"
client_secret_file = "{secret}"
"""


def config_of(folder: Path, port: int) -> str:
    """A config file that names a provider at this port."""
    secret, path = folder / "secret", folder / "placed.toml"
    secret.write_text(f"{SECRET}\n")
    path.write_text(CONFIG.format(port=port, client_id=CLIENT_ID, secret=secret))
    return str(path)


def test_somebody_signs_in_there_comes_back_and_paints(
    new_server: Callable[..., PageServer], fresh_window: Callable[..., CanvasPage], tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    server, window = new_server("--config", config_of(tmp_path, port)), fresh_window()
    page = window.page
    page.route(lambda url: "127.0.0.1" not in url, lambda route: route.abort())  # the provider's page would load a font
    with provider_at(port, f"{server.url}sign-in/oidc/school/callback"):
        window.open(server.url)
        page.get_by_role("button", name="Sign in to paint", exact=True).click()
        page.get_by_role("link", name="School account").click()
        page.locator("input[name=login]").fill("ada")
        page.locator("input[name=password]").fill("anything")
        page.get_by_role("button", name="Sign-in").click()
        page.get_by_role("button", name="Continue").click()
        window.wait_until_live()
        window.wait_until(lambda: page.locator("#colors").is_visible(), "the palette is there")
        assert page.url.startswith(server.url)
        assert "code=" not in page.url
        window.wait_until(lambda: "ada" in page.locator("#people").inner_text(), "the page says who is signed in")
        window.click(3, 4)
        window.wait_until_equal(server)
        assert server.canvas(server.canvas_version()).indexes.any()


def test_provider_that_is_down_is_told_on_the_page(
    new_server: Callable[..., PageServer], new_window: Callable[..., CanvasPage], tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    server, window = new_server("--config", config_of(tmp_path, port)), new_window()
    window.open(server.url)
    window.page.get_by_role("button", name="Sign in to paint", exact=True).click()
    window.page.get_by_role("link", name="School account").click()
    trouble = window.page.locator("#sign-in-trouble")
    window.wait_until(trouble.is_visible, "it says what went wrong")
    assert "does not answer just now" in trouble.inner_text()
    assert "sign-in=" not in window.page.url
