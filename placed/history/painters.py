"""Tells who painted some pixels last, and how many of them.

It looks from the newest records backwards until it has found the painter of each pixel. It doesn't look for pixels that
nobody has ever set.

Thread: any; blocks.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attrs
import numpy as np

from placed.history.stretch import NO_ACT
from placed.history.walk import backwards

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from placed.history.changes import Changes
    from placed.history.past import Past


@attrs.frozen
class Painters:
    """The authors who painted some pixels last.

    Attributes:
        authors: how many of the pixels each author painted last, the author with the most first.
        acts: how many of the pixels an act set last.
        unknown: how many of the pixels nobody has set, or somebody set before the history's beginning.
    """

    authors: Mapping[int, int]
    acts: int
    unknown: int


def painters(past: Past, pixels: NDArray[np.bool_], version: int) -> Painters:
    """Who painted these pixels last, before a version.

    Args:
        past: the past to look in.
        pixels: the wanted pixels of that version's canvas, bool, shape (height, width).
        version: the version of the canvas.

    Raises:
        NotKept, NotIndexed: the past doesn't have that version, or the indexer has to read a part again.
    """
    wanted = pixels.reshape(-1) & past.touched(version)
    looked_for, missing = int(pixels.sum()), int(wanted.sum())
    counts: Counter[int] = Counter()
    acts = 0
    for each in backwards(past, version, pixels.shape[1]):
        if not missing:
            break
        last = _last_of(each.where(wanted[each.pixel]))
        wanted[last.pixel] = False
        missing -= len(last.pixel)
        is_act = last.act != NO_ACT
        acts += int(is_act.sum())
        authors, numbers = np.unique(last.author[~is_act], return_counts=True)
        counts.update(dict(zip(authors.tolist(), numbers.tolist(), strict=True)))
    known = acts + counts.total()
    return Painters(dict(counts.most_common()), acts, looked_for - known)


def _last_of(each: Changes) -> Changes:
    """The last change of each pixel."""
    pixels, from_end = np.unique(each.pixel[::-1], return_index=True)
    at = len(each.pixel) - 1 - from_end
    return type(each)(pixels, each.color[at], each.author[at], each.act[at])
