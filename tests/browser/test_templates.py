"""Templates in a real browser: added in every way, drawn, moved, counted, kept and shared."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.browser.canvas_page import CanvasPage
from tests.browser.image_server import ImageServer
from tests.browser.test_page import PHONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, FilePayload, Locator

    from tests.browser.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]  # several waits, each with its own limit

WHITE, BLACK, RED, BLUE = 0, 3, 5, 13
SIDE = 8
TO_DO = SIDE * SIDE - 1  # its first pixel is transparent
OPAQUE = "100"

_HAND_OVER = """([type, base64]) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
    const data = new DataTransfer()
    data.items.add(new File([bytes], `${type}.png`, { type: 'image/png' }))
    const event = type === 'paste'
        ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true })
        : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })
    document.body.dispatchEvent(event)
}"""


class Panel:
    """A window with the templates' panel open."""

    def __init__(self, window: CanvasPage) -> None:
        self.window = window
        self.element = window.page.locator(".templates")

    def open(self) -> None:
        """Open it, wherever it is closed."""
        self.window.page.get_by_role("button", name="Templates").click()
        self.element.wait_for()

    def add(self, *files: FilePayload) -> None:
        """Choose files, and wait until they are converted."""
        before = self.rows.count()
        self.element.locator("input[type=file]").set_input_files(list(files))
        self.wait_for_rows(before + len(files))

    def wait_for_rows(self, count: int) -> None:
        """Wait until there are so many templates, and all are converted."""
        self.window.wait_until(
            lambda: self.rows.count() == count and "…" not in "".join(self.rows.locator("summary").all_inner_texts()),
            f"{count} templates",
        )

    @property
    def rows(self) -> Locator:
        """The templates, the topmost first."""
        return self.element.locator("li")

    @property
    def count(self) -> str:
        """What the topmost template says of its progress."""
        return self.rows.nth(0).locator("summary span").inner_text()

    def wait_for_count(self, right: int, left: int) -> None:
        """Wait until the topmost template says this."""
        self.window.wait_until(lambda: self.count == f"{right} right, {left} to do", f"{right} right, {left} to do")

    def press(self, name: str) -> None:
        """Press one of the topmost template's buttons."""
        self.rows.nth(0).get_by_role("button", name=name, exact=True).click()

    def field(self, name: str) -> Locator:
        """One of the topmost template's fields."""
        if name == "Style":  # whose label has the options' texts in it
            return self.rows.nth(0).get_by_role("combobox", name=name)
        return self.rows.nth(0).get_by_label(name, exact=True)

    def set(self, **values: str) -> None:
        """Set numbers and the style."""
        for name, value in values.items():
            field = self.field(name.capitalize())
            if name == "style":
                field.select_option(value)
            else:
                field.fill(value)
                field.dispatch_event("change")

    def value(self, name: str) -> str:
        """What is in a field."""
        return self.field(name).input_value()

    @property
    def place(self) -> tuple[int, int]:
        """Where the topmost template is."""
        return int(self.value("X")), int(self.value("Y"))

    def wait_until_drawn(self, x: int, y: int, color: tuple[int, int, int]) -> None:
        """Wait until the middle of a canvas pixel has a colour, of which each channel may be off by 2."""
        self.window.wait_until(
            lambda: self.window.drawn(x, y) == pytest.approx(color, abs=2),
            f"{color} at {x}, {y}",
        )


