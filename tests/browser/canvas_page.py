"""The page in a real browser: what it draws, what it knows, and a mouse that paints on it.

The page's read-only `window.placed` (documented in `client/main.js`) says what it knows; screenshots show what it
draws. To wait means to ask again, with a limit. Playwright's own wait evaluates code, which the page's
Content-Security-Policy forbids; without that policy the tests wouldn't test the page that people get.
"""

from __future__ import annotations

import base64
import contextlib
import io
import time
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from PIL import Image
from playwright.sync_api import Error, Page

from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tests.support.page_server import PageServer

T = TypeVar("T")
_listen = Page.on

LIMIT_SECONDS = PATIENCE_SECONDS  # a server that is slow to restart lets the page's back-off grow to 30 s
# A question takes 5 ms of CPU, so after a second the test asks less often.
_ASK_AGAIN_MS = 50
_ASK_LATER_MS = 100

# As base64, because Playwright needs seconds to transfer an array of a million numbers.
_INDEXES = """(() => {
    const indexes = placed.indexes()
    let binary = ''
    for (let i = 0; i < indexes.length; i += 8192) binary += String.fromCharCode(...indexes.subarray(i, i + 8192))
    return [btoa(binary), placed.width]
})()"""

# A canvas makes room for a bar one frame after the bar has appeared; a canvas that glides takes several frames.
_PLACE_AT_REST = """async ([x, y]) => {
    const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))
    let [before, at] = [null, placed.screenOf(x, y)]
    do {
        await frame();
        [before, at] = [at, placed.screenOf(x, y)]
    } while (before.x !== at.x || before.y !== at.y)
    return at
}"""

_LOOK = """(() => {
    window.rightAt = 0
    const looking = setInterval(() => {
        if (placed.connection !== 'live' || placed.version < %d) return
        window.rightAt = performance.now()
        clearInterval(looking)
    }, 5)
})()"""


