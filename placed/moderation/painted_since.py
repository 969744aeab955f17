"""Notes which pixels anybody else paints after an act's record, while the desk does the act. Pure: imports numpy.

    told of runs      | before the act's record | after it ...
    act not yet known | kept                    | kept
    `begin`           | dropped                 | in the mask, at once from then on

The desk knows an act's offset only once the act is in the log, and by then the reader may have gone past it already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from placed.canvas.events import Correction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.canvas.change import Change
    from placed.canvas.events import Run


class Since:
    """The pixels painted since one act's record. Its `note` gets each applied run of records, from before the act on.

    Attributes:
        mask: bool, shape (height, width) as given to `begin`: the pixels that anybody but the act has painted.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[Run, Change]] = []  # of a few seconds at most: until the append has come back
        self._act: int | None = None
        self.mask: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)

    def note(self, run: Run, change: Change) -> None:
        """Note that these records were applied, with this change."""
        if change.pixels is None:
            return
        if self._act is None:
            self._kept.append((run, change))
        else:
            self._mark(run, change, self._act)

    def begin(self, act: int, shape: tuple[int, int]) -> None:
        """Begin with the act's offset `act`, and the height and width of the canvas that it paints on."""
        self._act, self.mask = act, np.zeros(shape, np.bool_)
        for run, change in self._kept:
            self._mark(run, change, act)
        self._kept.clear()

    def _mark(self, run: Run, change: Change, act: int) -> None:
        if isinstance(run.event, Correction) and run.event.act == act:
            return
        assert change.pixels is not None
        later = np.repeat(run.offsets, run.counts) > act
        height, width = self.mask.shape
        # The canvas may have grown meanwhile: the act paints nothing on the new part.
        is_there = later & (change.pixels["y"] < height) & (change.pixels["x"] < width)
        pixels = change.pixels[is_there]
        self.mask[pixels["y"], pixels["x"]] = True

    def left(self, pixels: NDArray[np.void]) -> NDArray[np.void]:
        """The given pixels of the act that nobody else has painted; fields x and y, shape (n,)."""
        left: NDArray[np.void] = pixels[~self.mask[pixels["y"], pixels["x"]]]
        return left
