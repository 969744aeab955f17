"""`GET /canvas.png`, over each lane: the canvas of its version, and how long caches may keep it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.support.serving import HEIGHT, WIDTH

if TYPE_CHECKING:
    from tests.support.serving import Server


async def test_image_is_the_canvas_of_its_version(server: Server) -> None:
    await server.place(3, 2, 5)
    await server.place(39, 29, 15)
    response = await server.get("/canvas.png")
    image = Image.open(io.BytesIO(response.body))
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[2, 3], expected[29, 39] = 5, 15
    assert (np.asarray(image) == expected).all()
    info = await server.info()
    log, version = info["log"], response.headers["x-canvas-version"]
    assert (response.headers["x-canvas-log"], version) == (log, "3")
    assert image.info == {"placed:version": version, "placed:log": log}
    assert response.headers["etag"] == f'"{log}-3"'
    assert response.headers["content-type"] == "image/png"
    assert response.headers["cache-control"] == "public, max-age=1, stale-while-revalidate=30, no-transform"
    assert response.headers["last-modified"].endswith(" GMT")


@pytest.mark.parametrize("query", ["?v=1", "?", "?v=x&&&=", "?%ff%00=1", "?vv=99", "?v=9&x", "?v=" + "9" * 30])
async def test_images_query_changes_no_byte_of_it(server: Server, query: str) -> None:
    assert (await server.get(f"/canvas.png{query}")).body == (await server.get("/canvas.png")).body


async def test_image_has_reached_the_version_that_is_asked_for(server: Server) -> None:
    first = await server.get("/canvas.png")
    version = (await server.place(3, 2, 5)).json()["v"]
    response = await server.get(f"/canvas.png?a=b&v={version}")
    assert int(first.headers["x-canvas-version"]) < version <= int(response.headers["x-canvas-version"])
    assert response.headers["cache-control"].startswith("public, max-age=1,")


async def test_no_cache_keeps_an_image_under_a_version_that_it_has_not_reached(server: Server) -> None:
    version = (await server.place(3, 2, 5)).json()["v"]
    response = await server.get(f"/canvas.png?v={version + 1}")
    assert response.headers["cache-control"] == "no-store, no-transform"
    assert response.headers["x-canvas-version"] == str(version)
    unchanged = await server.get(f"/canvas.png?v={version + 1}", ("If-None-Match", response.headers["etag"]))
    assert (unchanged.status, unchanged.headers["cache-control"]) == (304, "no-store, no-transform")
