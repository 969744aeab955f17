"""Finds the acts that have left the record, which has the last 1,000: in the history, or else in the log.

    the log      | act | act | act ...               | act | act | act
    the record                                        | the last 1,000
    older acts   | read from here ... when somebody first asks, and on from there when somebody asks again

The acts are folded as the canvas's own are, so an older act has the same entry that it had in the record. Only acts are
read: a segment of the history without any isn't opened. There are limits for the acts, for the bytes of a log without a
history, and for the time of each question; a client that asks too early has to ask again.

Invariant: `_folded` has every act below its version, and `_left` has the acts that have left the record of `_folded`.
"""

from __future__ import annotations

import json
import time
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import trio

from placed.canvas.acts.record import MOST_RECORDED, record_of
from placed.canvas.acts.undo import marked
from placed.canvas.batch import Batch
from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.events import Act, Canvas
from placed.canvas.kept_state import Kept
from placed.canvas.projection import Projection
from placed.history.others import others_since
from placed.history.past import NotIndexed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from placed.history.stretch import Other
    from placed.moderation.whole_past import WholePast

    Entry = dict[str, Any]

MOST_ACTS: Final = 100_000  # 30 MB; a hundred acts a day for nearly three years
_PATIENCE_SECONDS: Final = 5.0  # enough for a year's history with acts in each segment, or five million edits of a log
_TURN_SECONDS: Final = 0.2  # in the thread, between two checks whether anybody still waits
_HISTORY_SECONDS: Final = 2.0  # for a history that is nearly there
_ROOM: Final = 1_000  # acts that are dropped at once, because the rest of the list moves up each time
_TYPES: Final = (bytes([Canvas.TYPE]), bytes([Act.TYPE]))  # edits and corrections don't change an act's entry


@attrs.frozen
class Older:
    """Acts that have left the record.

    Attributes:
        acts: their ids and entries, the newest first.
        has_more: whether there are even older ones.
        is_whole: whether the first act of all is known.
    """

    acts: list[tuple[int, Entry]]
    has_more: bool
    is_whole: bool


