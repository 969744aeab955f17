"""Answers questions about the past, from the first version of a history to the last one that it has read.

    kept      segment | segment | segment | (damaged) | segment |     in files
    tail                                                         |    in memory, or in the log
              first                                              end of the segments      version

A `Past` never changes; a later state is another `Past`. It opens files only while it answers. Pure, but for that.

    PastError
    ├── NotKept       the version is before the history's beginning
    └── NotIndexed    the indexer hasn't read that part of the log yet, or has to read it again; try again

Thread: any number of threads may ask at once; everything blocks.
"""

from __future__ import annotations

from bisect import bisect_right
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.history.ground import Ground, highest_ms
from placed.history.layout import SegmentDamaged
from placed.history.stretch import ROW, Stretch, join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from placed.canvas.definition import Definition
    from placed.history.folder import SegmentFile
    from placed.history.layout import Header
    from placed.history.overview_files import OverviewFile
    from placed.history.segment import Segment
    from placed.history.tail import View

PAGE_EDITS: Final = 65_536
PAGE_OFFSETS: Final = 1 << 20  # so that a page ends in a log without edits, too


class PastError(Exception):
    """The question can't be answered."""


class NotKept(PastError):
    """The version is from before the history's beginning."""


class NotIndexed(PastError):
    """The indexer hasn't read the version's part of the log yet, or has to read it again."""


@attrs.frozen(eq=False)
class Page:
    """One page of edits.

    Attributes:
        stretch: whole records, those with `start <= offset < end`.
        definition: the canvas's size and palette at these records.
    """

    stretch: Stretch
    definition: Definition


