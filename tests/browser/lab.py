"""The canvas' screen by itself, in a real browser.

The page isn't there: this module puts together the parts itself. It tests `screen.js`, its layers and `gestures.js`
with a canvas of any size and content, but not what the page does with a tap. The window shows the source of
`screen.js`, where nothing else runs, and imports from there, because the page itself would load 65 files first.
"""

from __future__ import annotations

import base64
import io
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tests.browser.canvas_page import CanvasPage

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from playwright.sync_api import CDPSession

WINDOW = {"width": 700, "height": 500}
PALETTE = ["#ffffff", "#000000", "#e50000", "#0083c7", "#02be01", "#e5d900", "#888888", "#cf6ee4"]
RGB = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in PALETTE], np.uint8)
BIAS = 1 / 1024  # as in tiles.js: a pixel's edge in the middle of a device pixel

# The indexes as base64, because Playwright needs seconds to transfer an array of a million numbers.
_PUT_TOGETHER = """async ([width, height, palette, indexes]) => {
    const names = ['canvas/canvas', ...['screen', 'grid', 'glow', 'gestures', 'viewport'].map((name) => `view/${name}`)]
    const parts = await Promise.all(names.map((name) => import(new URL(`../${name}.js`, location.href).href)))
    const { Canvas, Screen, Grid, Glow, listenToGestures, line } = Object.assign({}, ...parts)
    document.body.replaceChildren()
    document.body.style.background = '#fff'
    const element = document.createElement('canvas')
    element.style.cssText = 'position: fixed; inset: 0; width: 100%; height: 100%; touch-action: none'
    document.body.append(element)
    const screen = new Screen(element)
    const canvas = new Canvas(width, height, palette)
    canvas.load(Uint8Array.from(atob(indexes), (letter) => letter.charCodeAt(0)))
    const [grid, glow] = [new Grid(), new Glow()]
    grid.enabled = false
    const lab = { screen, canvas, grid, glow, line, element, seen: [], drawing: false, paints: true, claims: false }
    const note = (...what) => lab.seen.push(what)
    listenToGestures(element, screen, {
        tap: (at) => { note('tap', at.x, at.y); return lab.paints },
        doubleTap: (at) => note('doubleTap', at.x, at.y),
        hover() {},
        pick: (at) => note('pick', at.x, at.y),
        drawing: () => lab.drawing,
        draw: (at, phase) => note(phase, at.x, at.y),
        drag: { claims: () => lab.claims, move: (dx, dy) => note('moved', dx, dy), end: () => note('let go', 0, 0) }
    })
    screen.layers.push(grid.draw, glow.draw)
    screen.show(canvas)
    window.lab = lab
}"""


class Lab(CanvasPage):
    """A window with a canvas of its own, `lab` in its JavaScript."""

    def put_together(self, indexes: NDArray[np.uint8]) -> None:
        """Show these palette indexes, of shape (height, width)."""
        height, width = indexes.shape
        self.page.evaluate(_PUT_TOGETHER, [width, height, PALETTE, base64.b64encode(indexes.tobytes()).decode()])
        self.held = indexes.copy()

    def stop_the_clock(self) -> None:
        """From now on, time passes in the page only through `pass_ms`."""
        self.page.clock.install(time=0)
        self.page.clock.pause_at(1)

    def pass_ms(self, ms: int) -> None:
        """Let time pass, frame by frame."""
        self.page.clock.run_for(ms)

    def two_frames(self) -> None:
        """Wait until requested changes are drawn."""
        self.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def edit(self, *edits: tuple[int, int, int]) -> None:
        """Apply edits as the stream does."""
        self.page.evaluate("(edits) => lab.screen.apply(Uint16Array.from(edits))", [n for edit in edits for n in edit])
        for x, y, color in edits:
            self.held[y, x] = color

    def view(self) -> tuple[float, float, float]:
        """Scale, left and top of the view."""
        view = self.ask("lab.screen.view")
        return view["scale"], view["left"], view["top"]

    def seen(self) -> list[list[Any]]:
        """The events that the gestures reported."""
        seen: list[list[Any]] = self.ask("lab.seen")
        return seen

    def shot(self) -> NDArray[np.uint8]:
        """The window as it is now, in device pixels: shape (height, width, 3)."""
        with Image.open(io.BytesIO(self.page.screenshot())) as image:
            return np.asarray(image.convert("RGB"))

    def expected(self) -> NDArray[np.uint8]:
        """The canvas as the window has to show it, each device pixel computed by itself; white outside the canvas."""
        scale, left, top = self.view()
        ratio = self.ask("devicePixelRatio")
        zoom = scale * ratio
        assert zoom >= 1
        shape = self.ask("[lab.element.height, lab.element.width]")
        at, inside = [], []
        for origin, length, count in zip((top, left), shape, self.held.shape, strict=True):
            device = np.arange(length) + np.floor(origin * zoom + 0.5)
            at.append(np.clip(np.floor((device + 0.5) / zoom + BIAS), 0, count - 1).astype(int))
            inside.append((device >= 0) & (device < np.floor(count * zoom + 0.5)))
        colors = RGB[self.held[np.ix_(*at)]]
        colors[~(inside[0][:, None] & inside[1][None, :])] = 255
        return colors

    def wait_until_right(self) -> None:
        """Wait until `assert_right` holds: edits are collected before they are drawn."""
        self.wait_until(lambda: (self.shot() == self.expected()).all(), "the edits are drawn, and nothing else changes")

    def assert_right(self) -> None:
        """Check that the window shows the canvas, to the last device pixel."""
        self.two_frames()
        differs = (self.shot() != self.expected()).any(axis=2)
        assert not differs.any(), f"{differs.sum()} device pixels differ, first {np.argwhere(differs)[0]}"


def noise(width: int, height: int) -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, len(PALETTE), (height, width), np.uint8)


class Fingers:
    """Touches, as a touchscreen sends them: one every 16 ms by its own clock, even if this machine is busy."""

    def __init__(self, lab: Lab) -> None:
        self._link: CDPSession = lab.page.context.new_cdp_session(lab.page)
        self._seconds = time.time()

    def __call__(self, kind: str, *places: tuple[float, float], first: int = 0) -> None:
        """Start, move or end touches: `places` are the fingers, numbered from `first` on; without places all end."""
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places, first)]
        self._seconds += 0.016
        touch = {"type": f"touch{kind}", "touchPoints": points, "timestamp": self._seconds}
        self._link.send("Input.dispatchTouchEvent", touch)


FLICKED_PX = 185


def flick(lab: Lab) -> None:
    """Throw the canvas to the left: drag it by `FLICKED_PX`, and let it slide."""
    fingers = Fingers(lab)
    fingers("Start", (400, 300))
    for x in range(390, 190, -25):
        fingers("Move", (x, 300))
    fingers("End")
