"""All answers that a server may give: none of them harms the painter."""

from __future__ import annotations

import gzip
import io
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from placed.commands.paint.api import (
    ApiClient,
    ApiError,
    BadEdit,
    Cooldown,
    Info,
    NotPlaced,
    Refused,
    TooLarge,
    Unavailable,
)
from tests.commands.paint.model_server import PALETTE, png_of, problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

INFO: dict[str, Any] = {
    "software": "placed/0.1.0",
    "width": 4,
    "height": 3,
    "palette": PALETTE,
    "version": 7,
    "log": "log-one",
    "cooldown": {"charges": 10, "charge_seconds": 1.0, "remaining": 4, "next_seconds": 0.5},
}
COLORS = np.arange(12, dtype=np.uint8).reshape(3, 4) % len(PALETTE)
IMAGE_HEADERS = {"X-Canvas-Version": "7", "X-Canvas-Log": "log-one", "ETag": '"log-one-7"'}


def api(answer: Callable[[httpx.Request], httpx.Response], url: str = "http://model.test/place") -> ApiClient:
    def streamed(request: httpx.Request) -> httpx.Response:
        response = answer(request)
        stream = httpx.ByteStream(response.content) if response.is_stream_consumed else response.stream
        return httpx.Response(response.status_code, headers=response.headers, stream=stream)

    return ApiClient(httpx.URL(url), httpx.MockTransport(streamed))


def png_answer(png: bytes, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(200, content=png, headers={**IMAGE_HEADERS, **headers})


async def known_info() -> Info:
    async with api(lambda request: httpx.Response(200, json=INFO)) as server:
        return await server.info()


async def the_canvas(answer: Callable[[httpx.Request], httpx.Response]) -> NDArray[np.uint8]:
    async with api(answer) as server:
        return (await server.canvas(await known_info())).colors


async def test_requests_go_below_the_address_s_path() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.method} {request.url.raw_path.decode()}")
        if request.url.path.endswith("/info"):
            return httpx.Response(200, json=INFO)
        return httpx.Response(200, json={"v": 8}, headers={"RateLimit": '"edits";r=3;t=1'})

    async with api(answer) as server:
        info = await server.info()
        placed = await server.place([(1, 2, 3)])
        await server.place([(1, 2, 3), (2, 2, 3)])
    assert seen == ["GET /place/info", "POST /place/edit", "POST /place/edits"]
    assert (info.width, info.height, info.palette.shape, info.remaining) == (4, 3, (5, 3), 4)
    assert (placed.version, placed.remaining) == (8, 3)


@pytest.mark.parametrize("colors", [2, 4, 16, 256])
async def test_an_indexed_png_of_any_depth_gives_its_indexes(colors: int) -> None:
    indexes = (np.arange(12).reshape(3, 4) % colors).astype(np.uint8)
    palette = [f"#{index:02x}{255 - index:02x}80" for index in range(colors)]
    file = io.BytesIO()
    with Image.open(io.BytesIO(png_of(indexes, palette))) as image:
        image.save(file, "PNG", bits=(colors - 1).bit_length())

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/info"):
            return httpx.Response(200, json={**INFO, "palette": palette})
        return png_answer(file.getvalue())(request)

    async with api(answer) as server:
        canvas = await server.canvas(await server.info())
    assert np.array_equal(canvas.colors, indexes)
    assert (canvas.version, canvas.log) == (7, "log-one")


async def test_an_unchanged_canvas_is_not_sent_again() -> None:
    tags = []

    def answer(request: httpx.Request) -> httpx.Response:
        tags.append(request.headers.get("If-None-Match"))
        return png_answer(png_of(COLORS, PALETTE))(request) if not tags[-1] else httpx.Response(304)

    async with api(answer) as server:
        info = await known_info()
        first, second = await server.canvas(info), await server.canvas(info)
    assert tags == [None, '"log-one-7"']
    assert first is second


@pytest.mark.parametrize(
    "change",
    [
        {"width": 0},
        {"width": 4097},
        {"width": "4"},
        {"width": True},
        {"palette": []},
        {"palette": ["#fff"]},
        {"palette": ["#ffffff"] * 257},
        {"palette": "#ffffff"},
        {"version": -1},
        {"version": 1.5},
        {"log": "../x"},
        {"log": None},
        {"cooldown": None},
        {"cooldown": {**INFO["cooldown"], "charges": 0}},
        {"cooldown": {**INFO["cooldown"], "charge_seconds": -1}},
        {"cooldown": {**INFO["cooldown"], "next_seconds": 1e300}},
    ],
)
async def test_an_info_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    async with api(lambda request: httpx.Response(200, json={**INFO, **change})) as server:
        with pytest.raises(NotPlaced, match="its /info can't be used"):
            await server.info()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*INFO, "v", "detail"]), inner),
    max_leaves=12,
)