class OlderActs:
    """The older acts of one server.

    Args:
        live: the canvas; its record has the last acts.
        past: the past, which has the older ones.

    Attributes:
        is_whole: whether the first act of all is known; otherwise there may be acts that can't be found.
    """

    def __init__(self, live: Projection, past: WholePast) -> None:
        self._live = live
        self._past = past
        self._turn = trio.Lock()
        self._thread = trio.CapacityLimiter(1)
        self._folded: Projection | None = None
        self._ids: list[int] = []
        self._left: dict[int, bytes] = {}  # as JSON, which takes a fifth of the room
        self.is_whole = True
        self._left_bytes = past.most_bytes

    @property
    def may_be(self) -> bool:
        """Whether there can be any older acts."""
        return len(record_of(self._live.kept.acts)) >= MOST_RECORDED

    async def page(self, before: int, limit: int) -> Older:
        """At most `limit` acts whose ids are below `before`.

        Raises:
            NotIndexed: the acts haven't been read yet; try again.
            LogError: the log can't be read.
        """
        if not self.may_be:
            return Older([], has_more=False, is_whole=True)
        await self._read()
        end = bisect_left(self._ids, before)
        begin = max(0, end - limit)
        found = [(act, self._entry(act)) for act in reversed(self._ids[begin:end])]
        return Older(found, has_more=begin > 0, is_whole=self.is_whole)

    async def entry(self, act: int) -> Entry | None:
        """The entry of any act, also of the last 1,000; None if there is no such act. Errors are those of `page`."""
        entry = record_of(self._live.kept.acts).get(str(act))
        if entry is None and self.may_be:
            await self._read()
            return self._entry(act) if act in self._left else None
        return entry

    def _entry(self, act: int) -> Entry:
        entry: Entry = json.loads(self._left[act])
        return entry

    async def _read(self) -> None:
        """Read all acts up to now."""
        version = self._live.version
        with trio.move_on_after(_PATIENCE_SECONDS):
            async with self._turn:
                if self._folded is None or self._folded.version < version:
                    await (self._read_history(version) if self._past.indexer else self._read_log(version))
                return
        raise NotIndexed("the older acts are still being read")

    async def _read_history(self, version: int) -> None:
        indexer = self._past.indexer
        assert indexer is not None
        if not await indexer.reach(version, _HISTORY_SECONDS):
            raise NotIndexed(f"the history is at {indexer.past.version}; the acts up to {version} are asked for")
        past = indexer.past
        folded = self._folded_from(past.first)
        others = others_since(past, folded.version)
        while await indexer.turns.in_thread(lambda: self._take(others), self._thread):
            pass
        folded.version = past.version

    # In the thread.
    def _take(self, others: Iterator[Other]) -> bool:
        """Fold acts for a moment; returns whether there may be more."""
        ends = time.monotonic() + _TURN_SECONDS
        for other in others:
            self._fold(other.offset, other.ms, other.value)
            if time.monotonic() >= ends:
                return True
        return False

    async def _read_log(self, version: int) -> None:
        first, _ = await self._past.log.bounds()
        folded = self._folded_from(first)
        async with self._past.log.read(folded.version) as batches:
            async for batch in batches:
                self._left_bytes -= sum(map(len, batch.values))
                if self._left_bytes < 0:
                    self._begin(version)  # the acts between these and the record are unknown, so drop these, too
                    return
                for offset, ms, value in zip(batch.offsets, batch.times_ms, batch.values, strict=True):
                    self._fold(int(offset), int(ms), value)
                folded.version = batch.next_offset
                if folded.version >= version:
                    return

    def _folded_from(self, first: int) -> Projection:
        """The projection folded so far; a new one if the past begins later by now."""
        if self._folded is None or self._folded.version < first:
            return self._begin(first)
        return self._folded

    def _begin(self, version: int) -> Projection:
        created = self._live.kept.created
        # If the log's first records are gone, nobody knows the canvas's size back then. The present size will do,
        # because no act can have asked for more.
        definition = self._live.definition if version else created
        self._folded = Projection(definition, version, Cooldowns(Rule(1, 0)), kept=Kept(created, begun=True))
        self.is_whole = not version
        self._left_bytes = self._past.most_bytes
        self._ids.clear()
        self._left.clear()
        return self._folded

    def _fold(self, offset: int, ms: int, value: bytes) -> None:
        if value[1:2] not in _TYPES:
            return
        assert self._folded is not None
        before = record_of(self._folded.kept.acts)
        self._folded.apply(Batch(np.array([offset]), np.array([ms]), [value]), 0, feed=False)
        after = record_of(self._folded.kept.acts)
        entry = after.get(str(offset))
        if entry is None:
            return
        oldest = next(iter(before), str(offset))
        if oldest not in after:
            self._leave(int(oldest), before[oldest])
        if entry["kind"] == "undo":
            self._mark(before, entry["act"], offset)

    def _mark(self, record: Mapping[str, Entry], which: int, by: int) -> None:
        """Update the entries of acts that have left the record, if an undo has changed them."""
        entries, at = dict(record), which
        while at in self._left or str(at) in record:
            entries[str(at)] = entry = record.get(str(at)) or self._entry(at)
            if entry["kind"] != "undo" or entry["act"] >= at:
                break
            at = entry["act"]
        for name, entry in marked(entries, which, by).items():
            if int(name) in self._left:
                self._left[int(name)] = json.dumps(entry).encode()

    def _leave(self, act: int, entry: Entry) -> None:
        self._ids.append(act)
        self._left[act] = json.dumps(entry).encode()
        if len(self._ids) > MOST_ACTS:
            for oldest in self._ids[:_ROOM]:
                del self._left[oldest]
            del self._ids[:_ROOM]
            self.is_whole = False
