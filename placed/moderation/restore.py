"""Restore: pixels get the colour that they had at an earlier version, or the last one by anybody else.

    area              every pixel of the area, as it was at `to`
    authors           every pixel whose present edit is theirs
    area and authors  both: their pixels in the area

The last record that set a pixel says whose it is. A correction has no author: pixels that an act has painted are
nobody's, and count as painted by anybody else. A pixel that wasn't on the canvas yet at `to` becomes blank.

Thread: blocks while it reads the past.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from placed.canvas.area import Area
from placed.history.canvas_without import grown, without_authors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.history.walk import AnyPast
    from placed.moderation.present import Present


def _check_authors(act: Restore, _attribute: object, authors: frozenset[int]) -> None:
    if not authors and (act.area is None or act.to is None):
        raise ValueError("a restore without authors; allowed are authors, or an area with a version or moment")


@attrs.frozen
class Restore:
    """The fields of a restore.

    Attributes:
        area: the area, on the canvas; None is the whole canvas.
        to: the version whose colours the pixels get; None for the last colours by anybody else.
        authors: the authors whose pixels are restored; empty for everybody's, which needs an area and a version.
    """

    area: Area | None
    to: int | None
    authors: frozenset[int] = attrs.field(validator=_check_authors)

    def wanted(self, present: Present, past: AnyPast) -> NDArray[np.uint8]:
        """The canvas that the restore wants: uint8, of the present one's shape.

        Raises:
            CannotPaint: the area isn't on the canvas.
            PastError: the past doesn't reach back far enough.
        """
        area = self.area or Area.of(present.definition)
        wanted = present.copy_of(area)
        is_wanted, colors = self._colors(present, past)
        np.copyto(area.part_of(wanted), area.part_of(colors), where=area.part_of(is_wanted))
        return wanted

    def _colors(self, present: Present, past: AnyPast) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
        """Which pixels to restore, and the colour that each pixel would get; both of the canvas's shape."""
        definition = present.definition
        then = grown(past.canvas(self.to)[1], definition) if self.to is not None else None
        if not self.authors:
            assert then is not None
            return np.ones(then.shape, np.bool_), then
        left_out = without_authors(past, self.authors, present.version, definition)
        return left_out.shown, left_out.colors if then is None else then
