"""Tells the history of one pixel, newest first: each colour, when it was set, and by whom.

    overview   says which of its 32 segments have the pixel: the others aren't opened
    segment    two short reads of its pixel index say whether it has the pixel; only then more of it is read

So an answer's cost is bounded by a limit on the number of overviews and segments that it may look into.

Thread: any; blocks.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import attrs

from placed.history.overview import OverviewDamaged
from placed.history.past import reading
from placed.history.segment import Hit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placed.history.past import Past

MOST_LOOKS: Final = 2_048  # into files, for one answer: up to 0.1 s. If nobody set the pixel, it covers 8 billion edits


@attrs.frozen
class PixelPage:
    """A part of a pixel's history.

    Attributes:
        hits: the edits of the pixel, at most `limit`. If a record has several, only the last one is here: nobody ever
            saw the others.
        next: the `before` of the next page; None if there is nothing more.
    """

    hits: tuple[Hit, ...]
    next: int | None


def pixel_page(past: Past, x: int, y: int, *, before: int, limit: int) -> PixelPage:
    """The history of a pixel before a version, newest first.

    Args:
        past: the past to look in.
        x: the pixel's column, inside the canvas as it is now.
        y: the pixel's row, inside the canvas as it is now.
        before: the version; edits at lower offsets are wanted.
        limit: the most edits of a page.

    Raises:
        NotKept, NotIndexed: the past doesn't have that version, or the indexer has to read an earlier part again.
    """
    past.check(before)
    looks = _Looks(past, x, y)
    hits = list(islice(_last_of_each(_hits(past, x, y, before, looks)), limit + 1))
    if len(hits) > limit:
        return PixelPage(tuple(hits[:limit]), hits[limit - 1].offset)
    return PixelPage(tuple(hits), looks.unseen)


class _Looks:
    """Finds the segments that a pixel may be in, the newest first, with at most `MOST_LOOKS` looks into files.

    Attributes:
        unseen: the version before which it hasn't looked yet; None once it has looked at everything.
    """

    def __init__(self, past: Past, x: int, y: int) -> None:
        self._past = past
        self._place = x, y
        self.unseen: int | None = None

    def down_from(self, at: int) -> Iterator[int]:
        """The numbers of these segments, from `at` downwards."""
        for _ in range(MOST_LOOKS):
            if at < 0:
                return
            first, mask = self._mask(at)
            for number in range(at, first - 1, -1):
                if mask >> (number - first) & 1:
                    yield number
            at = first - 1
        self.unseen = self._past.kept[at].end if at >= 0 else None

    def _mask(self, at: int) -> tuple[int, int]:
        """The first segment of the overview with segment `at`, and the mask of its segments that have the pixel."""
        found = self._past.overview_of(at)
        if found is None:
            return at, 1
        first, file = found
        width, height = file.header.size
        if self._place[0] >= width or self._place[1] >= height:
            return first, 0  # the pixel came later, with a larger canvas
        try:
            with file.open() as overview:
                return first, overview.mask(*self._place)
        except OverviewDamaged:
            return at, 1  # look into the segment itself


def _hits(past: Past, x: int, y: int, before: int, looks: _Looks) -> Iterator[Hit]:
    tail = past.tail
    if tail is not None and before > tail.stretch.start:
        for offset, ms, _, _, color, author, act in tail.rows_of(x, y, before)[::-1].tolist():
            yield Hit(offset, ms, color, author, act)
    for at in looks.down_from(past.at(before)):
        definition = past.header(at).definition
        if x >= definition.width or y >= definition.height:
            return  # the pixel came later, with a larger canvas
        with reading(past.kept[at]) as segment:
            yield from (hit for hit in segment.hits(x, y) if hit.offset < before)


def _last_of_each(hits: Iterator[Hit]) -> Iterator[Hit]:
    """The last edit of each record; the hits come newest first, so it is the record's first hit."""
    offset = None
    for hit in hits:
        if hit.offset != offset:
            yield hit
        offset = hit.offset
