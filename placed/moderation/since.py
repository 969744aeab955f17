"""Which pixels have been painted since a version, as the feed tells it. Pure: imports numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.canvas.feed import Feed


def painted_since(feed: Feed, version: int, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    """A mask of the pixels that were set at `version` or after it, bool, of `shape`.

    None where the feed no longer tells: it begins after that version, because the canvas has grown, another act has
    changed much, or too much has been painted. Then the act has to be worked out again.

    Args:
        feed: the canvas's.
        version: of the canvas that an act was worked out for.
        shape: height and width of that canvas.
    """
    if version < feed.first:
        return None
    mask = np.zeros(shape, np.bool_)
    while version < feed.version:
        frame = feed.since(version)
        x, y, _ = feed.code.unpack(frame.codes)
        mask[y, x] = True
        version = frame.version
    return mask
