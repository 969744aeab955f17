"""Undo: the pixels that an act set get the colour that they would have without it.

A pixel is still the act's while its last change is one of the act's own corrections. A pixel that somebody or another
act has painted since stays as it is. An undo can be undone in the same way, because it has corrections of its own. The
fold undoes an act's other effects, such as a ban.

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
    """The fields of an undo.

    Attributes:
        act: the id of the act to undo.
    """

    act: int

    def wanted(self, present: Present, past: AnyPast) -> NDArray[np.uint8]:
        """The canvas that the undo wants: uint8, of the present one's shape.

        Raises:
            PastError: the past doesn't reach back to the act.
        """
        left_out = without_act(past, self.act, present.version, present.definition)
        return np.where(left_out.shown, left_out.colors, present.canvas)
