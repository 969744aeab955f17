"""Promise 4: readers who take an image a few bytes at a time cost little, and delay nobody."""

from __future__ import annotations

import json
import socket
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest
import trio

from placed.tasks.image import MOST_OLD
from tests.promises.bystander import standing_by
from tests.support.http_connection import LIMIT_SECONDS, connect, get
from tests.support.server_process import starting

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tests.support.server_process import ServerProcess

READERS: Final = 500
SIDE_PX: Final = 600
MOST_FAST_BYTES: Final = 5_000_000
# A request of Quart's is 40 KB, and each holds a piece of the image.
MOST_SLOW_BYTES: Final = READERS * 80_000
_REQUEST: Final = b"GET /canvas.png HTTP/1.1\r\nHost: localhost\r\n\r\n"
_FLAGS: Final = ("--log", "memory:", "--charge-seconds", "0", "--width", str(SIDE_PX), "--height", str(SIDE_PX))


async def _fill(server: ServerProcess) -> int:
    """Paint noise all over the canvas; how long its image is."""
    pixels = [(x, y) for x in range(SIDE_PX) for y in range(SIDE_PX)]
    colors = np.random.default_rng(1).integers(0, 16, len(pixels))
    edits = [[x, y, int(color)] for (x, y), color in zip(pixels, colors, strict=True)]
    async with connect(server.port) as painter:
        for start in range(0, len(edits), 1_000):
            body = json.dumps({"edits": edits[start : start + 1_000]}).encode()
            kind = ("Content-Type", "application/json")
            answer = await painter.request("/edits", method="POST", headers=(kind,), body=body)
            assert answer.status == 200
        version = answer.json()["v"]
    return len((await get(server.port, f"/canvas.png?v={version}")).body)


async def _read_slowly(stack: AsyncExitStack, port: int, count: int) -> None:
    """So many that read the first bytes of an image and then no more, until the stack is left."""
    for _ in range(count):
        plain = stack.enter_context(trio.socket.socket())
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        with trio.fail_after(LIMIT_SECONDS):
            await plain.connect(("127.0.0.1", port))
            await plain.send(_REQUEST)
            assert (await plain.recv(100)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("flag", "most_bytes"), [("--fast-lane", MOST_FAST_BYTES), ("--no-fast-lane", MOST_SLOW_BYTES)]
)
async def test_500_slow_readers_of_one_image_cost_little_more_than_the_image(
    tmp_path: Path, flag: str, most_bytes: int
) -> None:
    async with starting(tmp_path, *_FLAGS, flag) as server, AsyncExitStack() as stack:
        await server.ready()
        size = await _fill(server)
        assert size > 150_000
        async with AsyncExitStack() as first:  # what the first readers need once
            await _read_slowly(first, server.port, 20)
        before = server.resident_bytes()
        await _read_slowly(stack, server.port, READERS)
        grown = server.resident_bytes() - before
        print(f"{READERS} slow readers of an image of {size / 1e3:.0f} KB, {flag}: {grown / 1e6:.1f} MB")  # noqa: T201 - shown
        assert grown < most_bytes + 2 * size


async def test_slow_readers_of_many_images_hold_a_bounded_number_and_delay_nobody(
    tmp_path: Path, chance: random.Random
) -> None:
    async with starting(tmp_path, *_FLAGS) as server, AsyncExitStack() as stack:
        await server.ready()
        size = await _fill(server)
        most_bytes = MOST_FAST_BYTES + (MOST_OLD + 3) * size
        async with standing_by(server, chance, most_bytes=most_bytes) as bystander:  # whose edits make new images
            for _ in range(6):
                await _read_slowly(stack, server.port, READERS // 10)
                await bystander.rounds(60)
