"""Keeps which pixels have been painted since an act's record, while the act is done. Pure: imports numpy.

    told of runs      | before the act's record | after it ...
    act not yet known | kept                    | kept
    `begin`           | dropped                 | in the mask, at once from then on

An act's offset is known only once it is in the log, and then a reader may have come past it already.
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
    """Of one act; told of each run of records that is applied, from before the act's record on.

    Attributes:
        mask: bool, shape (height, width), of the canvas that `begin` was told: what anybody but the act has painted.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[Run, Change]] = []  # of the seconds at most that an append and its way back may take
        self._act: int | None = None
        self.mask: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)

    def note(self, run: Run, change: Change) -> None:
        """These records were applied, and have changed that."""
        if change.pixels is None:
            return
        if self._act is None:
            self._kept.append((run, change))
        else:
            self._mark(run, change, self._act)

    def begin(self, act: int, shape: tuple[int, int]) -> None:
        """The act's record is at the offset `act`; the act paints on a canvas of this height and width."""
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
        # A canvas may have grown meanwhile: the act has nothing there.
        is_there = later & (change.pixels["y"] < height) & (change.pixels["x"] < width)
        pixels = change.pixels[is_there]
        self.mask[pixels["y"], pixels["x"]] = True

    def left(self, pixels: NDArray[np.void]) -> NDArray[np.void]:
        """Those of an act's pixels that nobody else has painted; fields x and y, shape (n,)."""
        left: NDArray[np.void] = pixels[~self.mask[pixels["y"], pixels["x"]]]
        return left
