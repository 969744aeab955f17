"""`placed paint` as a process and the real server as a process; either of them is killed midway."""

from __future__ import annotations

import io
import json
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import attrs
import httpx
import numpy as np
import pytest
import trio
from PIL import Image

from placed.canvas.quantise import Dither, quantise
from placed.commands.paint.api import MAX_IN_FLIGHT
from placed.storage import picture as pictures
from tests.support.placed_command import started_placed
from tests.support.server_process import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.support.placed_command import AtWork
    from tests.support.server_process import ServerProcess

WIDTH, HEIGHT = 200, 150
CANVAS = ("--width", "260", "--height", "190")
AT = (37, 21)
PAINTED_SECONDS = 400.0  # a tenth of it on an idle machine; on two busy cores the bot placed 15 edits a second


def drawing() -> NDArray[np.uint8]:
    """RGBA, 200 x 150, rich in colours: rings of all hues on white, a transparent hole and transparent corners."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    dx, dy = x - WIDTH / 2, y - HEIGHT / 2
    angle, radius = np.arctan2(dy, dx), np.hypot(dx, dy)
    on_ring = np.cos(radius / 5 + angle) > 0.7
    channels = [np.where(on_ring, 110 + 110 * np.cos(angle * 2 + radius / 20 - turn), 255) for turn in (0, 2.1, 4.2)]
    alpha = np.where((radius > 20) & (radius < 112), 255, 40)
    return np.stack([*channels, alpha], axis=-1).astype(np.uint8)


def saved(folder: Path, pixels: NDArray[np.uint8]) -> Path:
    """A picture file of RGBA pixels."""
    path = folder / "drawing.png"
    Image.fromarray(pixels, "RGBA").save(path)
    return path


@attrs.frozen(eq=False)
class Wanted:
    """The canvas at the end: blank except for the picture."""

    canvas: NDArray[np.uint8]
    edits: int

    @classmethod
    async def of(cls, url: str, image: Path, dither: Dither = "none") -> Wanted:
        async with httpx.AsyncClient(trust_env=False) as client:
            info = (await client.get(f"{url}/info")).json()
        palette = np.array([list(bytes.fromhex(color[1:])) for color in info["palette"]], np.uint8)
        picture = pictures.read(image)
        colors = quantise(picture.rgb, picture.visible, palette, dither)
        canvas = np.zeros((info["height"], info["width"]), np.uint8)
        part = canvas[AT[1] : AT[1] + picture.height, AT[0] : AT[0] + picture.width]
        part[picture.visible] = colors[picture.visible]
        return cls(canvas, int((canvas != 0).sum()))


async def served(url: str) -> NDArray[np.uint8]:
    async with httpx.AsyncClient(trust_env=False) as client:
        png = (await client.get(f"{url}/canvas.png")).raise_for_status().content
    with Image.open(io.BytesIO(png)) as image:
        assert image.mode == "P"
        return np.asarray(image).copy()


class Subscriber:
    """Follows the stream of edits and counts them, so that a test can wait for an edit instead of for a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.edits = 0
        self._more = trio.Event()

    async def follow(self) -> None:
        """Count until cancelled, or until the server goes away."""
        url = f"{self._url}/edits?v=1&format=json"
        with suppress(httpx.TransportError):
            async with httpx.AsyncClient(trust_env=False, timeout=30) as client, client.stream("GET", url) as response:
                async for line in response.aiter_lines():
                    if line.startswith("data: {"):
                        self._count(len(json.loads(line.removeprefix("data: ")).get("edits", [])))

    def _count(self, edits: int) -> None:
        self.edits += edits
        self._more.set()
        self._more = trio.Event()

    async def reach(self, edits: int) -> None:
        """Wait until it has seen `edits` edits."""
        with trio.fail_after(PAINTED_SECONDS):
            while self.edits < edits:
                await self._more.wait()