class CanvasPage:
    """One window with the page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._collecting: list[tuple[str, Callable[[Any], None]]] = []

    def open(self, url: str) -> None:
        """Load the page, and wait until it is live."""
        self.page.goto(url)
        self.wait_until_live()

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        return self.page.evaluate(expression)

    def collect(self, event: str, told: Callable[[Any], T | None]) -> Callable[[], list[T]]:
        """Collect what the page's events of this kind tell from now on, except None. Call the result to get the list.

        Playwright passes on the browser's events only while somebody asks it something. So a list filled by `page.on`
        may lack an event, if the test has waited for its effect elsewhere, such as in the server. Here the list comes
        only after the page has answered a question: it has all events until now.
        """
        collected: list[T] = []

        def note(what: Any) -> None:
            said = told(what)
            if said is not None:
                collected.append(said)

        def until_now() -> list[T]:
            with contextlib.suppress(Error):  # a page that is unloading doesn't answer
                self.ask("0")
            return list(collected)

        # Not the page's own `on`: its caller has to end it, and otherwise the window would be spoilt for other tests.
        _listen(self.page, event, note)  # type: ignore[call-overload] # Playwright knows which events exist
        self._collecting.append((event, note))
        return until_now

    def stop_collecting(self) -> None:
        """End everything that `collect` has begun."""
        for event, note in self._collecting:
            self.page.remove_listener(event, note)
        self._collecting.clear()

    def requests(self, part: str = "") -> Callable[[], list[str]]:
        """The addresses with this part that the page requests from now on, like `collect`."""
        return self.collect("request", lambda request: request.url if part in request.url else None)

    def complaints(self) -> Callable[[], list[str]]:
        """The messages and errors in the page's console from now on, like `collect`.

        The console also has each answer that refuses. To listen to every answer would take 40 ms of CPU for each page
        load.
        """
        of = self.collect("console", lambda message: str(message.text)), self.collect("pageerror", str)
        return lambda: [complaint for each in of for complaint in each()]

    def wait_until(self, holds: Callable[[], object], what: str) -> None:
        """Ask again until `holds` returns a true value.

        Raises:
            AssertionError: it doesn't within `LIMIT_SECONDS`; `what` names the expectation.
        """
        began = time.monotonic()
        while not holds():
            waited = time.monotonic() - began
            assert waited < LIMIT_SECONDS, f"not within {LIMIT_SECONDS} s: {what}; the page: {self.state()}"
            self.page.wait_for_timeout(_ASK_AGAIN_MS if waited < 1 else _ASK_LATER_MS)

    def wait_until_live(self) -> None:
        """Wait until the page follows the stream and has caught up."""
        self.wait_until(lambda: self.connection == "live", "the page is live")

    def wait_for_looks(self) -> None:
        """Wait until every requested style sheet is there: a part of the page may show before its style sheet comes."""
        sheets = "[...document.querySelectorAll('link[rel=stylesheet]')].every(({ sheet }) => sheet)"
        self.wait_until(lambda: self.ask(sheets), "the style sheets are loaded")

    def wait_until_equal(self, server: PageServer) -> None:
        """Wait until the page is live, no own pixel is on its way, and its canvas is the server's, pixel by pixel.

        All earlier edits are then in both. The test requests the image at the server's version, because an image that
        is a second old would equal a page that doesn't have the last edits yet.
        """

        def equal() -> bool:
            served = server.canvas(server.canvas_version())
            state = self.state()
            same = (state["connection"], state["version"], state["log"]) == ("live", served.version, served.log)
            return same and not self.own_pixels() and np.array_equal(self.indexes(), served.indexes)

        self.wait_until(equal, "the page's canvas is the server's")

    def time_until_right(self, version: int) -> None:
        """Begin to watch, with the page's own clock, for the moment when it is live and at `version`; `right_after_ms`
        tells the time."""
        self.ask(_LOOK % version)

    def right_after_ms(self) -> float:
        """How long after `window.began`, a `performance.now()` that the test has set, the page was right."""
        self.wait_until(lambda: self.ask("window.rightAt"), "the page is right again")
        return float(self.ask("window.rightAt - window.began"))

    def state(self) -> dict[str, Any]:
        """The page's state, as it knows it."""
        names = "connection", "version", "log", "width", "height", "charges", "color", "view"
        state: dict[str, Any] = self.ask(f"({{ {', '.join(f'{name}: window.placed?.{name}' for name in names)} }})")
        return state

    @property
    def connection(self) -> str:
        """The page's own state: 'connecting', 'catching-up', 'live', 'read-only' or 'offline'."""
        return str(self.ask("window.placed?.connection"))

    def indexes(self) -> NDArray[np.uint8]:
        """The page's canvas: palette indexes of shape (height, width), without own pixels under way."""
        packed, width = self.ask(_INDEXES)
        return np.frombuffer(base64.b64decode(packed), np.uint8).reshape(-1, width)

    def own_pixels(self) -> list[tuple[int, int, int, str]]:
        """Own pixels under way, as (x, y, color, state)."""
        return [(p["x"], p["y"], p["color"], p["state"]) for p in self.ask("placed.ownPixels()")]

    def place_of(self, x: int, y: int) -> tuple[float, float]:
        """Where the middle of a canvas pixel is in the window, in CSS pixels, once the view is at rest."""
        place = self.page.evaluate(_PLACE_AT_REST, [x, y])
        return place["x"], place["y"]

    def drawn(self, x: int, y: int, *, beside_px: float = 0) -> tuple[int, int, int]:
        """The colour really drawn in the middle of a canvas pixel, or `beside_px` CSS pixels to the left of it."""
        left, top = self.place_of(x, y)
        clip = {"x": round(left - beside_px), "y": round(top), "width": 1, "height": 1}
        with Image.open(io.BytesIO(self.page.screenshot(clip=clip))) as image:  # type: ignore[arg-type] # a TypedDict
            r, g, b = image.convert("RGB").getpixel((0, 0))  # type: ignore[misc] # RGB gives a triple
        return int(r), int(g), int(b)

    def drawn_beside(self, x: int, y: int, pixels: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
        """The colours in the middles of canvas pixels, from one picture; `pixels` are offsets from x, y."""
        left, top = self.place_of(x, y)
        scale = self.state()["view"]["scale"]
        with Image.open(io.BytesIO(self.page.screenshot())) as image:
            colors = np.asarray(image.convert("RGB"))
        places = [(round(top + scale * down), round(left + scale * right)) for right, down in pixels]
        return [(int(r), int(g), int(b)) for r, g, b in (colors[place] for place in places)]

    def drawn_pixel(self, x: int, y: int) -> NDArray[np.uint8]:
        """The inside of a canvas pixel as drawn: RGB, shape (height, width, 3) in CSS pixels."""
        left, top = self.place_of(x, y)
        half = int(self.state()["view"]["scale"] / 2) - 2
        clip = {"x": round(left) - half, "y": round(top) - half, "width": 2 * half, "height": 2 * half}
        with Image.open(io.BytesIO(self.page.screenshot(clip=clip))) as image:  # type: ignore[arg-type] # a TypedDict
            return np.asarray(image.convert("RGB"))

    def choose(self, color: int) -> None:
        """Choose a colour in the palette."""
        self.page.locator("#colors input").nth(color).check()

    def click(self, x: int, y: int) -> None:
        """Click on a canvas pixel."""
        self.page.mouse.click(*self.place_of(x, y))

    def tap(self, x: int, y: int) -> None:
        """Tap on a canvas pixel with a finger."""
        self.page.touchscreen.tap(*self.place_of(x, y))

    @property
    def message(self) -> str:
        """The message on the page, '' if there is none."""
        shown = self.page.locator("#message.shown")
        return shown.inner_text() if shown.count() else ""
