"""A placed server in a few lines, behind httpx's in-process transport: cooldown, stale images, faults.

It is a model: one method, `_place`, decides what happens to a request's edits, and counts it for the tests.
"""

from __future__ import annotations

import io
import random
from typing import TYPE_CHECKING

import httpx
import numpy as np
import trio
import trio.testing
from PIL import Image

from placed.commands.paint.api import ApiClient
from placed.commands.paint.painter import Job, Painter
from placed.storage.picture import Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

PALETTE = ["#ffffff", "#e50000", "#0000ea", "#02be01", "#222222"]
MISHAPS = ("lost", "landed then cut", "503", "unknown lost", "unknown landed")
DETAIL = {"503": "log-unavailable", "unknown lost": "outcome-unknown", "unknown landed": "outcome-unknown"}


def random_picture(width: int, height: int, seed: int = 1, *, transparent: bool = False) -> Picture:
    """Pixels of palette colours, none of them blank, so that a blank canvas differs everywhere."""
    rng = np.random.default_rng(seed)
    palette = np.array([list(bytes.fromhex(color[1:])) for color in PALETTE], np.uint8)
    rgb = palette[rng.integers(1, len(PALETTE), (height, width))]
    visible = rng.random((height, width)) < 0.7 if transparent else np.ones((height, width), bool)
    return Picture(rgb, visible)