@contextmanager
def painting(image: Path, url: str, *options: str) -> Iterator[AtWork]:
    """Start the bot; it is killed at the end if it still runs."""
    where = ("--url", url, "--at", f"{AT[0]},{AT[1]}")
    with started_placed("paint", image, *where, *options, NO_PROXY="*", no_proxy="*") as bot:
        yield bot


async def ended(bot: AtWork) -> tuple[int, str]:
    """Wait until the bot has ended; return its exit code and its standard output."""
    with trio.fail_after(PAINTED_SECONDS):
        done = await bot.ended()
    return done.code, done.out


def address(server: ServerProcess) -> str:
    return f"http://127.0.0.1:{server.port}"


@pytest.mark.timeout(900)
async def test_when_the_server_is_killed_and_started_again_the_bot_goes_on(
    tmp_path: Path, nursery: trio.Nursery
) -> None:
    data, image = tmp_path / "data", saved(tmp_path, drawing())
    # The last two thirds take seconds: the bot can't be done before the server is killed.
    charges = ("--charges", "1000", "--charge-seconds", "0.001")
    async with running(data, *CANVAS, *charges) as server:
        url, port = address(server), server.port
        wanted, subscriber = await Wanted.of(url, image), Subscriber(url)
        nursery.start_soon(subscriber.follow)
        with painting(image, url, "--order", "random") as bot:
            await subscriber.reach(wanted.edits // 3)
            await server.kill()
            assert bot.process.poll() is None
            async with running(data, *CANVAS, *charges, "--port", str(port)):
                assert (await served(url)).any()
                code, output = await ended(bot)
                assert (code, "all are right" in output) == (0, True), output
                assert np.array_equal(await served(url), wanted.canvas)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
async def test_a_bot_that_is_stopped_and_run_again_places_only_what_differs(
    tmp_path: Path, nursery: trio.Nursery, stop: signal.Signals
) -> None:
    image = saved(tmp_path, drawing()[:40, :50])
    # The last half takes 5 s: the bot can't be done before it is stopped.
    charges = ("--charges", "300", "--charge-seconds", "0.02")
    async with running(tmp_path / "data", *CANVAS, *charges) as server:
        url = address(server)
        wanted, subscriber = await Wanted.of(url, image, "ordered"), Subscriber(url)
        nursery.start_soon(subscriber.follow)
        with painting(image, url, "--dither", "ordered") as bot:
            await subscriber.reach(wanted.edits // 2)
            bot.process.send_signal(stop)
            code, output = await ended(bot)
            assert code == (130 if stop is signal.SIGINT else -stop)
            assert (stop is signal.SIGINT) == ("are still wrong" in output)
        with painting(image, url, "--dither", "ordered") as again:
            assert (await ended(again))[0] == 0
        assert np.array_equal(await served(url), wanted.canvas)
        # One edit for each pixel, and a second one for each that was in flight and not yet in the image.
        await subscriber.reach(wanted.edits)
        assert subscriber.edits <= wanted.edits + MAX_IN_FLIGHT


async def test_the_real_cooldown_is_never_hit(tmp_path: Path) -> None:
    image = saved(tmp_path, drawing()[20:40, 40:60])
    async with running(tmp_path / "data", *CANVAS, "--charges", "20", "--charge-seconds", "0.05") as server:
        url = address(server)
        wanted = await Wanted.of(url, image)
        with painting(image, url) as bot:
            assert (await ended(bot))[0] == 0
        async with httpx.AsyncClient(trust_env=False) as client:
            metrics = (await client.get(f"{url}/metrics")).text
        placed = [line for line in metrics.splitlines() if 'outcome="placed"' in line and "_total" in line]
        assert float(placed[0].split()[-1]) == wanted.edits
        refused = [line for line in metrics.splitlines() if 'outcome="cooldown"' in line and "_total" in line]
        assert float(refused[0].split()[-1]) == 0
