"""Undo: the pixels that an act set get the colour that they had without it.

A pixel is still the act's while its last change is one of the act's own corrections. Where anybody has painted since,
or another act has, it stays as it is. To undo an undo is the same: its corrections are its own. What an act did that is
no pixel, such as a ban, is undone by the fold.

Thread: blocks while it reads the past, from the act's record on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from placed.history.canvas_without import without_act

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.history.walk import AnyPast
    from placed.moderation.present import Present


@attrs.frozen
class Undo:
    """What an undo asks for.

    Attributes:
        act: the id of the act whose pixels are meant.
    """

    act: int

    def wanted(self, present: Present, past: AnyPast) -> NDArray[np.uint8]:
        """The canvas as it is to be: uint8, of the present one's shape.

        Raises:
            PastError: the past doesn't reach back to the act.
        """
        left_out = without_act(past, self.act, present.version, present.definition)
        return np.where(left_out.shown, left_out.colors, present.canvas)
