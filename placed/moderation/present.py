"""The present: the canvas at the moment when an act begins. Pure: imports attrs and numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from placed.canvas.area import Area
    from placed.canvas.definition import Definition


class CannotPaint(ValueError):
    """The act isn't possible on this canvas; the message names the value, and which values are allowed."""


@attrs.frozen(eq=False)
class Present:
    """The canvas at the moment when an act begins.

    Attributes:
        version: the canvas's version. Once the act's own record is in the log, the version is above its offset.
        definition: the canvas's size and palette.
        canvas: uint8, shape (height, width); nobody changes this copy.
    """

    version: int
    definition: Definition
    canvas: NDArray[np.uint8]

    def copy_of(self, area: Area) -> NDArray[np.uint8]:
        """A copy of the canvas, for an act that changes an area of it.

        Raises:
            CannotPaint: the area isn't on the canvas.
        """
        self.check_area(area)
        return self.canvas.copy()

    def check_area(self, area: Area) -> None:
        """Refuse an area that isn't on the canvas.

        Raises:
            CannotPaint: the area isn't on it.
        """
        try:
            area.check_on(self.definition)
        except ValueError as error:
            raise CannotPaint(str(error)) from error

    def check_color(self, color: int) -> None:
        """Refuse a colour that isn't in the palette.

        Raises:
            CannotPaint: the colour isn't in it.
        """
        if not 0 <= color < self.definition.colors:
            raise CannotPaint(f"color {color!r} isn't in the palette; allowed are 0 to {self.definition.colors - 1}")
