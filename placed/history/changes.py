"""Changes: the pixels that some records set, with colour and author, as columns.

The changes of each pixel are in the log's order, but not those of different pixels: a segment has its edits in the
order of their pixels, and putting them into the log's order takes twice as long as all the rest. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import attrs
import numpy as np

from placed.history.ground import pixels_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.canvas.definition import Definition
    from placed.history.stretch import Stretch


@attrs.frozen(eq=False)
class Changes:
    """The changes that consecutive records make; the changes of one pixel are in the log's order.

    Attributes:
        pixel: y * width + x, uint32, shape (n,).
        color: palette indexes, uint8, shape (n,).
        author: uint64, shape (n,); 0 for a correction.
        act: int64, shape (n,); the act of a correction, otherwise `NO_ACT`.
    """

    pixel: NDArray[np.uint32]
    color: NDArray[np.uint8]
    author: NDArray[np.uint64]
    act: NDArray[np.int64]

    @classmethod
    def of(cls, stretch: Stretch, definition: Definition) -> Self:
        """The changes of a stretch's records; `definition` is the canvas's size and palette there."""
        rows = stretch.rows
        columns = (np.ascontiguousarray(rows[name]) for name in ("color", "author", "act"))
        return cls(pixels_of(rows, definition), *columns)

    def where(self, mask: NDArray[np.bool_]) -> Changes:
        """The changes for which the mask, shape (n,), is True."""
        return Changes(self.pixel[mask], self.color[mask], self.author[mask], self.act[mask])

    def on(self, width: int, wider: int) -> Changes:
        """The same changes, with pixels numbered for a canvas of the width `wider`; now they are for `width`."""
        if width == wider:
            return self
        y, x = np.divmod(self.pixel, np.uint32(width))
        return attrs.evolve(self, pixel=y * np.uint32(wider) + x)
