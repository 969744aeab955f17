"""The ground: a canvas at one version, with the pixels touched so far and the highest time.

The history applies stretches of the log to it.

Pure. Threads may not share a ground while one of them changes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.canvas.definition import Definition
    from placed.history.stretch import Stretch

CELLS: Final = 64  # cells along each side of the grid in which edits are counted
_ROWS: Final = 16_384  # counted at once: those of a whole segment would take 4 MB when memory use is highest


class Ground:
    """A canvas at one version, and what the history knows about it.

    Attributes:
        definition: the canvas's size and palette.
        version: the canvas has every record with a lower offset.
        canvas: the palette indexes, uint8, shape (height, width).
        highest_ms: the highest time of any record so far, in ms since the epoch; a log's times may go back when another
            broker takes over.
    """

    def __init__(
        self,
        definition: Definition,
        version: int,
        canvas: NDArray[np.uint8] | None = None,
        touched: NDArray[np.bool_] | None = None,
        highest_ms: int = 0,
    ) -> None:
        self.definition = definition
        self.version = version
        self.canvas = np.zeros((definition.height, definition.width), np.uint8) if canvas is None else canvas
        self._touched = None if touched is None else np.packbits(touched)  # for 4096 x 4096 pixels 2 MB, not 16
        self.highest_ms = highest_ms

    @property
    def touched(self) -> NDArray[np.bool_]:
        """The pixels that an edit has ever set: bool, shape (height * width,)."""
        pixels = self.definition.width * self.definition.height
        return np.unpackbits(self.touched_bits, count=pixels).view(np.bool_)

    @property
    def touched_bits(self) -> NDArray[np.uint8]:
        """The same with a bit for each pixel, the first pixel in the highest bit. Don't change this array."""
        if self._touched is None:
            return np.zeros(-(-self.definition.width * self.definition.height // 8), np.uint8)
        return self._touched

    def grow(self, definition: Definition) -> None:
        """Make the canvas larger, or add colours: the pixels stay where they are, and new ones are blank."""
        old = self.definition
        canvas = np.zeros((definition.height, definition.width), np.uint8)
        canvas[: old.height, : old.width] = self.canvas
        if self._touched is not None:
            touched = np.zeros(canvas.shape, np.bool_)
            touched[: old.height, : old.width] = self.touched.reshape(old.height, old.width)
            self._touched = np.packbits(touched)
        self.definition, self.canvas = definition, canvas

    def paint(self, stretch: Stretch, definition: Definition) -> None:
        """Apply a stretch to the canvas, but not to the rest of the ground."""
        if definition != self.definition:
            self.grow(definition)
        pixel = pixels_of(stretch.rows, definition)
        self.canvas.reshape(-1)[pixel] = stretch.rows["color"]  # in order: the last edit of a pixel wins

    def apply(self, stretch: Stretch, definition: Definition) -> None:
        """Apply a stretch that begins at this version; `definition` is the canvas's size and palette at its rows."""
        self.paint(stretch, definition)
        touched = self.touched
        touched[pixels_of(stretch.rows, definition)] = True
        self._touched = np.packbits(touched)
        self.highest_ms = max(self.highest_ms, highest_ms(stretch))
        self.version = stretch.end

    def copy(self) -> Ground:
        """An independent copy."""
        other = Ground(self.definition, self.version, self.canvas.copy(), highest_ms=self.highest_ms)
        other._touched = self._touched
        return other


def pixels_of(rows: NDArray[np.void], definition: Definition) -> NDArray[np.uint32]:
    """The rows' pixels, as y * width + x: uint32, shape (n,)."""
    pixels: NDArray[np.uint32] = rows["y"].astype(np.uint32) * np.uint32(definition.width) + rows["x"]
    return pixels


def highest_ms(stretch: Stretch) -> int:
    """The highest time of a stretch's records, in ms since the epoch; 0 if it has none."""
    rows = int(stretch.rows["ms"].max()) if len(stretch.rows) else 0
    return max(rows, *(other.ms for other in stretch.others)) if stretch.others else rows


def cells_of(rows: NDArray[np.void], definition: Definition) -> NDArray[np.int64]:
    """How many rows lie in each cell of a grid of `CELLS` x `CELLS`: int64, shape (CELLS, CELLS)."""
    found = np.zeros((CELLS, CELLS), np.int64)
    for at in range(0, len(rows), _ROWS):
        part = rows[at : at + _ROWS]
        found += count_cells(part["x"].astype(np.uint32), part["y"].astype(np.uint32), definition)
    return found


def count_cells(x: NDArray[np.uint32], y: NDArray[np.uint32], definition: Definition) -> NDArray[np.int64]:
    """How many of these pixels lie in each cell: int64, shape (CELLS, CELLS)."""
    across, down = x * CELLS // definition.width, y * CELLS // definition.height
    return np.bincount(down * CELLS + across, minlength=CELLS * CELLS).reshape(CELLS, CELLS)
