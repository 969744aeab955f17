"""Decides which coordinates an import may use, and where they are on the canvas. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from placed.canvas.limits import MAX_SIDE_PX
from placed.commands.import_.rows import FARTHEST, Kind
from placed.commands.import_.values import BadValue

if TYPE_CHECKING:
    from numpy.typing import NDArray


class AreaUnusable(Exception):
    """No canvas has room for the rows; the message says why."""


class Area:
    """The coordinates seen so far, and the canvas that they need.

    Args:
        width: the canvas's width; None means as wide as the rows need.
        height: the canvas's height; None means as high as the rows need.
        origin: the coordinates of the canvas's top left pixel. None means 0, 0; but if no size is given and the rows
            have coordinates below zero, it means the lowest of them.
    """

    def __init__(self, width: int | None, height: int | None, origin: tuple[int, int] | None) -> None:
        self._sides = (width, height)
        self._origin = origin
        self._least = [FARTHEST, FARTHEST]
        self._most = [-FARTHEST, -FARTHEST]

    def _limits(self, axis: int) -> tuple[int, int]:
        """The allowed coordinates on an axis: from, and up to, not including."""
        side = self._sides[axis]
        if side is None:
            return (-FARTHEST if self._origin is None else self._origin[axis]), FARTHEST + 1
        begin = 0 if self._origin is None else self._origin[axis]
        return begin, begin + side

    def holds(self, x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether pixels are allowed at these coordinates, shape (n,)."""
        good = np.ones(len(x), np.bool_)
        for axis, places in enumerate((x, y)):
            begin, end = self._limits(axis)
            good &= (places >= begin) & (places < end)
        return good

    def check(self, x: int, y: int) -> None:
        """Raise BadValue if no pixel is allowed at these coordinates."""
        for axis, (name, place) in enumerate((("x", x), ("y", y))):
            begin, end = self._limits(axis)
            if not begin <= place < end:
                raise BadValue(f"{name} {place}; allowed are {begin} to {end - 1}")

    def note(self, rows: NDArray[np.void]) -> None:
        """Make the canvas large enough for these rows, too; for a circle, large enough for its centre."""
        if not len(rows):
            return
        corners = rows[rows["kind"] == Kind.RECTANGLE]
        for axis, (name, other) in enumerate((("x", "x2"), ("y", "y2"))):
            for places in (rows[name], corners[other]):
                if len(places):
                    self._least[axis] = min(self._least[axis], int(places.min()))
                    self._most[axis] = max(self._most[axis], int(places.max()))

    @property
    def origin(self) -> tuple[int, int]:
        """The coordinates of the canvas's top left pixel."""
        if self._origin is not None:
            return self._origin
        x, y = (0 if side is not None else min(0, least) for side, least in zip(self._sides, self._least, strict=True))
        return x, y

    def size(self) -> tuple[int, int]:
        """The canvas's width and height.

        Raises:
            AreaUnusable: no canvas may be that large.
        """
        sides = []
        for axis, name in enumerate(("width", "height")):
            side = self._sides[axis] or max(1, self._most[axis] - self.origin[axis] + 1)
            if side > MAX_SIDE_PX:
                least, most = self._least[axis], self._most[axis]
                raise AreaUnusable(
                    f"the {'xy'[axis]} are from {least} to {most}, which takes a {name} of {side}; allowed are 1 to"
                    f" {MAX_SIDE_PX}. Choose a part with --{name} and --origin; the lines outside count as bad"
                )
            sides.append(side)
        return sides[0], sides[1]
