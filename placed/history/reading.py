"""Reads a history and its log together, for programs beside the server, such as an export or a timelapse.

    the log        first ─────────────────────────────────────────────────────────── version
    the history              |  segment  |  segment  |  (missing)  |  segment  |
    read from      the log   |  segments             |  the log    |  segment  | the log

Works beside a running server: segments are sealed, and records that aren't in one come from the log. If there is no
history at all, all records come from the log, which takes longer and gives the same.

    past = read_past(data / "history", log_id, first, version, batches)
    past.canvas(v)                   the canvas at a version
    past.stretches(v, w)             the records from a version to another: `rows` are numpy columns, in order
    past.version_at(ms)              the version of a moment

Thread: blocks; for one thread.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from placed.backends import LogError
from placed.canvas.events import Canvas, decode_one
from placed.history.chain import Wanted, find_chain
from placed.history.gathering import begins, gather
from placed.history.ground import Ground
from placed.history.layout import SegmentDamaged
from placed.history.past import NotKept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from placed.backends import CopiedFrom
    from placed.canvas.batch import Batch
    from placed.canvas.definition import Definition
    from placed.history.folder import SegmentFile
    from placed.history.stretch import Stretch

    Batches = Callable[[int], Iterator[Batch]]


def read_past(
    folder: Path,
    log_id: str,
    first: int,
    version: int,
    batches: Batches,
    *,
    copied_from: CopiedFrom | None = None,
) -> ReadPast:
    """The past of a log, from the history in `folder` as far as there is one, and otherwise from the log itself.

    Args:
        folder: the folder `history` of a data folder; it need not exist.
        log_id: the log's id.
        first: the log's first offset.
        version: the log's next offset; this past ends there.
        batches: reads the log from an offset on, in order, up to `version`.
        copied_from: the log's original, if it began as a copy.

    Raises:
        NotKept: the log's beginning is gone, and there is no history.
        LogError: the log can't be read.
        OSError: the folder can't be read.
    """
    return past_of(find_chain(folder, Wanted(log_id, copied_from, version)).chain, first, version, batches)


def past_of(chain: Sequence[SegmentFile], first: int, version: int, batches: Batches) -> ReadPast:
    """The past of a log, from segments that follow one another, and otherwise from the log itself.

    Args and errors are those of `read_past`.
    """
    chain = list(chain)
    while chain and chain[0].start > 0 and chain[0].header is None:
        chain.pop(0)  # nobody knows the canvas there any more
    if chain and chain[0].start > 0 and first == 0:
        chain = []
    if not chain and first > 0:
        raise NotKept(f"the log begins at offset {first}, and there is no history of the time before")
    return ReadPast(chain, version, batches)


class ReadPast:
    """A past; made by `read_past`. Its methods raise the log's errors, OSError, and `NotKept`.

    Attributes:
        first: the first version that can be shown.
        version: the last version that can be shown.
    """

    def __init__(self, chain: list[SegmentFile], version: int, batches: Batches) -> None:
        self.first = chain[0].start if chain else 0
        self.version = version
        self._chain = chain
        self._batches = batches
        self._reached: tuple[Ground, ...] = ()  # the last two that a caller asked for: mostly it goes on from one

    def canvas(self, version: int) -> tuple[Definition, NDArray[np.uint8]]:
        """The size and palette at a version, and the canvas: uint8, shape (height, width), the caller's own."""
        ground = self.ground(version)
        return ground.definition, ground.canvas

    def ground(self, version: int) -> Ground:
        """The canvas at a version, to go on from with `ground.apply(stretch, definition)` for each of `stretches`."""
        self._check(version)
        ground = self._nearest(version)
        for stretch, definition in self._from(ground, version):
            _apply(ground, stretch, definition)
        self._remember(ground, version)
        return ground

    def stretches(self, start: int, end: int) -> Iterator[tuple[Stretch, Definition]]:
        """The records with `start <= offset < end`, in parts that follow one another, each with the canvas's size and
        palette. `rows` has the dtype `placed.history.stretch.ROW`, with columns offset, ms, x, y, color and author."""
        self._check(start)
        self._check(end)
        for stretch, definition in self._from(self._nearest(start), end):
            if stretch.end > start:
                yield stretch.since(start), definition

    def version_at(self, ms: int) -> int:
        """The version of the canvas at the end of a millisecond: after the last record of that time or before."""
        ground, version = self._before(ms), self.version
        for stretch, definition in self._from(ground, self.version):
            offsets, times = stretch.moments()
            later = times > ms
            if later.any():
                version = int(offsets[int(later.argmax())])
                _apply(ground, stretch.until(version), definition)
                break
            _apply(ground, stretch, definition)
        self._remember(ground, version)
        return version

    def first_ms(self) -> int | None:
        """The time of the past's first record, in ms; None if it has none."""
        for stretch, _ in self.stretches(self.first, self.version):
            if not stretch.is_empty:
                return int(stretch.moments()[1][0])
        return None

    def _remember(self, ground: Ground, version: int) -> None:
        ground.version = version
        self._reached = (*self._reached[-1:], ground.copy())

    def _check(self, version: int) -> None:
        if not self.first <= version <= self.version:
            raise NotKept(f"version {version}; there are {self.first} to {self.version}")

    def _before(self, ms: int) -> Ground:
        """The last canvas that the segments have, and that has no record later than `ms`."""
        headers = [None, *(each.header for each in self._chain[:-1])]
        known = [not index or (before is not None and before.highest_ms <= ms) for index, before in enumerate(headers)]
        return self._last_sound([each for each, is_known in zip(self._chain, known, strict=False) if is_known])

    def _nearest(self, version: int) -> Ground:
        """The nearest canvas at or before a version that the segments have, or that a caller has asked for lately."""
        for reached in self._reached:  # if there is no history, a film then need not read the log again
            if reached.version == version:
                return reached.copy()
        return self._last_sound([each for each in self._chain if each.start <= version])

    def _last_sound(self, segments: list[SegmentFile]) -> Ground:
        for each in reversed(segments):
            with contextlib.suppress(SegmentDamaged), each.open() as segment:
                return segment.ground()
        return Ground(self._created(), 0)

    def _created(self) -> Definition:
        """The canvas that the log begins with."""
        for batch in self._batches(0):
            if batch.values:
                event = decode_one(batch.values[0])
                if isinstance(event, Canvas):
                    return event.definition
            break
        raise LogError("the log doesn't begin with its canvas")

    def _from(self, ground: Ground, end: int) -> Iterator[tuple[Stretch, Definition]]:
        """The records from the ground's version up to `end`, from segments where there are any."""
        at, definition = ground.version, ground.definition
        for each in [each for each in self._chain if each.end > at]:
            if each.start >= end:
                break
            try:
                with each.open() as segment:
                    stretch, found = segment.stretch(), segment.header.definition
            except SegmentDamaged:
                for stretch, found in self._from_log(at, min(end, each.end), definition):
                    yield stretch, found
                    definition = found
            else:
                yield stretch.until(end), found
                definition = found
            at = each.end
        yield from self._from_log(at, end, definition)

    def _from_log(self, start: int, end: int, definition: Definition) -> Iterator[tuple[Stretch, Definition]]:
        if start >= end:
            return
        begun = start > 1  # as for `Builder`
        for batch in self._batches(start):
            for stretch, found in gather(batch, start, definition, begun=begun):
                part = stretch.until(end)
                if part.is_empty and found != definition:
                    return  # the canvas grows after the end
                yield part, found
                definition = found
            begun = begun or begins(batch)
            start = batch.next_offset
            if start >= end:
                return


def _apply(ground: Ground, stretch: Stretch, definition: Definition) -> None:
    if not stretch.is_empty:  # an empty stretch may name a canvas that grows only right after it
        ground.apply(stretch, definition)