def png(colors: list[tuple[int, int, int]], *, size: tuple[int, int] = (SIDE, SIDE), times: int = 1) -> bytes:
    """A picture whose pixel number i has colors[i % len(colors)]; the first is transparent."""
    image = Image.new("RGBA", size)
    image.putdata([(*colors[i % len(colors)], 255 if i else 0) for i in range(size[0] * size[1])])
    file = io.BytesIO()
    image.resize((size[0] * times, size[1] * times), Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()


def payload(body: bytes, name: str = "template.png") -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": body}


@pytest.fixture
def red(server: ServerProcess) -> bytes:
    return png([server.palette()[RED]])


@pytest.fixture
def images(red: bytes) -> Iterator[ImageServer]:
    with ImageServer({"/open/red.png": red, "/closed/red.png": red}) as server:
        yield server


@pytest.fixture
def new_panel(server: ServerProcess, new_context: Callable[..., BrowserContext]) -> Iterator[Callable[..., Panel]]:
    """Opens windows with the panel; in the end nothing may have been said on the consoles but what is expected."""
    complaints: list[str] = []

    def new(context: BrowserContext | None = None, url: str = "", *, complains: bool = False, **options: Any) -> Panel:
        context = context or new_context(**{"viewport": {"width": 1000, "height": 700}, **options})
        window = CanvasPage(context.new_page())
        if not complains:
            window.page.on("console", lambda message: complaints.append(message.text))
            window.page.on("pageerror", lambda error: complaints.append(str(error)))
        window.open(url or server.url)
        panel = Panel(window)
        panel.open()
        return panel

    yield new
    assert complaints == []


def test_a_file_is_drawn_over_the_canvas_in_its_colours(
    server: ServerProcess, new_panel: Callable[..., Panel], red: bytes
) -> None:
    color = server.palette()[RED]
    panel = new_panel()
    panel.add(payload(red))
    x, y = panel.place
    assert x <= 32 < x + SIDE  # in the middle
    assert y <= 24 < y + SIDE
    panel.wait_for_count(0, TO_DO)
    panel.set(opacity=OPAQUE)
    panel.wait_until_drawn(x + 1, y, color)
    panel.wait_until_drawn(x + SIDE - 1, y + SIDE - 1, color)
    panel.wait_until_drawn(x, y, server.palette()[WHITE])  # transparent
    panel.wait_until_drawn(x + SIDE, y, server.palette()[WHITE])  # beside it
    panel.set(opacity="40")
    panel.wait_until_drawn(x + 1, y, tuple(round(0.4 * c + 0.6 * 255) for c in color))
    panel.press("Hide")
    panel.wait_until_drawn(x + 1, y, server.palette()[WHITE])


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_an_image_is_pasted_or_dropped_anywhere(new_panel: Callable[..., Panel], red: bytes, way: str) -> None:
    panel = new_panel()
    panel.window.page.evaluate(_HAND_OVER, [way, base64.b64encode(red).decode()])
    panel.wait_for_rows(1)
    panel.wait_for_count(0, TO_DO)
    assert panel.rows.locator("summary b").all_inner_texts() == [f"{way}.png"]


def test_an_address_is_fetched_without_telling_who_asks(
    new_panel: Callable[..., Panel], images: ImageServer
) -> None:
    panel = new_panel()
    panel.window.page.context.add_cookies([{"name": "secret", "value": "1", "url": images.url}])
    panel.element.get_by_role("textbox").fill(images.url + "/open/red.png")
    panel.element.get_by_role("button", name="Add", exact=True).click()
    panel.wait_for_rows(1)
    panel.wait_for_count(0, TO_DO)
    [asked] = images.asked
    assert asked.path == "/open/red.png"
    assert not {"cookie", "referer", "authorization"} & asked.headers.keys()


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/closed/red.png", "does not allow other sites to use its images"),
        ("/open/none.png", "does not give the image: 404"),
    ],
)
def test_why_an_address_gives_no_template_is_told(
    new_panel: Callable[..., Panel], images: ImageServer, path: str, told: str
) -> None:
    panel = new_panel(complains=True)  # the browser logs the refusal
    panel.element.get_by_role("textbox").fill(images.url + path)
    panel.element.get_by_role("button", name="Add", exact=True).click()
    panel.window.wait_until(lambda: told in panel.window.message, told)
    assert images.url.removeprefix("http://") in panel.window.message
    assert panel.rows.count() == 0


