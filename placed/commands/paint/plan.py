"""Plans what to paint: which pixels of the canvas differ from the picture, and in which order to paint them.

Pure: imports numpy only. Coordinates in a plan are the canvas' own; a picture's place is that of its top left pixel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Order = Literal["rows", "random", "center"]

_ORDER_SEED = 20170401  # any number, but always the same, so that a new plan goes on in the same order


@attrs.frozen(eq=False)
class Target:
    """The pixels that the canvas is to show.

    Attributes:
        x, y: where the picture's top left pixel goes, in canvas pixels.
        colors: palette indexes, uint8, shape (height, width).
        visible: the pixels to paint, bool, shape (height, width); other pixels stay as they are.
    """

    x: int
    y: int
    colors: NDArray[np.uint8]
    visible: NDArray[np.bool_]

    @property
    def pixels(self) -> int:
        """The number of visible pixels."""
        return int(self.visible.sum())

    def wrong(self, canvas: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """A mask of the picture's shape: the pixels where the whole canvas, shape (height, width), differs from it."""
        height, width = self.colors.shape
        part = canvas[self.y : self.y + height, self.x : self.x + width]
        differs: NDArray[np.bool_] = part != self.colors
        return differs & self.visible

    def edits(self, chosen: NDArray[np.bool_], order: Order) -> list[tuple[int, int, int]]:
        """The edits (x, y, color) that paint the chosen pixels, in order.

        Args:
            chosen: a mask of the pixels to paint, bool, of the picture's shape.
            order: "rows" goes row by row from the top, "random" all over the picture, "center" outwards from
                its middle. The same pixels come in the same order every time.
        """
        rows, columns = np.nonzero(chosen)
        by = _ranks(rows, columns, self.colors.shape, order)
        rows, columns = rows[by], columns[by]
        colors = self.colors[rows, columns]
        return list(zip((columns + self.x).tolist(), (rows + self.y).tolist(), colors.tolist(), strict=True))


def _ranks(rows: NDArray[np.intp], columns: NDArray[np.intp], shape: tuple[int, ...], order: Order) -> NDArray[np.intp]:
    if order == "random":
        # Drawn for the whole picture, so that a pixel's turn doesn't depend on the other wrong pixels.
        turn = np.random.default_rng(_ORDER_SEED).random(shape)
        return np.argsort(turn[rows, columns], kind="stable")
    if order == "center":
        height, width = shape
        distance = (2 * rows - (height - 1)) ** 2 + (2 * columns - (width - 1)) ** 2
        return np.argsort(distance, kind="stable")
    return np.arange(len(rows))


def misfit(x: int, y: int, width: int, height: int, canvas_width: int, canvas_height: int) -> str | None:
    """Why a picture of width x height at x, y isn't inside the canvas, and which size would be; None if it is."""
    canvas = f"the canvas of {canvas_width} x {canvas_height}"
    room_x, room_y = canvas_width - x, canvas_height - y
    if x < 0 or y < 0 or room_x < 1 or room_y < 1:
        return f"{x},{y} is outside {canvas}: allowed is 0,0 to {canvas_width - 1},{canvas_height - 1}"
    if width <= room_x and height <= room_y:
        return None
    # Whichever side is tighter, given alone, keeps the aspect and fits.
    size = f"{room_x}x" if room_x * height <= room_y * width else f"x{room_y}"
    return (
        f"the picture of {width} x {height} at {x},{y} reaches outside {canvas}: "
        f"at most {room_x} x {room_y} fits there (--size {size} would)"
    )