@given(status=st.sampled_from([200, 204, 301, 400, 403, 404, 429, 500, 503]), body=json_values | st.binary(max_size=80))
async def test_any_answer_is_a_value_or_an_api_error(status: int, body: Any) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with api(lambda request: httpx.Response(status, content=content)) as server:
        for ask in (server.info(), server.place([(0, 0, 0)]), server.canvas(await known_info())):
            with suppress(ApiError):
                await ask


@pytest.mark.parametrize(
    ("response", "says"),
    [
        (httpx.Response(200, text="<html>hello</html>"), "its /info can't be used"),
        (httpx.Response(200, content=b"[" * 60_000), "its /info can't be used"),
        (httpx.Response(200, content=b" " * 70_000), "longer than 64,000 bytes"),
        (httpx.Response(301, headers={"Location": "https://x.test/"}), "redirects to 'https://x.test/'"),
        (httpx.Response(404), "HTTP 404 for /place/info"),
        (
            httpx.Response(
                200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(gzip.compress(b" " * 10**6))
            ),
            "compresses answers",
        ),
    ],
)
async def test_what_is_no_placed_server_is_told_clearly(response: httpx.Response, says: str) -> None:
    async with api(lambda request: response) as server:
        with pytest.raises(NotPlaced, match=says) as caught:
            await server.info()
    assert str(caught.value).startswith("http://model.test/place is not a placed server that can be used")


@pytest.mark.parametrize(
    ("png", "says"),
    [
        (b"", "canvas.png can't be used"),
        (b"GIF89a", "canvas.png can't be used"),
        (png_of(COLORS, PALETTE)[:-30], "canvas.png can't be used"),
    ],
)
async def test_a_canvas_that_is_none_is_refused(png: bytes, says: str) -> None:
    with pytest.raises(NotPlaced, match=says):
        await the_canvas(png_answer(png))


@pytest.mark.parametrize(
    "answer",
    [
        png_answer(png_of(np.zeros((3, 5), np.uint8), PALETTE)),
        png_answer(png_of(np.zeros((4096, 4096), np.uint8), PALETTE)),
        png_answer(png_of(COLORS, [*PALETTE[:4], "#123456"])),
        png_answer(png_of(COLORS + 4, [*PALETTE, "#010101", "#020202", "#030303", "#040404"])),
        png_answer(png_of(COLORS, PALETTE), **{"X-Canvas-Log": "log-two"}),
    ],
)
async def test_an_image_of_another_canvas_than_info_s_is_asked_for_again(
    answer: Callable[[httpx.Request], httpx.Response],
) -> None:
    with pytest.raises(Unavailable, match="is being replaced"):
        await the_canvas(answer)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (problem(400, "invalid-parameter"), BadEdit),
        (problem(403, "banned"), Refused),
        (problem(403, "cross-site"), Refused),
        (problem(408, "slow-request"), Unavailable),
        (problem(413, "too-large"), TooLarge),
        (problem(429, "cooldown"), Cooldown),
        (problem(500, "internal"), Unavailable),
        (problem(503, "outcome-unknown"), Unavailable),
        (httpx.Response(502, text="<html>Bad Gateway</html>"), Unavailable),
        (httpx.Response(405), NotPlaced),
        (httpx.Response(200, json={}), NotPlaced),
    ],
)
async def test_each_refusal_of_an_edit_has_its_error(response: httpx.Response, error: type[ApiError]) -> None:
    async with api(lambda request: response) as server:
        with pytest.raises(error):
            await server.place([(0, 0, 1)])


@pytest.mark.parametrize(
    ("members", "headers", "seconds"),
    [
        ({"retry_after_seconds": 0.37}, {"Retry-After": "1"}, 0.37),
        ({}, {"Retry-After": "7"}, 7.0),
        ({"retry_after_seconds": -5.0}, {"Retry-After": "7"}, 7.0),
        ({}, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 1.0),
        ({}, {}, 1.0),
    ],
)
async def test_a_cooldown_says_how_long(members: dict[str, float], headers: dict[str, str], seconds: float) -> None:
    async with api(lambda request: problem(429, "cooldown", headers, **members)) as server:
        with pytest.raises(Cooldown) as caught:
            await server.place([(0, 0, 1)])
    assert caught.value.retry_after_seconds == seconds


async def test_control_characters_of_a_server_don_t_reach_the_terminal() -> None:
    body = {"detail": "\x1b[2Jhello\nworld\x07"}
    async with api(lambda request: httpx.Response(403, json=body)) as server:
        with pytest.raises(Refused) as caught:
            await server.info()
    assert str(caught.value) == "HTTP 403: [2Jhello world"


def test_a_password_in_the_address_isn_t_shown() -> None:
    server = api(lambda request: httpx.Response(200), "http://me:secret@model.test/")
    assert "secret" not in str(server.url)
