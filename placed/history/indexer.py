"""Runs the task that reads the log behind the live path, and writes it into segments.

    start --> find the chain --> follow the log --> add --> a segment is full --> write it --+
                   |                  ^                                            |         |
                   |                  +--------------------------------------------|---------+
                   |                  |                  no room: wait, try again <+
                   |                  +-- the log no longer has the next record: begin anew at the canvas as it is
                   +--> look after the chain: check every segment once; read a damaged one from the log again;
                        make overviews of whole segments

The indexer never holds up the canvas. Once a second it reads all new records, in a thread of its own. When it is far
behind while people paint, it rests as long as it works. If the history can't be written, the indexer says so once and
tries again, and the canvas goes on. May import Trio.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import attrs
import numpy as np
import trio

from placed.backends import LogClosed, LogCorrupt, LogError, LogReplaced, OffsetOutOfRange
from placed.canvas.batch import Batch
from placed.history.chain import Wanted, find_chain, last_ground
from placed.history.folder import SegmentFile, path_of, put_aside, put_aside_strange, remove
from placed.history.keeping import Keeping
from placed.history.layout import SegmentDamaged
from placed.history.overview_files import (
    OverviewFile,
    fitting,
    list_overviews,
    make_overview,
    next_group,
    remove_overviews,
)
from placed.history.past import Past
from placed.history.short_turns import ShortTurns
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from placed.backends import Log
    from placed.canvas.definition import Definition
    from placed.history.ground import Ground
    from placed.history.tail import View

# 1,000 edits a second then cost 3 ms of each second, and no thread has to run for each record.
EVERY_SECONDS: Final = 1.0
_RETRY_SECONDS: Final = 1.0
_MOST_RETRY_SECONDS: Final = 60.0  # so that the history goes on within a minute after somebody has mended the disk
_CHECK_EVERY_SECONDS: Final = 0.05  # between segments of 2 MB: 40 MB/s of reading at the most, once after a start
_SURVEY_EVERY_SECONDS: Final = 0.5  # an overview takes 0.12 s of a core; those of a year's log, a quarter of an hour
_LOOK_SECONDS: Final = 5.0  # between looks for damage that nobody has reported

Found = TypeVar("Found")


@attrs.frozen
class Live:
    """Functions that tell the history about the live canvas.

    Attributes:
        version: gives its version.
        definition: gives its size and palette.
        created: gives the ground at offset 0, with which the log began.
        ground: gives a copy of the present canvas, for a log that has lost its beginning.
        is_in_place: says whether the data folder is where it was.
    """

    version: Callable[[], int]
    definition: Callable[[], Definition]
    created: Callable[[], Ground]
    ground: Callable[[], Ground]
    is_in_place: Callable[[], bool] = lambda: True


class Indexer:
    """The history of one log, in one folder; only `run` writes it.

    Args:
        folder: the history's own folder.
        log: the log that it reads.
        live: see below.
        every_seconds: how often it reads new records, in seconds.
        give_back: gives free memory back to the system, in the thread; called when a segment has been written.

    Attributes:
        live: the live canvas.
        past: answers questions about the records that it has read so far.
        stopped: why the history can't be written; None if it can.
        mended: how many damaged segments it has read from the log again.
        turns: short turns in a thread, for this work and for answers about the past.
    """

    def __init__(
        self,
        folder: Path,
        log: Log,
        live: Live,
        *,
        every_seconds: float = EVERY_SECONDS,
        give_back: Callable[[], None] = lambda: None,
    ) -> None:
        self._folder = folder
        self._log = log
        self.live = live
        self._every_seconds = every_seconds
        self._give_back = give_back
        self._writing = trio.CapacityLimiter(1)
        self.turns = ShortTurns()
        self._chain: list[SegmentFile] = []
        self._overviews: list[OverviewFile] = []
        self._stale: list[OverviewFile] = []
        self._tail: View | None = None
        self._wanted = trio.Event()
        self._moved = trio.Event()
        self._damaged = trio.Event()
        self.past = Past(log.id, ())
        self.is_open = False
        self._is_behind = True
        self.stopped: str | None = None
        self.mended = 0

    async def run(self) -> None:
        """Follow the log until it is closed."""
        try:
            ground = await self._until_done(self._open)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._look_after)
                await self._follow(ground)
        except* (LogClosed, LogReplaced):  # the canvas's reader gets the same error, and acts on it
            pass

    async def reach(self, version: int, within_seconds: float) -> bool:
        """Read on now, up to `version`, and say whether that succeeded within the time."""
        with trio.move_on_after(within_seconds):
            while not self.is_open or self.past.version < version:
                self._wanted.set()
                await self._moved.wait()
        return self.is_open and self.past.version >= version

    def tell_damage(self) -> None:
        """Look for damage now, because an answer about the past has found some."""
        self._damaged.set()

    # In the thread.
    def _open(self) -> Ground | None:
        """Find the chain, and return the canvas at its end; None without a sound segment."""
        found = find_chain(self._folder, Wanted(self._log.id, self._log.copied_from, self.live.version()))
        if found.strange:
            aside = put_aside_strange(self._folder, found.strange)
            get_logger(__name__).warning("the history is of another log, and is put aside", folder=str(aside))
        remove(found.needless)
        count, ground = last_ground(found.chain)
        self._chain = found.chain[:count]
        self._overviews = list_overviews(self._folder)
        self._keep_fitting()
        return ground

    def _keep_fitting(self) -> None:
        """Leave out damaged overviews, and overviews of segments that aren't in the chain any more."""
        kept = fitting(self._overviews, self._chain)
        self._stale += [each for each in self._overviews if each not in kept]
        self._overviews = kept

    async def _begin(self, ground: Ground | None) -> Keeping:
        first, _ = await self._log.bounds()
        if not first and self._chain and self._chain[0].start:  # the log has the segments that are missing at the front
            end = self._chain[0].start
            self._chain.insert(0, SegmentFile(path_of(self._folder, 0, end), 0, end, None))
        if ground is None and not first:
            ground = self.live.created()
        if ground is None or ground.version < first:
            return await self._begin_anew()
        keeping = Keeping(self._folder, self._log.id, ground)
        self._publish([], keeping.builder.tail.view())
        return keeping

    async def _begin_anew(self) -> Keeping:
        """Begin at the canvas as it is, because the log no longer has the next record."""
        aside = await self._until_done(partial(put_aside, self._folder, list(self._chain)))
        ground = self.live.ground()
        get_logger(__name__).warning(
            "the log's beginning is gone; the history begins at the canvas as it is",
            version=ground.version,
            before=str(aside) if aside else "none was kept",
        )
        self._chain.clear()
        self._keep_fitting()
        keeping = Keeping(self._folder, self._log.id, ground)
        self._publish([], keeping.builder.tail.view())
        return keeping

    async def _follow(self, ground: Ground | None) -> None:
        keeping: Keeping | None = None
        while True:
            try:
                if keeping is None:  # inside the try, so that a log that doesn't answer is tried again
                    keeping = await self._begin(ground)
                self._is_behind = keeping.builder.read < self.live.version()
                async with self._log.read(keeping.builder.read) as batches:
                    async for batch in batches:
                        await self._take(keeping, batch)
            except OffsetOutOfRange:
                keeping = await self._begin_anew()
            except (LogClosed, LogReplaced):
                raise
            except LogCorrupt as error:
                self._stop(str(error))
                await trio.sleep_forever()
            except LogError:  # the canvas's reader says so
                await trio.sleep(_RETRY_SECONDS)

    async def _take(self, keeping: Keeping, batch: Batch) -> None:
        began, version = trio.current_time(), self.live.version()
        given = [batch]
        while True:
            sealed, tail = await self._until_done(lambda: keeping.take(given.pop() if given else None))
            self._publish(sealed, tail)
            if not sealed:
                break
            await self._in_thread(self._give_back)
        self._is_behind = keeping.builder.read < self.live.version()
        if not self._is_behind:
            await self._rest(self._every_seconds)
        elif self.live.version() != version:  # people paint meanwhile
            await self._rest(trio.current_time() - began)

    async def _rest(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            await self._wanted.wait()
        self._wanted = trio.Event()

    def _publish(self, sealed: list[SegmentFile], tail: View | None) -> None:
        self._chain.extend(sealed)
        self._tail = tail
        self.past = Past(self._log.id, tuple(self._chain), tail, tuple(self._overviews))
        self.is_open = True
        self._moved.set()
        self._moved = trio.Event()

    async def _look_after(self) -> None:
        while True:
            for each in list(self._chain):
                if each.header is not None and not each.is_verified:
                    await trio.sleep(_CHECK_EVERY_SECONDS)
                    await self._in_thread(partial(_verify, each))
            for each in [each for each in self._chain if each.header is None]:
                await self._mend(each)
            await self._survey()
            with trio.move_on_after(_LOOK_SECONDS):
                await self._damaged.wait()
            self._damaged = trio.Event()

    async def _survey(self) -> None:
        """Make the overviews that are missing. If one fails, it is tried again later: nothing depends on overviews."""
        if any(each.is_damaged for each in self._overviews):
            self._keep_fitting()
        with contextlib.suppress(SegmentDamaged, OSError):
            await self._in_thread(partial(remove_overviews, self._stale))
            self._stale = []
            while self.live.is_in_place() and (made := await self._in_thread(self._next_overview())):
                self._overviews = [made, *(each for each in self._overviews if each.path != made.path)]
                self._keep_fitting()
                self._publish([], self._tail)
                await trio.sleep(_SURVEY_EVERY_SECONDS)

    def _next_overview(self) -> Callable[[], OverviewFile | None]:
        """A function that makes the next overview, in the thread; it returns None if none is missing.

        While the indexer reads a long log, it makes no overview of few segments, because one of more would soon replace
        it: such overviews took a tenth of the time.
        """
        chain, overviews, now = list(self._chain), list(self._overviews), self.live.definition()

        def make() -> OverviewFile | None:
            group = next_group(chain, overviews, now, few=not self._is_behind)
            return make_overview(self._folder, group, now) if group else None

        return make

    async def _mend(self, hole: SegmentFile) -> None:
        """Read a stretch whose segment is damaged or missing from the log again."""
        index = self._chain.index(hole)
        try:
            ground = await self._ground_before(index)
            first, _ = await self._log.bounds()
            if ground is None or hole.start < first:
                await self._give_up(index)
                return
            segments = await self._read_again(hole, ground)
        except SegmentDamaged:
            return  # the segment before this one is damaged, too, and comes first
        except (LogClosed, LogReplaced):
            raise
        except LogError:
            return  # later
        index = self._chain.index(hole)
        self._chain[index : index + 1] = segments
        self._keep_fitting()
        self._publish([], self._tail)
        self.mended += 1
        get_logger(__name__).warning(
            "a damaged segment of the history was read from the log again", first=hole.start, next=hole.end
        )

    async def _ground_before(self, index: int) -> Ground | None:
        if index:
            return await self._in_thread(partial(_end_ground, self._chain[index - 1]))
        return self.live.created() if not self._chain[0].start else None

    async def _read_again(self, hole: SegmentFile, ground: Ground) -> list[SegmentFile]:
        keeping = Keeping(self._folder, self._log.id, ground)
        segments: list[SegmentFile] = []
        async with self._log.read(hole.start) as batches:
            async for batch in batches:
                given = [_before(batch, hole.end)]
                take = partial(_take_next, keeping, given)
                while sealed := await self._until_done(take):
                    segments += sealed
                if batch.next_offset >= hole.end:
                    break
        segments += await self._until_done(partial(keeping.finish, hole.end))
        if all(each.path != hole.path for each in segments):
            await self._until_done(partial(remove, [hole]))
        return segments

    async def _give_up(self, index: int) -> None:
        """Let the history begin behind a damaged segment, because the log no longer has its records."""
        lost = self._chain[: index + 1]
        aside = await self._until_done(partial(put_aside, self._folder, lost))
        del self._chain[: index + 1]
        self._keep_fitting()
        self._publish([], self._tail)
        get_logger(__name__).warning(
            "a damaged part of the history can't be read from the log any more; the history begins behind it",
            version=lost[-1].end,
            before=str(aside),
        )

    async def _in_thread(self, call: Callable[[], Found]) -> Found:
        return await self.turns.in_thread(call, self._writing)

    async def _until_done(self, step: Callable[[], Found]) -> Found:
        """Run `step` in the thread, again and again while the disk refuses it, and return its result."""
        retry_seconds = _RETRY_SECONDS
        while True:
            try:
                if not self.live.is_in_place():
                    raise OSError("the data folder isn't where it was")
                found = await self._in_thread(step)
            except OSError as error:
                self._stop(error.strerror or str(error))
                await trio.sleep(retry_seconds)
                retry_seconds = min(2 * retry_seconds, _MOST_RETRY_SECONDS)
            else:
                self._go_on()
                return found

    def _stop(self, reason: str) -> None:
        if self.stopped is None:
            get_logger(__name__).warning(
                "the history can't be kept just now; the canvas goes on", reason=reason, folder=str(self._folder)
            )
        self.stopped = reason

    def _go_on(self) -> None:
        if self.stopped is not None:
            get_logger(__name__).info("the history is kept again")
            self.stopped = None


def _take_next(keeping: Keeping, given: list[Batch]) -> list[SegmentFile]:
    return keeping.take(given.pop() if given else None)[0]


def _verify(each: SegmentFile) -> None:
    with contextlib.suppress(SegmentDamaged), each.open():
        pass


def _end_ground(each: SegmentFile) -> Ground:
    with each.open() as segment:
        return segment.end_ground()


def _before(batch: Batch, end: int) -> Batch:
    """The batch without the records at `end` or after it."""
    if batch.next_offset <= end:
        return batch
    count = int(np.searchsorted(batch.offsets, np.int64(end)))
    return Batch(batch.offsets[:count], batch.times_ms[:count], batch.values[:count], gap_end=end)
