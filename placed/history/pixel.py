"""Tells the history of one pixel, newest first: each colour, when it was set, and by whom.

A segment is asked with two short reads of its pixel index, and read further only where the pixel is in it. So what an
answer costs is bounded by how many segments are looked through.

Thread: any; blocks.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import attrs

from placed.history.past import reading
from placed.history.segment import Hit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placed.history.past import Past

MOST_SEGMENTS: Final = 2_048  # looked through for one answer: 270 million edits


@attrs.frozen
class PixelPage:
    """A part of a pixel's history.

    Attributes:
        hits: at most as many as were asked for. Of several edits in one record the last one is here: nobody ever saw
            the others.
        next: the version before which to go on; None when there is nothing more.
    """

    hits: tuple[Hit, ...]
    next: int | None


def pixel_page(past: Past, x: int, y: int, *, before: int, limit: int) -> PixelPage:
    """What happened to a pixel before a version.

    Args:
        past: to look in.
        x: inside the canvas as it is now.
        y: the same.
        before: the version that shows the newest of what is wanted.
        limit: how many edits at most.

    Raises:
        NotKept, NotIndexed: of `before`, or of what comes before it.
    """
    past.check(before)
    hits = list(islice(_last_of_each(_hits(past, x, y, before)), limit + 1))
    unseen = past.at(before) - MOST_SEGMENTS
    if len(hits) > limit:
        return PixelPage(tuple(hits[:limit]), hits[limit - 1].offset)
    return PixelPage(tuple(hits), past.kept[unseen].end if unseen >= 0 else None)


def _hits(past: Past, x: int, y: int, before: int) -> Iterator[Hit]:
    tail = past.tail
    if tail is not None and before > tail.stretch.start:
        rows = tail.stretch.until(before).rows
        found = rows[(rows["x"] == x) & (rows["y"] == y)]
        for offset, ms, _, _, color, author, act in found[::-1].tolist():
            yield Hit(offset, ms, color, author, act)
    last = past.at(before)
    for at in range(last, max(-1, last - MOST_SEGMENTS), -1):
        definition = past.header(at).definition
        if x >= definition.width or y >= definition.height:
            return  # it came with a larger canvas
        with reading(past.kept[at]) as segment:
            yield from (hit for hit in segment.hits(x, y) if hit.offset < before)


def _last_of_each(hits: Iterator[Hit]) -> Iterator[Hit]:
    """The first hit of each record, of those that come the newest first."""
    offset = None
    for hit in hits:
        if hit.offset != offset:
            yield hit
        offset = hit.offset