class ModelServer:
    """One canvas.

    Attributes:
        most_edits: most edits in one request; 1 is a server from before lists of edits.
        mishaps: faults for the next requests, one each, None for no fault; after that all requests succeed.
        on_edit: called after each edit that was placed.
        refusals: how many requests were answered 429; `sent_early`: how many of them came before a told wait was over.
    """

    def __init__(
        self, width: int = 20, height: int = 15, charges: int = 10, charge_seconds: float = 0.0, most_edits: int = 1
    ) -> None:
        self.palette = list(PALETTE)
        self.canvas: NDArray[np.uint8] = np.zeros((height, width), np.uint8)
        self.version = 1
        self.log = "log-one"
        self.charges, self.charge_seconds = charges, charge_seconds
        self.most_edits = min(most_edits, charges) if charge_seconds else most_edits
        self.latency_seconds = (0.0, 0.0)
        self.rng = random.Random(5)
        self.mishaps: Iterable[str | None] = iter(())
        self.down: Callable[[], bool] = lambda: False
        self.on_edit: Callable[[int, int], None] = lambda x, y: None
        self.override: Callable[[httpx.Request], httpx.Response | None] = lambda request: None
        self.posts = self.landed = self.refusals = self.sent_early = self.in_flight = self.most_in_flight = 0
        self._level, self._level_at = float(charges), 0.0
        self._wait_until = -1.0
        self._image: tuple[float, str, int, bytes] | None = None

    def spend(self, count: float) -> None:
        """Spend charges, as another program with the same account would."""
        self._refill()
        self._level = max(0.0, self._level - count)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one request as a stream, as a network would."""
        response = await self._answer(request)
        if not response.is_stream_consumed:
            return response
        return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(response.content))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.down():
            raise httpx.ConnectError("connection refused", request=request)
        special = self.override(request)
        if special is not None:
            return special
        if request.method == "POST":
            return await self._post(request)
        await trio.sleep(self.rng.uniform(*self.latency_seconds))
        response = self._info() if request.url.path.endswith("/info") else self._png(request)
        await trio.sleep(self.rng.uniform(*self.latency_seconds))
        return response

    async def _post(self, request: httpx.Request) -> httpx.Response:
        self.posts += 1
        self.sent_early += trio.current_time() < self._wait_until
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await trio.sleep(self.rng.uniform(*self.latency_seconds))
            response = self._place(self._edits_of(request), request)
            await trio.sleep(self.rng.uniform(*self.latency_seconds))
            if response.status_code == 429:
                self._wait_until = max(self._wait_until, trio.current_time() + response.json()["retry_after_seconds"])
            return response
        finally:
            self.in_flight -= 1

    def _refill(self) -> None:
        now = trio.current_time()
        if self.charge_seconds:
            gained = (now - self._level_at) / self.charge_seconds
            self._level = min(self.charges, self._level + gained)
        self._level_at = now

    def _edits_of(self, request: httpx.Request) -> list[tuple[int, int, int]]:
        sent = httpx.Response(200, content=request.content).json()
        if request.url.path.endswith("/edit"):
            return [(sent["x"], sent["y"], sent["color"])]
        assert request.url.path.endswith("/edits")
        edits = [(x, y, color) for x, y, color in sent["edits"]]
        assert 1 < len(edits) <= self.most_edits
        return edits

    def _place(self, edits: list[tuple[int, int, int]], request: httpx.Request) -> httpx.Response:
        height, width = self.canvas.shape
        if not all(0 <= x < width and 0 <= y < height and 0 <= color < len(self.palette) for x, y, color in edits):
            return problem(400, "invalid-parameter")
        self._refill()
        if self.charge_seconds and self._level < len(edits) - 1e-9:
            self.refusals += 1
            seconds = (len(edits) - self._level) * self.charge_seconds
            return problem(429, "cooldown", retry_after_seconds=seconds)
        if self.charge_seconds:
            self._level -= len(edits)
        mishap = next(iter(self.mishaps), None)
        if mishap in {None, "landed then cut", "unknown landed"}:
            self.version += 1
            for x, y, color in edits:
                self.canvas[y, x] = color
                self.landed += 1
                self.on_edit(x, y)
        if mishap in {"lost", "landed then cut"}:
            raise httpx.RemoteProtocolError("server disconnected", request=request)
        if mishap is not None:
            return problem(503, DETAIL[mishap], headers={"Retry-After": "1"})
        headers = {"RateLimit": f'"edits";r={int(self._level + 1e-9)};t=1'} if self.charge_seconds else {}
        return httpx.Response(200, json={"v": self.version}, headers=headers)

    def _info(self) -> httpx.Response:
        self._refill()
        remaining = int(self._level + 1e-9)
        next_seconds = 0.0 if remaining == self.charges else (1 + remaining - self._level) * self.charge_seconds
        cooldown = {
            "charges": self.charges,
            "charge_seconds": self.charge_seconds,
            "remaining": remaining,
            "next_seconds": max(0.0, next_seconds),
        }
        height, width = self.canvas.shape
        told = {"width": width, "height": height, "palette": self.palette, "version": self.version, "log": self.log}
        limits = {"limits": {"edits": self.most_edits}} if self.most_edits > 1 else {}
        return httpx.Response(200, json={**told, "cooldown": cooldown, **limits})

    def _png(self, request: httpx.Request) -> httpx.Response:
        now = trio.current_time()
        if self._image is None or now - self._image[0] > 1 or self._image[1] != self.log:
            self._image = (now, self.log, self.version, png_of(self.canvas, self.palette))
        _, log, version, png = self._image
        headers = {"X-Canvas-Version": str(version), "X-Canvas-Log": log, "ETag": f'"{log}-{version}"'}
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return httpx.Response(304, headers=headers)
        return httpx.Response(200, content=png, headers=headers)


def png_of(colors: NDArray[np.uint8], palette: list[str]) -> bytes:
    """An indexed PNG."""
    image = Image.fromarray(colors, "L")
    image.putpalette(b"".join(bytes.fromhex(color[1:]) for color in palette))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def problem(status: int, code: str, headers: dict[str, str] | None = None, **members: float | str) -> httpx.Response:
    """An error answer, as the server sends it."""
    body = {"status": status, "code": code, "detail": f"detail of {code}", **members}
    return httpx.Response(status, json=body, headers=headers)


class Notes:
    """A progress display that remembers its calls."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.updates: list[tuple[int, int, float | None]] = []

    def note(self, line: str) -> None:
        """Remember a line."""
        self.lines.append(line)

    def update(self, right: int, total: int, left_seconds: float | None) -> None:
        """Remember an update."""
        self.updates.append((right, total, left_seconds))


class Run:
    """One run of the painter on a model server, in virtual time."""

    def __init__(self, server: ModelServer, picture: Picture, **job: object) -> None:
        fields: dict[str, object] = {
            "x": 0,
            "y": 0,
            "dither": "none",
            "order": "rows",
            "keep": False,
            "dry_run": False,
            "give_up_seconds": 600.0,
        }
        self.job = Job(picture, **{**fields, **job})  # type: ignore[arg-type]  # a test's own words, checked by Job's use
        self.server = server
        self.notes = Notes()
        self.seconds = 0.0
        self.painter: Painter

    def go(self, for_seconds: float = 1e7) -> Run:
        """Paint to the end, or for `for_seconds` of virtual time."""
        trio.run(self._go, for_seconds, clock=trio.testing.MockClock(autojump_threshold=0))
        return self

    async def _go(self, for_seconds: float) -> None:
        transport = httpx.MockTransport(self.server.handle)
        start = trio.current_time()
        with trio.move_on_after(for_seconds):
            async with ApiClient(httpx.URL("http://model.test/sub/"), transport) as api:
                self.painter = Painter(api, self.job, self.notes, random.Random(3))
                try:
                    await self.painter.run()
                finally:
                    self.seconds = trio.current_time() - start
