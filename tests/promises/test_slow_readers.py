"""Promise 4: clients that read an image a few bytes at a time cost little, and delay nobody."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest
import trio
from hyperframe.frame import DataFrame

from placed.tasks.image import MOST_OLD
from tests.promises.bystander import standing_by
from tests.support.http2_peer import certificate, speaking
from tests.support.http_connection import LIMIT_SECONDS, connect, get
from tests.support.server_process import starting

if TYPE_CHECKING:
    import random
    import ssl
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from pathlib import Path

    from tests.support.server_process import ServerProcess

READERS: Final = 500
SIDE_PX: Final = 600
MOST_BYTES: Final = 5_000_000
MOST_TLS_BYTES: Final = READERS * 30_000  # two thirds of it for OpenSSL and the stream around it
STREAMS: Final = 100  # streams of one connection, as many as allowed
_REQUEST: Final = b"GET /canvas.png HTTP/1.1\r\nHost: localhost\r\n\r\n"
# Without a history, because it would read the edits, and use memory for that, while the readers come.
_FLAGS: Final = ("--no-history", "--charge-seconds", "0", "--width", str(SIDE_PX), "--height", str(SIDE_PX))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The data folder of a stopped server whose canvas is full of noise, and the length of its image. To paint it
    takes a second, to start with this folder less.
    """
    data = tmp_path_factory.mktemp("filled") / "data"

    async def fill() -> int:
        async with starting(data, *_FLAGS) as server:
            await server.ready()
            size = await _fill(server)
            await server.stop()
        return size

    return data, trio.run(fill)


@contextlib.asynccontextmanager
async def _serving(filled: Path, data: Path, *flags: str) -> AsyncGenerator[ServerProcess]:
    """A server with a copy of that folder."""
    shutil.copytree(filled, data)
    async with starting(data, "--no-history", *flags) as server:
        await server.ready()
        yield server


async def _fill(server: ServerProcess) -> int:
    """Paint noise all over the canvas; return the length of its image."""
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
    size = len((await get(server.port, f"/canvas.png?v={version}")).body)
    assert size > 150_000
    return size


async def _grown(server: ServerProcess, read: Callable[..., Awaitable[None]], count: int) -> int:
    """The number of bytes by which `count` readers make the server grow."""
    async with AsyncExitStack() as first:  # pays for what only the first readers need
        await read(first, count=STREAMS)
    async with AsyncExitStack() as stack:
        before = server.resident_bytes()
        await read(stack, count=count)
        return server.resident_bytes() - before


async def _connect(stack: AsyncExitStack, port: int) -> trio.SocketStream:
    plain = stack.enter_context(trio.socket.socket())
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    await plain.connect(("127.0.0.1", port))
    return trio.SocketStream(plain)


async def _read_slowly(stack: AsyncExitStack, *, port: int, count: int) -> None:
    """Let `count` clients read the first bytes of an image and then no more, until the stack is left."""
    for _ in range(count):
        with trio.fail_after(LIMIT_SECONDS):
            stream = await _connect(stack, port)
            await stream.send_all(_REQUEST)
            assert bytes(await stream.receive_some(100)).startswith(b"HTTP/1.1 200")


async def _read_encrypted(stack: AsyncExitStack, *, port: int, context: ssl.SSLContext, count: int) -> None:
    """The same over TLS."""
    context.set_alpn_protocols(["http/1.1"])
    for _ in range(count):
        with trio.fail_after(LIMIT_SECONDS):
            plain = await _connect(stack, port)
            stream = trio.SSLStream(plain, context, server_hostname="127.0.0.1", https_compatible=True)
            await stream.send_all(_REQUEST)
            assert bytes(await stream.receive_some(100)).startswith(b"HTTP/1.1 200")


async def _read_streams(stack: AsyncExitStack, *, port: int, context: ssl.SSLContext, count: int) -> None:
    """The same over HTTP/2, as streams whose windows are used up."""
    for _ in range(count // STREAMS):
        peer = await stack.enter_async_context(speaking(port, context, window=100))
        ids = set(range(1, 2 * STREAMS, 2))
        await peer.say(*(peer.request(stream_id, b"/canvas.png") for stream_id in sorted(ids)))
        while ids:
            frame = await peer.next()
            assert frame is not None
            if isinstance(frame, DataFrame):
                ids.discard(frame.stream_id)


@pytest.mark.parametrize("flag", ["--fast-lane", "--no-fast-lane"])
async def test_500_slow_readers_of_one_image_cost_little_more_than_the_image(
    tmp_path: Path, filled: tuple[Path, int], flag: str
) -> None:
    folder, size = filled
    async with _serving(folder, tmp_path / "data", flag) as server:
        grown = await _grown(server, partial(_read_slowly, port=server.port), READERS)
        print(f"{READERS} slow readers of an image of {size / 1e3:.0f} KB, {flag}: {grown / 1e6:.1f} MB")  # noqa: T201 - shown
        assert grown < MOST_BYTES + 2 * size


@pytest.mark.parametrize(("protocol", "most_bytes"), [("http/1.1", MOST_TLS_BYTES), ("h2", MOST_BYTES)])
async def test_500_slow_readers_over_tls_cost_little_more_than_their_connections(
    tmp_path: Path, filled: tuple[Path, int], protocol: str, most_bytes: int
) -> None:
    folder, size = filled
    file, context = certificate(tmp_path)
    async with _serving(folder, tmp_path / "data", "--certificate", str(file)) as server:
        read = partial(_read_streams if protocol == "h2" else _read_encrypted, port=server.port, context=context)
        grown = await _grown(server, read, READERS)
        print(f"{READERS} slow readers of an image of {size / 1e3:.0f} KB, {protocol} and TLS: {grown / 1e6:.1f} MB")  # noqa: T201 - shown
        assert grown < most_bytes + 2 * size


async def test_slow_readers_of_many_images_hold_a_bounded_number_and_delay_nobody(
    tmp_path: Path, chance: random.Random
) -> None:
    async with starting(tmp_path, *_FLAGS, "--log", "memory:") as server, AsyncExitStack() as stack:
        await server.ready()
        size = await _fill(server)
        most_bytes = MOST_BYTES + (MOST_OLD + 3) * size
        async with standing_by(server, chance, most_bytes=most_bytes) as bystander:  # whose edits make new images
            for _ in range(6):
                await _read_slowly(stack, port=server.port, count=READERS // 10)
                await bystander.rounds(60)
