"""How the canvas is shown, in a real browser: crisp at any ratio, moved by any hand, right after everything.

The parts are put together here by themselves, in the page's place: what is tested is `screen.js`, its layers and
`gestures.js`, with a canvas of any size and content, and not what the page does with a tap.
"""

from __future__ import annotations

import io
import itertools
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tests.browser.canvas_page import CanvasPage
from tests.browser.server_process import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from playwright.sync_api import BrowserContext, CDPSession

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit

WINDOW = {"width": 700, "height": 500}
PALETTE = ["#ffffff", "#000000", "#e50000", "#0083c7", "#02be01", "#e5d900", "#888888", "#cf6ee4"]
RGB = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in PALETTE], np.uint8)
BIAS = 1 / 1024  # as in tiles.js: a pixel's edge in the middle of a device pixel

_PUT_TOGETHER = """async ([width, height, palette, indexes]) => {
    const names = ['canvas', 'screen', 'grid', 'glow', 'gestures', 'viewport']
    const parts = await Promise.all(names.map((name) => import(new URL(`client/${name}.js`, location.href).href)))
    const { Canvas, Screen, Grid, Glow, listenToGestures, line } = Object.assign({}, ...parts)
    document.body.replaceChildren()
    document.body.style.background = '#fff'
    const element = document.createElement('canvas')
    element.style.cssText = 'position: fixed; inset: 0; width: 100%; height: 100%; touch-action: none'
    document.body.append(element)
    const screen = new Screen(element)
    const canvas = new Canvas(width, height, palette)
    canvas.load(Uint8Array.from(indexes))
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
        self.page.evaluate(_PUT_TOGETHER, [width, height, PALETTE, indexes.ravel().tolist()])
        self.held = indexes.copy()

    def two_frames(self) -> None:
        """Wait until what was asked for is drawn."""
        self.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def edit(self, *edits: tuple[int, int, int]) -> None:
        """Apply edits as the stream does."""
        self.page.evaluate("(edits) => lab.screen.apply(Uint16Array.from(edits))", [n for edit in edits for n in edit])
        for x, y, color in edits:
            self.held[y, x] = color

    def view(self) -> tuple[float, float, float]:
        """Scale, left and top."""
        view = self.ask("lab.screen.view")
        return view["scale"], view["left"], view["top"]

    def seen(self) -> list[list[Any]]:
        """What the gestures told."""
        seen: list[list[Any]] = self.ask("lab.seen")
        return seen

    def shot(self) -> NDArray[np.uint8]:
        """The window as it is, in device pixels: shape (height, width, 3)."""
        with Image.open(io.BytesIO(self.page.screenshot())) as image:
            return np.asarray(image.convert("RGB"))

    def expected(self) -> NDArray[np.uint8]:
        """What the window has to show of the canvas, each device pixel looked up by itself; white beside it."""
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

    def assert_right(self) -> None:
        """What is seen is the canvas, to the last device pixel."""
        self.two_frames()
        differs = (self.shot() != self.expected()).any(axis=2)
        assert not differs.any(), f"{differs.sum()} device pixels differ, first {np.argwhere(differs)[0]}"


def noise(width: int, height: int) -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, len(PALETTE), (height, width), np.uint8)


@pytest.fixture(scope="module")
def page_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Serves the page's files; nobody paints on it."""
    server = ServerProcess(tmp_path_factory.mktemp("viewing") / "data")
    server.start()
    yield server
    server.close()


@pytest.fixture
def new_lab(page_server: ServerProcess, new_context: Callable[..., BrowserContext]) -> Callable[..., Lab]:
    """Makes windows with a canvas of noise; options are the browser's."""

    def new(width: int = 90, height: int = 70, **options: Any) -> Lab:
        lab = Lab(new_context(**{"viewport": WINDOW, **options}).new_page())
        lab.page.goto(page_server.url)
        lab.put_together(noise(width, height))
        return lab

    return new


class Fingers:
    """Touches, as a touchscreen sends them: one every 16 ms by its own clock, however busy this machine is."""

    def __init__(self, lab: Lab) -> None:
        self._link: CDPSession = lab.page.context.new_cdp_session(lab.page)
        self._seconds = time.time()

    def __call__(self, kind: str, *places: tuple[float, float], first: int = 0) -> None:
        """Fingers start or move at places, or end: all of them, or the one from there, numbered from `first` on."""
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places, first)]
        self._seconds += 0.016
        touch = {"type": f"touch{kind}", "touchPoints": points, "timestamp": self._seconds}
        self._link.send("Input.dispatchTouchEvent", touch)


