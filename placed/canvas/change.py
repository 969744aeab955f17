"""The change: what an event would do to the canvas, to charges, and to what is kept of acts. Pure."""

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
    """What the records of one run change. What is left out stays as it is.

    Attributes:
        pixels: fields x, y and color at the least, shape (n,), in order: the last one of a pixel wins.
        counts: int64, shape (records,); how many of them are of each record. Given with `pixels`.
        authors: uint64, shape (n,); who pays a charge for each pixel.
        definition: the canvas's from here on; those who watch have to load it again.
        acts: what an act sets, by the name that its kind gives it; JSON values.
    """

    pixels: NDArray[np.void] | None = None
    counts: NDArray[np.int64] | None = None
    authors: NDArray[np.uint64] | None = None
    definition: Definition | None = None
    acts: Mapping[str, Any] | None = None


NOTHING: Final = Change()
