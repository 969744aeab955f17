"""Tells the history of one pixel, newest first: each colour, when it was set, and by whom.

    overview   says which of its 32 segments have the pixel: the others aren't opened
    segment    is asked with two short reads of its pixel index, and read further only where the pixel is in it

So what an answer costs is bounded by how many of both are looked through.

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

MOST_LOOKS: Final = 2_048  # into files, for one answer: up to 0.1 s. Of a pixel that nobody set, 8 billion edits


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
    looks = _Looks(past, x, y)
    hits = list(islice(_last_of_each(_hits(past, x, y, before, looks)), limit + 1))
    if len(hits) > limit:
        return PixelPage(tuple(hits[:limit]), hits[limit - 1].offset)
    return PixelPage(tuple(hits), looks.unseen)


class _Looks:
    """Finds the segments that a pixel may be in, the newest first, with at most `MOST_LOOKS` looks into files.

    Attributes:
        unseen: the version before which nothing has been looked at; None once all has been.
    """

    def __init__(self, past: Past, x: int, y: int) -> None:
        self._past = past
        self._place = x, y
        self.unseen: int | None = None

    def down_from(self, at: int) -> Iterator[int]:
        """The numbers of the segments, from `at` on."""
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
        """The first segment of the overview that `at` is in, and which of its segments have the pixel."""
        found = self._past.overview_of(at)
        if found is None:
            return at, 1
        first, file = found
        width, height = file.header.size
        if self._place[0] >= width or self._place[1] >= height:
            return first, 0  # it came with a larger canvas
        try:
            with file.open() as overview:
                return first, overview.mask(*self._place)
        except OverviewDamaged:
            return at, 1  # the segment itself tells


def _hits(past: Past, x: int, y: int, before: int, looks: _Looks) -> Iterator[Hit]:
    tail = past.tail
    if tail is not None and before > tail.stretch.start:
        for offset, ms, _, _, color, author, act in tail.rows_of(x, y, before)[::-1].tolist():
            yield Hit(offset, ms, color, author, act)
    for at in looks.down_from(past.at(before)):
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
