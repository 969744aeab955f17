"""The change that an event makes to the canvas, to charges, and to the stored results of acts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from placed.canvas.definition import Definition


@attrs.frozen(eq=False)
class Change:
    """The change that the records of one run make. A part that is None stays as it is.

    Attributes:
        pixels: fields x, y and color at the least, shape (n,), in order: the last change of a pixel wins.
        counts: int64, shape (records,); how many of the pixels each record has. Given with `pixels`.
        authors: uint64, shape (n,); who pays a charge for each pixel.
        definition: the canvas's definition from here on; pages that watch have to load the canvas again.
        acts: values that an act sets, by the names that its kind gives them; JSON.
    """

    pixels: NDArray[np.void] | None = None
    counts: NDArray[np.int64] | None = None
    authors: NDArray[np.uint64] | None = None
    definition: Definition | None = None
    acts: Mapping[str, Any] | None = None


NOTHING: Final = Change()