def test_an_address_where_nobody_answers_is_told(new_panel: Callable[..., Panel], images: ImageServer) -> None:
    panel = new_panel(complains=True)
    panel.element.get_by_role("textbox").fill("http://127.0.0.1:1/a.png")
    panel.element.get_by_role("button", name="Add", exact=True).click()
    panel.window.wait_until(lambda: "127.0.0.1:1 does not give the image" in panel.window.message, "it is told")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"no image", "can’t read that as an image"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "can’t read that as an image"),
        (png([(0, 0, 0)], size=(4097, 1)), "4097 × 1 is not possible. Allowed: ≤ 4096 × 4096"),
        (bytes(8_000_001), "8.0 MB is not possible. Allowed: ≤ 8 MB"),
    ],
    ids=["no image", "svg", "too wide", "too large"],
)
def test_a_file_that_can_not_be_a_template_is_refused(new_panel: Callable[..., Panel], body: bytes, told: str) -> None:
    panel = new_panel(complains=True)  # a worker's error is logged
    panel.element.locator("input[type=file]").set_input_files(payload(body))
    panel.window.wait_until(lambda: told in panel.window.message, told)
    assert panel.rows.count() == 0


def test_a_seventeenth_template_is_refused(new_panel: Callable[..., Panel], red: bytes) -> None:
    panel = new_panel()
    panel.add(*[payload(red)] * 16)
    panel.element.locator("input[type=file]").set_input_files(payload(red))
    panel.window.wait_until(lambda: "at most 16 templates" in panel.window.message, "it is told")
    assert panel.rows.count() == 16


def test_numbers_move_and_size_it_and_wrong_ones_are_refused(
    server: ServerProcess, new_panel: Callable[..., Panel], red: bytes
) -> None:
    color = server.palette()[RED]
    panel = new_panel()
    panel.add(payload(red))
    panel.set(x="3", y="-2", opacity=OPAQUE)
    panel.wait_for_count(0, SIDE * (SIDE - 2))  # two rows hang out of the canvas
    panel.wait_until_drawn(3, 0, color)
    panel.wait_until_drawn(2, 0, server.palette()[WHITE])
    panel.set(width="16")
    panel.wait_for_count(0, 16 * 14)  # the transparent pixel is out of the canvas
    panel.wait_until_drawn(18, 13, color)
    for name, value in ("x", "4097"), ("width", "0"), ("y", "1.5"), ("x", ""):
        panel.window.page.evaluate("document.getElementById('message').textContent = ''")
        panel.set(**{name: value})
        panel.window.wait_until(
            lambda name=name: f"{name}=" in panel.window.message and "Allowed" in panel.window.message, f"{name} is told"
        )
        panel.field("Style").focus()
    panel.window.wait_until(lambda: panel.place == (3, -2) and panel.value("Width") == "16", "the fields are set back")


def test_an_enlarged_image_gets_its_own_pixels_back(server: ServerProcess, new_panel: Callable[..., Panel]) -> None:
    palette = server.palette()
    panel = new_panel()
    panel.add(payload(png(palette[1:], times=6)))
    panel.set(width=str(SIDE), x="10", y="10", opacity=OPAQUE)
    panel.wait_for_count(0, TO_DO)
    for x in 1, 5:
        panel.wait_until_drawn(10 + x, 10, palette[1 + x])


def test_dots_leave_the_pixels_edges_to_the_canvas(
    server: ServerProcess, new_panel: Callable[..., Panel], red: bytes
) -> None:
    palette = server.palette()
    panel = new_panel()
    panel.add(payload(red))
    panel.set(opacity=OPAQUE, style="dots")
    x, y = panel.place
    scale = panel.window.state()["view"]["scale"]
    panel.wait_until_drawn(x + 3, y + 3, palette[RED])
    for part in (0.3, 0.4):
        assert panel.window.drawn(x + 3, y + 3, beside_px=part * scale) == palette[WHITE]


def test_only_what_differs_veils_what_is_right_as_edits_arrive(
    server: ServerProcess, new_panel: Callable[..., Panel], red: bytes
) -> None:
    palette = server.palette()
    panel = new_panel()
    panel.add(payload(red))
    panel.set(opacity=OPAQUE, style="differs")
    x, y = panel.place
    panel.wait_until_drawn(x + 3, y + 3, palette[RED])
    server.paint(x + 3, y + 3, RED)
    panel.wait_until_drawn(x + 3, y + 3, (128, 128, 128))
    panel.wait_until_drawn(x + 4, y + 3, palette[RED])
    server.paint(x + 3, y + 3, BLUE)
    panel.wait_until_drawn(x + 3, y + 3, palette[RED])


