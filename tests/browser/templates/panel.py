"""The templates' panel in a window, and images for it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Locator

    from tests.browser.canvas_page import CanvasPage

WHITE, RED, BLUE = 0, 5, 13
SIDE = 8
TO_DO = SIDE * SIDE - 1  # its first pixel is transparent
OPAQUE = "100"

_KEPT = """new Promise(async (resolve) => {
    const [{ name }] = await indexedDB.databases()
    const opening = indexedDB.open(name)
    opening.onsuccess = () => {
        const asked = opening.result.transaction('templates').objectStore('templates').getAll()
        asked.onsuccess = () => resolve(asked.result.map(({ x, y, opacity, style }) => [x, y, opacity, style]))
        opening.result.close()
    }
})"""


class Panel:
    """A window with the templates' panel open."""

    def __init__(self, window: CanvasPage) -> None:
        self.window = window
        self.element = window.page.locator(".templates")

    def open(self) -> None:
        """Open the panel if it is closed."""
        self.window.page.get_by_role("button", name="Templates").click()
        self.element.wait_for()
        self.window.wait_for_looks()

    def add(self, *files: FilePayload) -> None:
        """Choose files, and wait until they are converted."""
        before = self.rows.count()
        self.element.locator("input[type=file]").set_input_files(list(files))
        self.wait_for_rows(before + len(files))

    def wait_for_rows(self, count: int) -> None:
        """Wait until there are `count` templates, and all are converted."""
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
        """The topmost template's text about its progress."""
        return self.rows.nth(0).locator("summary span").inner_text()

    def wait_for_count(self, right: int, left: int) -> None:
        """Wait until the topmost template's progress is `right` and `left`."""
        self.window.wait_until(lambda: self.count == f"{right} right, {left} to do", f"{right} right, {left} to do")

    def press(self, name: str) -> None:
        """Press one of the topmost template's buttons."""
        self.rows.nth(0).get_by_role("button", name=name, exact=True).click()

    def wait_for_message(self, part: str) -> None:
        """Wait until the page shows a message with this part."""
        self.window.wait_until(lambda: part in self.window.message, part)

    def add_address(self, url: str) -> None:
        """Add the image at an address, without waiting for it."""
        self.element.get_by_role("textbox").fill(url)
        self.element.get_by_role("button", name="Add", exact=True).click()

    def reload(self) -> None:
        """Load the page again, and open the panel."""
        self.window.page.reload()
        self.window.wait_until_live()
        self.open()

    def field(self, name: str) -> Locator:
        """One field of the topmost template."""
        if name == "Style":  # its label includes the options' texts
            return self.rows.nth(0).get_by_role("combobox", name=name)
        return self.rows.nth(0).get_by_label(name, exact=True)

    def wait_until_kept(self, *templates: tuple[int, int, int, str]) -> None:
        """Wait until the browser has stored templates with these places, opacities and styles, the lowest one first."""
        self.window.wait_until(
            lambda: [tuple(kept) for kept in self.window.ask(_KEPT)] == list(templates), f"kept is {templates}"
        )

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
        """The value in a field."""
        return self.field(name).input_value()

    @property
    def place(self) -> tuple[int, int]:
        """Where the topmost template is."""
        return int(self.value("X")), int(self.value("Y"))

    def wait_until_drawn(self, x: int, y: int, color: tuple[int, int, int]) -> None:
        """Wait until the middle of a canvas pixel has a colour, within 2 in each channel."""
        self.window.wait_until(
            lambda: self.window.drawn(x, y) == pytest.approx(color, abs=2),
            f"{color} at {x}, {y}",
        )

    def wait_until_all_drawn(self, x: int, y: int, colors: dict[tuple[int, int], tuple[int, int, int]]) -> None:
        """Wait until the middles of several canvas pixels, offsets from x, y, have colours; see `wait_until_drawn`."""
        self.window.wait_until(
            lambda: np.abs(np.subtract(self.window.drawn_beside(x, y, list(colors)), list(colors.values()))).max() <= 2,
            f"{colors} beside {x}, {y}",
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