@pytest.mark.parametrize("ratio", [1, 1.25, 1.5, 2, 3])
def test_pixels_are_crisp_at_any_device_pixel_ratio_and_zoom(new_lab: Callable[..., Lab], ratio: float) -> None:
    lab = new_lab(device_scale_factor=ratio)
    assert lab.ask("lab.element.width") == WINDOW["width"] * ratio
    for scale in (1, 2, 3.7, 7.25, 21, 64):
        lab.ask(f"lab.screen.lookAt(45, 35, {scale})")
        lab.assert_right()
    lab.ask("lab.screen.pan(-13.3, 7.7)")
    lab.assert_right()


def test_edits_are_drawn_where_they_are_and_nothing_else_changes(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(1100, 600, device_scale_factor=1.5)
    for scale, x, y in ((1, 512, 300), (5.3, 512, 512), (1, 1099, 0)):
        lab.ask(f"lab.screen.lookAt({x}, {y}, {scale})")
        lab.assert_right()
        for color in range(4):
            near = [(min(1099, max(0, x + d)), min(599, max(0, y - d)), (color + d) % 8) for d in range(-40, 40, 3)]
            lab.edit(*near)
            lab.page.wait_for_timeout(80)  # edits are gathered
            lab.assert_right()
    lab.ask("lab.screen.lookAt(20, 20, 2)")
    lab.edit(*((x, 30, 1) for x in range(1100)))
    lab.ask("lab.screen.lookAt(700, 30, 2)")
    lab.assert_right()


def test_a_canvas_zoomed_out_is_smooth_and_follows_edits(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    lab.put_together(np.indices((1500, 1500)).sum(axis=0).astype(np.uint8) % 2)  # a chessboard of single pixels
    lab.ask("lab.screen.fit()")
    for _ in range(3):
        lab.two_frames()
        middle = lab.shot()[150:350, 250:450].astype(int)
        assert (abs(middle - 127.5) < 3).all(), "what is seen of black and white by turns is grey all over"
        lab.ask("lab.screen.pan(0.7, 0.7)")
    lab.edit(*((x, y, 2) for x in range(700, 800) for y in range(700, 800)))
    lab.wait_until(lambda: (abs(lab.shot()[245:255, 345:355].astype(int) - RGB[2]) < 3).all(), "the edits are seen")


def test_the_view_is_right_after_the_window_is_resized(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    lab.ask("lab.screen.lookAt(40, 30, 9)")
    lab.assert_right()
    for size in ({"width": 431, "height": 777}, {"width": 1001, "height": 303}):
        lab.page.set_viewport_size(size)  # type: ignore[arg-type] # a TypedDict
        lab.wait_until(lambda size=size: lab.ask("lab.element.width") == size["width"], "the canvas follows")  # type: ignore[misc]
        lab.assert_right()
        scale, left, top = lab.view()
        assert (left + size["width"] / 2 / scale, top + size["height"] / 2 / scale) == pytest.approx(
            (40.5, 30.5), abs=0.2
        )


def test_the_canvas_follows_a_changed_device_pixel_ratio(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    lab.ask("lab.screen.lookAt(40, 30, 9)")
    before = lab.view()
    link = lab.page.context.new_cdp_session(lab.page)
    for ratio in (2, 1.25):
        metrics = {**WINDOW, "deviceScaleFactor": ratio, "mobile": False}
        link.send("Emulation.setDeviceMetricsOverride", metrics)
        lab.edit((40, 30, 3 if ratio == 2 else 4))  # an emulated ratio isn't told, but seen with whatever is drawn next
        lab.wait_until(lambda ratio=ratio: lab.ask("lab.element.width") == 700 * ratio, "it is noticed")  # type: ignore[misc]
        assert lab.ask("lab.element.height") == 500 * ratio
        assert lab.view() == before


def test_the_grid_is_seen_where_pixels_are_large_and_only_there(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(device_scale_factor=2)
    lab.ask("lab.grid.enabled = true")
    lab.ask("lab.screen.lookAt(45, 35, 7.9)")
    lab.assert_right()
    lab.ask("lab.screen.lookAt(45, 35, 16)")
    lab.two_frames()
    differs = (lab.shot() != lab.expected()).any(axis=2)
    _scale, left, top = lab.view()
    columns = (np.arange(differs.shape[1]) + round(left * 32)) % 32 == 0
    rows = (np.arange(differs.shape[0]) + round(top * 32)) % 32 == 0
    assert not differs[~rows][:, ~columns].any(), "beside the lines all is as it was"
    for lines in (differs[rows][:, columns.argmax() :], differs[:, columns].T[:, rows.argmax() :]):
        sides = lines[:, : lines.shape[1] // 32 * 32].reshape(-1, 32)  # each of one pixel, whatever its colour
        assert sides.any(axis=1).all(), "every pixel has its lines"
    lab.ask("lab.grid.enabled = false, lab.screen.invalidate()")
    lab.assert_right()


def test_pixels_that_change_glow_for_a_moment(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    lab.ask("lab.screen.lookAt(45, 35, 10)")
    lab.assert_right()
    lab.ask("lab.glow.enabled = true, lab.glow.add(Uint16Array.from([45, 35, 0])), lab.screen.invalidate()")
    lab.two_frames()
    assert (lab.shot() != lab.expected()).any()
    lab.wait_until(lambda: (lab.shot() == lab.expected()).all(), "it goes out by itself")


def test_nothing_glows_or_slides_where_less_motion_is_asked_for(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(reduced_motion="reduce", has_touch=True)
    lab.ask("lab.screen.lookAt(45, 35, 10)")
    lab.ask("lab.glow.enabled = true, lab.glow.add(Uint16Array.from([45, 35, 0])), lab.screen.invalidate()")
    lab.assert_right()
    lab.ask("lab.screen.lookAt(20, 20, 30, true)")
    assert lab.view()[0] == 30
    _flick(lab)
    before = lab.view()
    lab.two_frames()
    assert lab.view() == before


def test_looking_at_a_pixel_smoothly_ends_exactly_there(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    lab.ask("lab.screen.onLook = () => lab.seen.push(['look', 0, 0])")
    lab.ask("lab.screen.lookAt(70, 60, 25, true)")
    lab.wait_until(lambda: lab.view()[0] == pytest.approx(25), "it gets there")
    scale, left, top = lab.view()
    assert (left + 350 / scale, top + 250 / scale) == pytest.approx((70.5, 60.5))
    assert len(lab.seen()) > 1
    lab.assert_right()


def _flick(lab: Lab) -> None:
    fingers = Fingers(lab)
    fingers("Start", (400, 300))
    for x in range(390, 190, -25):
        fingers("Move", (x, 300))
    fingers("End")


def test_a_flicked_canvas_slides_on_and_comes_to_rest(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(has_touch=True)
    lab.ask("lab.screen.lookAt(20, 35, 30)")
    _flick(lab)
    after = lab.view()
    lab.wait_until(lambda: lab.view()[1] > after[1] + 0.5, "it slides on")

    def rests() -> bool:
        before = lab.view()
        lab.page.wait_for_timeout(100)
        return lab.view() == before

    lab.wait_until(rests, "it comes to rest")
    lab.assert_right()


def test_a_touch_stops_a_sliding_canvas(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(has_touch=True)
    lab.ask("lab.screen.lookAt(45, 35, 60)")
    lab.ask("lab.screen.fling(-3, 1)")
    lab.two_frames()
    Fingers(lab)("Start", (300, 200))
    stopped = lab.view()
    lab.two_frames()
    assert lab.view() == stopped


def test_a_trackpads_pinch_and_scroll_zoom_around_the_pointer(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    link = lab.page.context.new_cdp_session(lab.page)
    for modifiers, delta, factor in ((2, -23, 2 ** (1 / 3)), (0, -24, 2**0.1), (0, 48, 2**-0.2), (0, -240, 2)):
        lab.ask("lab.screen.lookAt(45, 35, 10)")
        scale, left, top = lab.view()
        under = left + 200 / scale, top + 100 / scale
        wheel = {"type": "mouseWheel", "x": 200, "y": 100, "deltaX": 0, "deltaY": delta, "modifiers": modifiers}
        link.send("Input.dispatchMouseEvent", wheel)
        lab.wait_until(lambda want=scale * factor: lab.view()[0] == pytest.approx(want), "it has zoomed")  # type: ignore[misc]
        scale, left, top = lab.view()
        assert (left + 200 / scale, top + 100 / scale) == pytest.approx(under)


def test_two_fingers_pinch_and_the_one_that_is_left_pans(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(has_touch=True)
    lab.ask("lab.screen.lookAt(45, 35, 10)")
    fingers = Fingers(lab)
    fingers("Start", (300, 250), (400, 250))
    fingers("Move", (250, 250), (450, 250))
    lab.wait_until(lambda: lab.view()[0] == pytest.approx(20), "it has zoomed in")
    fingers("End", (450, 250), first=1)
    _scale, left, top = lab.view()
    fingers("Move", (270, 240))
    lab.wait_until(lambda: lab.view()[1:] == pytest.approx((left - 1, top + 0.5)), "it has moved")
    fingers("End")
    assert lab.seen() == []


def test_a_second_tap_is_a_double_tap_only_where_the_first_one_painted_nothing(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(has_touch=True)
    for _ in range(2):
        lab.page.touchscreen.tap(300, 200)
    assert [what for what, *_ in lab.seen()] == ["tap", "tap"]
    lab.ask("lab.seen.length = 0, lab.paints = false")
    for _ in range(3):
        lab.page.touchscreen.tap(300, 200)
    lab.page.touchscreen.tap(400, 300)
    assert lab.seen() == [["tap", 300, 200], ["doubleTap", 300, 200], ["tap", 300, 200], ["tap", 400, 300]]


def test_a_finger_that_stays_picks_and_doesnt_tap(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(has_touch=True)
    fingers = Fingers(lab)
    fingers("Start", (300, 200))
    lab.wait_until(lab.seen, "it picks")
    fingers("Move", (350, 250))
    fingers("End")
    assert lab.seen() == [["pick", 300, 200]]


def test_the_middle_button_and_alt_click_pick(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    lab.page.mouse.click(300, 200, button="middle")
    lab.page.keyboard.down("Alt")
    lab.page.mouse.click(310, 200)
    lab.page.keyboard.up("Alt")
    lab.page.mouse.click(320, 200)
    assert lab.seen() == [["pick", 300, 200], ["pick", 310, 200], ["tap", 320, 200]]


def test_a_drag_while_drawing_draws_a_line_without_a_gap(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    lab.ask("lab.drawing = true")
    before = lab.view()
    lab.page.mouse.move(100, 100)
    lab.page.mouse.down()
    for place in ((500, 180), (120, 400), (130, 100)):
        lab.page.mouse.move(*place, steps=3)
    lab.page.mouse.up()
    seen = lab.seen()
    assert seen[0] == ["start", 100, 100]
    assert seen[-1] == ["end", 130, 100]
    assert {what for what, *_ in seen[1:-1]} == {"move"}
    assert lab.view() == before
    drawn = lab.ask("""lab.seen.slice(1).flatMap(([, x, y], i) => {
        const [, px, py] = lab.seen[i]
        return lab.line({ x: px, y: py }, { x, y })
    })""")
    steps = [max(abs(a["x"] - b["x"]), abs(a["y"] - b["y"])) for a, b in itertools.pairwise(drawn)]
    assert max(steps) == 1


def test_shift_draws_with_the_mouse_and_a_press_alone_is_a_tap(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    lab.page.keyboard.down("Shift")
    lab.page.mouse.click(100, 100)
    lab.page.mouse.move(200, 200)
    lab.page.mouse.down()
    lab.page.mouse.move(260, 200)
    lab.page.mouse.up()
    assert [what for what, *_ in lab.seen()] == ["tap", "start", "move", "end"]


def test_two_fingers_pinch_even_while_drawing(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab(has_touch=True)
    lab.ask("lab.drawing = true, lab.screen.lookAt(45, 35, 10)")
    fingers = Fingers(lab)
    fingers("Start", (300, 250))
    fingers("Move", (300, 280))
    fingers("Start", (300, 280), (400, 280))
    fingers("Move", (250, 280), (450, 280))
    fingers("End")
    assert [what for what, *_ in lab.seen()] == ["start", "move", "end"]
    assert lab.view()[0] == pytest.approx(20)


def test_what_is_claimed_is_dragged_instead_of_the_canvas(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    lab.ask("lab.claims = true")
    before = lab.view()
    lab.page.mouse.move(100, 100)
    lab.page.mouse.down()
    lab.page.mouse.move(130, 90)
    lab.page.mouse.move(140, 95)
    lab.page.mouse.up()
    assert lab.seen() == [["moved", 30, -10], ["moved", 10, 5], ["let go", 0, 0]]
    assert lab.view() == before