def test_the_counts_follow_the_edits(server: ServerProcess, new_panel: Callable[..., Panel], red: bytes) -> None:
    panel = new_panel()
    panel.add(payload(red))
    x, y = panel.place
    for color, right in (RED, 1), (RED, 1), (BLUE, 0), (RED, 1):
        server.paint(x + 2, y + 2, color)
        panel.wait_for_count(right, TO_DO - right)
    server.paint(x, y, RED)  # transparent
    server.paint(x + SIDE, y, RED)  # beside it
    server.paint(x + SIDE - 1, y, RED)
    panel.wait_for_count(2, TO_DO - 2)


def test_each_jump_leads_to_another_wrong_pixel(
    server: ServerProcess, new_panel: Callable[..., Panel], red: bytes
) -> None:
    panel = new_panel()
    panel.add(payload(red))
    x, y = panel.place
    left = {(x + 2, y + 3), (x + 7, y + 7)}
    for i in range(1, SIDE * SIDE):
        if (x + i % SIDE, y + i // SIDE) not in left:
            server.paint(x + i % SIDE, y + i // SIDE, RED)
    panel.wait_for_count(TO_DO - 2, 2)
    seen = set()
    for _ in range(2):
        panel.press("Next to do")
        panel.window.wait_until(lambda: any(outlined(panel, *pixel) for pixel in left - seen), "it is outlined")
        seen |= {pixel for pixel in left - seen if outlined(panel, *pixel)}
        assert panel.window.state()["view"]["scale"] >= 16
    assert seen == left
    for pixel in left:
        server.paint(*pixel, RED)
    panel.window.wait_until(
        lambda: panel.rows.get_by_role("button", name="Next to do").is_disabled(), "nothing is left to do"
    )


def outlined(panel: Panel, x: int, y: int) -> bool:
    """Whether a pixel in the middle part of the window has the jump's outline: black around white."""
    at_x, at_y = panel.window.place_of(x, y)
    half = panel.window.state()["view"]["scale"] / 2
    if not (100 < at_x < 900 and 100 < at_y < 600):
        return False
    return panel.window.drawn(x, y, beside_px=half + 3) == (0, 0, 0)


def test_a_mouse_drags_it_instead_of_the_canvas(new_panel: Callable[..., Panel], red: bytes) -> None:
    panel = new_panel()
    panel.add(payload(red))
    panel.press("Drag")
    x, y = panel.place
    view = panel.window.state()["view"]
    mouse = panel.window.page.mouse
    mouse.move(*panel.window.place_of(x + 2, y + 2))
    mouse.down()
    mouse.move(*panel.window.place_of(x - 9, y + 8), steps=7)
    mouse.up()
    panel.window.wait_until(lambda: panel.place == (x - 11, y + 6), "it lies where it was dragged to")
    assert panel.window.state()["view"] == view
    panel.wait_for_count(0, TO_DO)
    mouse.move(*panel.window.place_of(5, 40))  # beside it, a drag moves the canvas
    mouse.down()
    mouse.move(*panel.window.place_of(9, 36), steps=5)
    mouse.up()
    assert panel.window.state()["view"] != view
    assert panel.place == (x - 11, y + 6)


def test_on_a_phone_a_finger_drags_it_and_nothing_hangs_out(new_panel: Callable[..., Panel], red: bytes) -> None:
    panel = new_panel(**PHONE)
    panel.add(payload(red))
    panel.press("Go there")
    panel.press("Drag")
    x, y = panel.place
    touch = panel.window.page.context.new_cdp_session(panel.window.page)
    start, end = panel.window.place_of(x + 2, y + 2), panel.window.place_of(x + 5, y + 1)
    for kind, part in ("Start", 0), ("Move", 0.3), ("Move", 0.7), ("Move", 1), ("End", 1):
        at = {"x": start[0] + part * (end[0] - start[0]), "y": start[1] + part * (end[1] - start[1])}
        points = [] if kind == "End" else [at]
        touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    panel.window.wait_until(lambda: panel.place == (x + 3, y - 1), "it lies where it was dragged to")
    edges = panel.window.ask(
        "Array.from(document.querySelectorAll('.templates, .templates *'), (e) => e.getBoundingClientRect().right)"
    )
    assert max(edges) <= 390


def test_what_was_added_is_kept_over_a_reload(new_panel: Callable[..., Panel], red: bytes, images: ImageServer) -> None:
    panel = new_panel()
    panel.add(payload(red, "from a file.png"))
    panel.element.get_by_role("textbox").fill(images.url + "/open/red.png")
    panel.element.get_by_role("button", name="Add", exact=True).click()
    panel.wait_for_rows(2)
    panel.set(x="5", y="6", opacity="75", style="dots")
    panel.window.page.reload()
    panel.window.wait_until_live()
    panel.open()
    panel.wait_for_rows(2)
    assert panel.rows.locator("summary b").all_inner_texts() == ["red.png", "from a file.png"]
    kept = (panel.place, panel.value("Opacity"), panel.value("Style"))
    assert kept == ((5, 6), "75", "dots")
    assert len(images.asked) == 1
    panel.press("Remove")
    panel.wait_for_rows(1)
    panel.window.page.reload()
    panel.window.wait_until_live()
    panel.open()
    panel.wait_for_rows(1)
    assert panel.rows.locator("summary b").all_inner_texts() == ["from a file.png"]


def test_a_link_shows_templates_to_others_who_choose_to_keep_them(
    server: ServerProcess, new_panel: Callable[..., Panel], new_context: Callable[..., BrowserContext], red: bytes,
    images: ImageServer,
) -> None:  # fmt: skip
    sharing = new_panel(permissions=["clipboard-read", "clipboard-write"])
    sharing.element.get_by_role("textbox").fill(images.url + "/open/red.png")
    sharing.element.get_by_role("button", name="Add", exact=True).click()
    sharing.wait_for_rows(1)
    sharing.set(x="9", y="11", opacity=OPAQUE)
    sharing.add(payload(red, "private.png"))
    sharing.element.get_by_role("button", name="Copy link").click()
    sharing.window.wait_until(lambda: sharing.window.message == "Link copied.", "the link is copied")
    link = sharing.window.ask("navigator.clipboard.readText()")

    other = new_context(viewport={"width": 1000, "height": 700})
    guest = new_panel(other, link)
    guest.wait_for_rows(1)
    assert (guest.place, guest.value("Opacity")) == ((9, 11), OPAQUE)
    guest.wait_until_drawn(10, 11, server.palette()[RED])

    later = new_panel(other)
    assert later.rows.count() == 0  # nobody chose to keep it
    guest.press("Keep")
    guest.window.wait_until(lambda: guest.rows.get_by_role("button", name="Keep").is_hidden(), "it is kept")
    guest.set(x="12")
    guest.window.page.reload()  # the link is still in the address
    guest.window.wait_until_live()
    guest.open()
    guest.wait_for_rows(1)
    assert guest.place == (12, 11)
    assert new_panel(other).rows.count() == 1


def test_what_is_wrong_in_a_link_is_told(new_panel: Callable[..., Panel], server: ServerProcess) -> None:
    panel = new_panel(url=server.url + "#t=https%3A%2F%2Fimg.example%2Fa.png,1,nowhere")
    panel.window.wait_until(
        lambda: panel.window.message == "y=nowhere is not possible. Allowed: -4096 – 4096", "it is told"
    )


def test_another_palette_and_size_get_the_template_converted_anew(
    server: ServerProcess, new_panel: Callable[..., Panel], tmp_path: Path
) -> None:
    panel = new_panel(complains=True)  # while the server is away
    panel.add(payload(png([server.palette()[RED]])))
    panel.set(opacity=OPAQUE)
    server.kill()
    server.forget()
    palette = tmp_path / "palette.json"
    palette.write_text(json.dumps(["#102030", "#ff2010", "#ffffff"]))
    server.start("--palette", str(palette), "--width", "40", "--height", "30")
    panel.window.wait_until(lambda: panel.window.state()["width"] == 40, "the page has the other canvas")
    panel.set(x="38", y="20")
    panel.wait_for_count(0, 2 * SIDE - 1)
    panel.wait_until_drawn(39, 20, (255, 32, 16))
    server.paint(39, 20, 1)
    panel.wait_for_count(1, 2 * SIDE - 2)
