"""A host's own page, in both lanes: title, icon, description of the canvas, and the preview of a link in a chat."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest
from PIL import Image

from placed.canvas import png
from placed.canvas.palette import SEED

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

TITLE: Final = """<Ada's> "canvas" & co"""
ESCAPED: Final = "&lt;Ada&#x27;s&gt; &quot;canvas&quot; &amp; co"
SIDE: Final = 180


@pytest.fixture
def own(tmp_path: Path) -> dict[str, Any]:
    """Settings with everything that a host can set."""
    (tmp_path / "about.md").write_text('# Hello\n\nPaint "with" us.\n\n<script>1</script> [a](https://a.test)\n')
    (tmp_path / "icon.png").write_bytes(png.encode(np.zeros((SIDE, SIDE), np.uint8), SEED.rgb))
    return {"title": TITLE, "about": tmp_path / "about.md", "icon": tmp_path / "icon.png"}


def tags(page: str) -> dict[str, str]:
    """The content of each meta tag that has a name or a property."""
    return dict(re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)">', page))


async def test_title_is_on_the_page_in_its_head_and_in_info(start: Start, own: dict[str, Any]) -> None:
    async with start(**own) as server:
        page = (await server.get("/")).body.decode()
        assert f"<title>{ESCAPED}</title>" in page
        assert f'<h1 class="own">{ESCAPED}</h1>' in page
        assert TITLE not in page
        assert (tags(page)["og:title"], tags(page)["apple-mobile-web-app-title"]) == (ESCAPED, ESCAPED)
        told = await server.info()
        assert (told["title"], told["about"]) == (TITLE, True)


async def test_without_settings_the_page_is_the_softwares(server: Server) -> None:
    page = (await server.get("/")).body.decode()
    assert "<title>placed</title>" in page
    assert "<h1>placed</h1>" in page
    assert "apple-touch-icon" not in page
    assert tags(page)["og:title"] == "placed"
    assert tags(page)["description"] == tags(page)["og:description"] != ""
    told = await server.info()
    assert (told["title"], told["about"]) == (None, False)
    for target in ("/about", "/icon"):
        assert (await server.get(target)).status == 404


async def test_tags_name_the_preview_as_the_request_asked(start: Start, own: dict[str, Any]) -> None:
    async with start(**own) as server:
        told = tags((await server.get("/")).body.decode())
        assert told["og:url"] == "http://placed.test/"
        assert told["og:image"] == "http://placed.test/preview.png"
        assert (told["og:image:width"], told["og:image:height"]) == ("1200", "630")
        assert told["twitter:card"] == "summary_large_image"
        assert told["og:description"] == told["description"] == "Paint &quot;with&quot; us."
        # The server only believes a trusted proxy.
        forged = await server.get("/", ("X-Forwarded-Host", "evil.test"), ("X-Forwarded-Proto", "https"))
        assert "evil.test" not in forged.body.decode()


async def test_tags_are_those_of_the_way_through_a_trusted_proxy(start: Start) -> None:
    async with start(trusted_proxies=("127.0.0.1",)) as server:
        forwarded = (
            ("X-Forwarded-For", "192.0.2.7"),
            ("X-Forwarded-Host", "a.test"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Prefix", "/place"),
        )
        told = tags((await server.get("/", *forwarded)).body.decode())
        assert told["og:image"] == "https://a.test/place/preview.png"
        plain = tags((await server.get("/")).body.decode())
        assert plain["og:image"] == "http://placed.test/preview.png"


async def test_each_address_has_a_page_with_a_tag_of_its_own(start: Start) -> None:
    async with start(trusted_proxies=("127.0.0.1",)) as server:
        etag = ("If-None-Match", (await server.get("/")).headers["etag"])
        assert (await server.get("/", etag)).status == 304
        names = [("X-Forwarded-Host", f"{name}.test") for name in "abcdefghijklmnopqrstuvwxyz"]
        assert len({(await server.get("/", name)).headers["etag"] for name in names}) == 26  # more than it keeps
        assert (await server.get("/", etag)).status == 304


async def test_about_is_html_in_which_nothing_runs(start: Start, own: dict[str, Any]) -> None:
    async with start(**own) as server:
        answer = await server.get("/about")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        text = answer.body.decode()
        assert "<h3>Hello</h3>" in text
        assert "<script" not in text
        assert 'rel="noopener noreferrer"' in text
        assert (await server.get("/about", ("If-None-Match", answer.headers["etag"]))).status == 304


async def test_icon_is_the_tabs_and_the_home_screens(start: Start, own: dict[str, Any]) -> None:
    async with start(**own) as server:
        page = (await server.get("/")).body.decode()
        (where,) = re.findall(r'<link rel="icon" type="image/png" href="([^"]+)">', page)
        assert f'<link rel="apple-touch-icon" sizes="{SIDE}x{SIDE}" href="{where}">' in page
        answer = await server.get(f"/{where}")
        assert answer.headers["content-type"] == "image/png"
        assert Image.open(io.BytesIO(answer.body)).size == (SIDE, SIDE)
        assert (await server.get("/icon", ("If-None-Match", answer.headers["etag"]))).status == 304


async def test_an_svg_may_run_nothing_when_it_is_opened_by_itself(start: Start, tmp_path: Path) -> None:
    (tmp_path / "icon.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>')
    async with start(icon=tmp_path / "icon.svg") as server:
        page = (await server.get("/")).body.decode()
        assert "apple-touch-icon" not in page  # phones take no such icon
        answer = await server.get("/icon")
        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "sandbox" in policy


async def test_preview_shows_the_canvas(server: Server) -> None:
    version = (await server.place(0, 0, 5)).json()["v"]
    while server.projection.version < version:
        await server.get("/canvas.png")
    answer = await server.get("/preview.png")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    shown = Image.open(io.BytesIO(answer.body)).convert("RGB")
    assert shown.size == (1200, 630)
    left, top = (1200 - 40 * 21) // 2, 0  # the canvas has 40 x 30 pixels, each 21 here
    assert shown.getpixel((left + 10, top + 10)) == tuple(server.definition.rgb[15:18])
    assert shown.getpixel((left + 31, top + 10)) == tuple(server.definition.rgb[:3])
    assert (await server.get("/preview.png", ("If-None-Match", answer.headers["etag"]))).status == 304


async def test_preview_of_a_hidden_canvas_shows_nothing_of_it(start: Start) -> None:
    pictures = []
    for color in (3, 7):
        async with start(sign_in="code", join_code="turtle", watch="signed-in") as server:
            server.projection.canvas[:] = color
            answer = await server.get("/preview.png")
            assert answer.status == 200
            pictures.append(answer.body)
    assert pictures[0] == pictures[1]
