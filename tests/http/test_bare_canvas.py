"""`GET /canvas.bin`: the canvas without a format around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.serving import HEIGHT, WIDTH

if TYPE_CHECKING:
    from tests.support.serving import Server


async def test_each_pixel_is_a_byte_at_the_version_of_the_headers(server: Server) -> None:
    await server.place(3, 2, 5)
    await server.place(39, 29, 15)
    response, image = await server.get("/canvas.bin"), await server.get("/canvas.png")
    assert response.headers["content-type"] == "application/octet-stream"
    assert len(response.body) == WIDTH * HEIGHT
    assert (response.body[2 * WIDTH + 3], response.body[29 * WIDTH + 39]) == (5, 15)
    assert response.body == server.projection.canvas.tobytes()
    assert response.headers["x-canvas-version"] == "3"
    for name in ("x-canvas-version", "x-canvas-log", "etag", "cache-control"):
        assert response.headers[name] == image.headers[name]


async def test_head_and_304_are_as_for_the_image(server: Server) -> None:
    response = await server.get("/canvas.bin")
    head = await server.request("HEAD", "/canvas.bin")
    assert (head.body, head.headers["content-length"]) == (b"", str(WIDTH * HEIGHT))
    for name, value in (("If-Modified-Since", "last-modified"), ("If-None-Match", "etag")):
        known = await server.get("/canvas.bin", (name, response.headers[value]))
        assert (known.status, known.body) == (304, b"")
    await server.place(1, 1, 1)
    changed = await server.get("/canvas.bin?v=2", ("If-None-Match", response.headers["etag"]))
    assert (changed.status, changed.headers["x-canvas-version"]) == (200, "2")
    assert changed.body[WIDTH + 1] == 1
