"""Wipe: an area becomes blank, or one colour. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from placed.canvas.area import Area
    from placed.moderation.present import Present


@attrs.frozen
class Wipe:
    """The fields of a wipe.

    Attributes:
        area: the area, on the canvas.
        color: a palette index; 0 is blank.
    """

    area: Area
    color: int = 0

    def wanted(self, present: Present) -> NDArray[np.uint8]:
        """The canvas that the wipe wants: uint8, of the present one's shape.

        Raises:
            CannotPaint: the area isn't on the canvas, or the colour isn't in the palette.
        """
        wanted = present.copy_of(self.area)
        present.check_color(self.color)
        self.area.part_of(wanted)[:] = self.color
        return wanted