@attrs.frozen(eq=False)
class Past:
    """A history as it is at one moment.

    Attributes:
        log_id: the id of the history's log.
        kept: the segments, each beginning where the one before ends.
        tail: the records after them; None if none are in memory.
        overviews: overviews of segments of `kept`, in order. Not all segments have one; answers then take longer, and
            are the same.
    """

    log_id: str
    kept: tuple[SegmentFile, ...]
    tail: View | None = None
    overviews: tuple[OverviewFile, ...] = ()

    @property
    def first(self) -> int:
        """The first version that can be shown."""
        if self.kept:
            return self.kept[0].start
        return self.tail.stretch.start if self.tail else 0

    @property
    def version(self) -> int:
        """The last version that can be shown."""
        if self.tail is not None:
            return self.tail.stretch.end
        return self.kept[-1].end if self.kept else 0

    @property
    def edits(self) -> int:
        """How many edits the history has. Those of a damaged segment count only after it has been read again."""
        kept = sum(each.header.edits for each in self.kept if each.header is not None)
        return kept + (len(self.tail.stretch.rows) if self.tail else 0)

    def check(self, version: int) -> None:
        """Check that a version can be shown.

        Raises:
            NotKept, NotIndexed: it can't.
        """
        if version < self.first:
            raise NotKept(f"version {version} is before version {self.first}, where the history begins")
        if version > self.version:
            raise NotIndexed(f"version {version} hasn't been read yet; the history is at {self.version}")

    def canvas(self, version: int) -> tuple[Definition, NDArray[np.uint8]]:
        """The canvas at a version, and its size and palette; uint8, shape (height, width).

        Raises:
            NotKept, NotIndexed: the version can't be shown. The methods below raise these, too.
        """
        self.check(version)
        tail = self.tail
        if tail is not None and version >= tail.stretch.start:
            return _canvas_in_tail(tail, version)
        # The record before a version made it. No record made the first version: its canvas is a segment's keyframe.
        at = max(0, self.at(version - 1))
        with reading(self.kept[at]) as segment:
            return segment.definition_at(version), segment.canvas(version)

    def at(self, offset: int) -> int:
        """The number of the segment with an offset; -1 for an offset before the first segment."""
        return bisect_right(self.kept, offset, key=lambda each: each.start) - 1

    def overview_of(self, at: int) -> tuple[int, OverviewFile] | None:
        """The overview with segment number `at`, after the number of its first segment; None if there is none."""
        start = self.kept[at].start
        index = bisect_right(self.overviews, start, key=lambda each: each.header.start) - 1
        if index < 0 or start >= self.overviews[index].header.end or self.overviews[index].is_damaged:
            return None
        return self.at(self.overviews[index].header.start), self.overviews[index]

    def touched(self, version: int) -> NDArray[np.bool_]:
        """A mask of the pixels that anybody has set before a version: bool, shape (height * width,)."""
        self.check(version)
        tail = self.tail
        if tail is not None and version >= tail.stretch.start:
            ground, part, definition = tail.ground.copy(), tail.stretch.until(version), tail.definition
        else:
            with reading(self.kept[max(0, self.at(version - 1))]) as segment:
                ground, part = segment.ground(), segment.stretch().until(version)
                definition = segment.header.definition
        if not part.is_empty:
            ground.apply(part, definition)
        return ground.touched

    def time_of(self, version: int) -> int | None:
        """The time of the last record before a version, in ms; None if there is none. For a later version it is never
        earlier."""
        self.check(version)
        tail = self.tail
        if tail is not None and version >= tail.stretch.start:
            return max(highest_ms(tail.stretch.until(version)), tail.ground.highest_ms) or None
        # The segments don't hold the record that made their first version.
        if version == self.first:
            return None
        at = self.at(version - 1)
        with reading(self.kept[at]) as segment:
            if version >= segment.header.end:
                return segment.header.highest_ms
            return max(segment.highest_ms(version), self.highest_before(at)) or None

    def version_at(self, ms: int) -> int:
        """The version of the canvas at the end of a millisecond: after the last record of that time or before.

        If it is `self.version`, more records with that time may still come.
        """
        # This opens at most one segment, however long the history is: each header has the highest time so far.
        for at in self._from_time(ms):
            with reading(self.kept[at]) as segment:
                offsets, times = segment.moments()
            later = _running(times, self.highest_before(at)) > ms
            if later.any():
                return max(self.first, int(offsets[int(np.argmax(later))]))
        if self.tail is None:
            return self.version
        offsets, times = self.tail.stretch.moments()
        later = _running(times, self.tail.ground.highest_ms) > ms
        return int(offsets[int(np.argmax(later))]) if later.any() else self.version

    def _from_time(self, ms: int) -> range:
        """The number of the first segment whose highest time is past `ms`, as a range; empty if there is none."""
        # By bisection, since the headers' highest times never fall.
        low, high = 0, len(self.kept)
        while low < high:
            middle = (low + high) // 2
            if self.header(middle).highest_ms > ms:
                high = middle
            else:
                low = middle + 1
        return range(low, min(low + 1, len(self.kept)))

    def header(self, at: int) -> Header:
        """The header of segment number `at`.

        Raises:
            NotIndexed: the segment is damaged.
        """
        header = self.kept[at].header
        if header is None:
            raise _damaged(self.kept[at])
        return header

    def highest_before(self, at: int) -> int:
        """The highest time before segment number `at`, in ms; 0 before the first."""
        return self.header(at - 1).highest_ms if at else 0

    @property
    def first_ms(self) -> int | None:
        """The time of the history's first record, in ms; None if it has none."""
        if self.kept:
            return self.header(0).first_ms
        if self.tail is None or self.tail.stretch.is_empty:
            return None
        return int(self.tail.stretch.moments()[1][0])

    def stretches(self, start: int, end: int) -> Iterator[tuple[Stretch, Definition]]:
        """The records with `start <= offset < end`, a segment at a time, each with the canvas's size and palette."""
        self.check(start)
        self.check(end)
        for at in range(max(0, self.at(start)), len(self.kept)):
            if self.kept[at].start >= end:
                return
            if self.kept[at].end <= start:
                continue
            with reading(self.kept[at]) as segment:
                stretch, definition = segment.stretch(), segment.header.definition
            yield stretch.since(start).until(end), definition
        if self.tail is not None and self.tail.stretch.end > start and self.tail.stretch.start < end:
            yield self.tail.stretch.since(start).until(end), self.tail.definition

    def page(self, start: int, end: int, *, most: int = PAGE_EDITS) -> Page:
        """Whole records from `start` on and before `end`, all of one canvas. They have at most `most` edits, unless the
        first record has more, and span at most `PAGE_OFFSETS` offsets. A page depends only on the log."""
        end = min(end, start + PAGE_OFFSETS)
        parts: list[Stretch] = []
        definition = None
        count = 0
        for stretch, of in self.stretches(start, end):
            # A page has one canvas, because its readers number the pixels by the canvas's width.
            if definition is not None and of != definition:
                break
            definition = of
            parts.append(stretch)
            count += len(stretch.rows)
            if count > most:
                break
        if definition is None:
            return Page(Stretch(start, end, np.empty(0, ROW)), self.canvas(start)[0])
        return Page(_cut(join(parts), most), definition)


@contextmanager
def reading(kept: SegmentFile) -> Iterator[Segment]:
    """The open segment, after a check of the whole segment if nobody has done that yet.

    Raises:
        NotIndexed: the segment is damaged, which may also show while the block reads it.
    """
    try:
        with kept.open() as segment:
            yield segment
    except SegmentDamaged as error:
        raise _damaged(kept) from error


def _damaged(kept: SegmentFile) -> NotIndexed:
    return NotIndexed(f"the history between the versions {kept.start} and {kept.end} has to be read again")


def _canvas_in_tail(tail: View, version: int) -> tuple[Definition, NDArray[np.uint8]]:
    part = tail.stretch.until(version)
    ground = Ground(tail.ground.definition, tail.ground.version, tail.ground.canvas.copy())
    if not part.is_empty:
        ground.paint(part, tail.definition)
    return ground.definition, ground.canvas


def _running(times: NDArray[np.int64], floor_ms: int) -> NDArray[np.int64]:
    return np.maximum(np.maximum.accumulate(times), floor_ms) if len(times) else times


def _cut(stretch: Stretch, most: int) -> Stretch:
    """The first whole records of a stretch, with at most `most` edits together; the first record in any case."""
    offsets = stretch.rows["offset"]
    if len(offsets) <= most:
        return stretch
    # Edits of one record share an offset and stay together, so the cut is at the offset of the first edit too many.
    beyond = int(offsets[most])
    return stretch.until(beyond if beyond > stretch.first_offset else beyond + 1)
