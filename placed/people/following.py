"""Follows and changes the people's topic, a Kafka topic that all servers of a log share.

    change --decided by what is stored--> topic --read back by every server, in one order--> LMDB --> memory
                                            |
                                            +--> `placed.people.proposal`: did it hold?

The store follows from the last record of each key and its offset alone, because the brokers drop the others
(`placed.backends.keyed`). Each transaction writes records together with the topic's offset, so that a start goes on
from there. After a long absence the server makes the store anew: the brokers may have dropped records that erase
something. While the brokers are away, reads go on from the store, and changes are refused. May import Trio.
"""

from __future__ import annotations

import contextlib
import random
import time
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import attrs
import trio

from placed.backends import LogError, LogRefused, LogUnavailable, LogUndecodable, OffsetOutOfRange, OutcomeUnknown
from placed.backends.keyed import KeyedBatch
from placed.people.changes import Refused
from placed.people.proposal import Proposal, Record, records_of
from placed.people.record_writing import Written
from placed.people.records import RecordDamaged, put_of
from placed.storage.lmdb_environment import StoreError, StoreUnavailable, StoreUncertain
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lmdb import Transaction
    from lmdb import _Database as Database

    from placed.backends.keyed import KeyedTopic
    from placed.canvas.batch import Batch
    from placed.people.changes import Change
    from placed.people.records import Put
    from placed.people.view import Head, View

    Transact = Callable[[Transaction[bytes], Database | None], "T"]

T = TypeVar("T")

READ_BACK_SECONDS: Final = 5.0  # for appended records to come back; it takes some ms
MOST_WAITING: Final = 256  # changes under way at once
_TRIES: Final = 6  # to make a change that clashes with others; each is a round trip to the brokers
_MOST_BETWEEN: Final = 20_000  # records kept while a change is under way, at 0.3 KB
_RETRY_SECONDS: Final = 0.25
_HEARD_MS: Final = 3_600_000  # between notes that the topic was read to its end
_TEND_SECONDS: Final = 60.0
_NUDGE: Final = b"~"  # a key without a meaning; see `_nudge`


class Stored(Protocol):
    """The part of the store that `Following` needs."""

    @property
    def head(self) -> Head:
        """The counts of all records, and how far the topic was read."""

    async def see(self, look: Callable[[View, bytes], T]) -> T:
        """Call `look` in a thread, with one committed state and the author key."""

    async def transact(self, transact: Transact[T]) -> T:
        """Run a write transaction; raises StoreError."""

    async def was_written(self, remembered_before: int, keys: list[bytes]) -> None:
        """Bring memory up to date after records of these keys were written."""


@attrs.define(eq=False)
class _Between:
    """The records that were read after a change began."""

    records: list[Record] = attrs.field(factory=list)

    def add(self, records: list[Record]) -> None:
        """Add some more, but at most one above `_MOST_BETWEEN`, by which `Following` sees that there are too many."""
        self.records += records[: _MOST_BETWEEN + 1 - len(self.records)]


class Following:
    """One server's part in the topic; `placed.people.taking_over` makes it, and the store's `run` runs it.

    Args:
        stored: the store.
        topic: the open topic.
    """

    def __init__(self, stored: Stored, topic: KeyedTopic) -> None:
        self._stored = stored
        self._topic = topic
        self._position = 0  # the topic's offset up to which its records are in the store
        self._moved = trio.Event()
        self._under_way: set[_Between] = set()
        self._waiting = 0
        self._is_failing = False
        self._told_damaged = False

    async def begin(self) -> None:
        """Read the topic to its end as it is now.

        Raises:
            LogError: the topic can't be read.
            StoreError: the store can't be written.
        """
        end = (await self._topic.bounds())[1]
        self._position = self._stored.head.offset
        if self._position > end:
            raise OffsetOutOfRange(self._position, 0, end)
        if self._position < end:
            async with self._topic.read(self._position) as batches:
                async for batch in batches:
                    await self._apply(batch)
                    if self._position >= end:
                        break
        await self._note_heard()

    async def run(self) -> None:
        """Follow the topic for ever.

        Raises:
            LogError: the topic is damaged, is another one now, or has lost the next records.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tend)
            while True:
                try:
                    await self._follow()
                except (LogUnavailable, LogRefused, LogUndecodable, StoreError) as error:
                    self._tell(str(error))
                    await trio.sleep(_RETRY_SECONDS)

    async def _follow(self) -> None:
        async with self._topic.read(self._position) as batches:
            self._tell(None)
            async for batch in batches:
                await self._apply(batch)

    def _tell(self, reason: str | None) -> None:
        if reason is not None and not self._is_failing:
            get_logger(__name__).warning("the people's topic can't be followed; changes are refused", reason=reason)
        elif reason is None and self._is_failing:
            get_logger(__name__).info("the people's topic can be followed again")
        self._is_failing = reason is not None

    # Reading.

    async def _apply(self, batch: Batch) -> None:
        columns = zip(batch.offsets.tolist(), batch.times_ms.tolist(), _keys(batch), batch.values, strict=True)
        records = [(Record(offset, key, value), time_ms) for offset, time_ms, key, value in columns]
        puts = [(record, time_ms, put) for record, time_ms in records for put in self._put(record)]
        if self._stored.head.offset < batch.next_offset:  # else another process of this folder has written them
            before, keys = await self._stored.transact(lambda *of: self._write(batch, puts, *of))
            await self._stored.was_written(before, keys)
        for between in self._under_way:
            between.add([record for record, _, _ in puts])
        self._position = batch.next_offset
        moved, self._moved = self._moved, trio.Event()
        moved.set()

    def _write(
        self,
        batch: Batch,
        read: list[tuple[Record, int, Put]],
        transaction: Transaction[bytes],
        database: Database | None,
    ) -> tuple[int, list[bytes]]:
        """Write the records that the store lacks, in a thread; returns `remembered` before it, and their keys."""
        written = Written(transaction, database)
        head = written.head
        if head.topic != self._topic.id:
            raise StoreUnavailable("another process of this data folder follows another topic")
        puts = [(record, time_ms, put) for record, time_ms, put in read if record.offset >= head.offset]
        for record, _, put in puts:
            written.write(put, record.offset)
        erased = [time_ms for _, time_ms, put in puts if put.fields is None and put.key[:1] == b"p"]
        if batch.next_offset > head.offset:
            written.finish(
                offset=batch.next_offset,
                heard_ms=_now_ms(),
                newest_ms=max([head.newest_ms, *batch.times_ms.tolist()]),
                forgotten_ms=max([head.forgotten_ms, *erased]),
            )
        return head.remembered, [put.key for _, _, put in puts]

    def _put(self, record: Record) -> Iterator[Put]:
        """The record, unless it means nothing: every server skips such a record."""
        if record.key == _NUDGE:
            return
        try:
            yield put_of(record.key, record.value)
        except RecordDamaged as damage:
            if not self._told_damaged:
                self._told_damaged = True
                get_logger(__name__).warning(
                    "a record of the people's topic means nothing, and is skipped",
                    offset=record.offset,
                    reason=str(damage),
                )

    async def _read_up_to(self, offset: int) -> None:
        """Wait until all records below `offset` are read and written.

        Raises:
            StoreUncertain: this takes too long.
        """
        with trio.move_on_after(READ_BACK_SECONDS):
            while self._position < offset:
                await self._moved.wait()
            return
        raise StoreUncertain("the people's topic can't be read just now; the change may be made all the same")

    # Changing.

    async def change(self, change: Change) -> Sequence[Put]:
        """Make a change on all servers; when this returns, it's written here.

        Returns:
            The records of the change.

        Raises:
            Refused: the change isn't possible.
            StoreError: the brokers are away; `StoreUncertain` if the change may have been made, or may still be made.
        """
        if self._waiting >= MOST_WAITING:
            raise StoreUnavailable(f"{MOST_WAITING} changes are under way already; try again")
        self._waiting += 1
        try:
            for attempt in range(_TRIES):
                puts = await self._make(change)
                if puts is not None:
                    return puts
                await trio.sleep(random.uniform(0, 0.02 * (attempt + 1)))  # noqa: S311 - so that two don't clash again
        finally:
            self._waiting -= 1
        raise StoreUnavailable("other changes clash with this one just now; try again")

    async def _make(self, change: Change) -> Sequence[Put] | None:
        """Try to make a change; None if it clashed with another one, and was undone."""
        with self._watching() as between:
            proposal = await self._decide(change)
            if not proposal.puts:
                return ()
            offsets = await self._append(proposal.records())
            await self._read_up_to(offsets[-1] + 1)
            if len(between.records) > _MOST_BETWEEN:
                raise StoreUncertain("too many changes at once; this one may have been made")
            others = [each for each in between.records if each.offset >= proposal.base and each.offset not in offsets]
            if not proposal.clashes(each for each in others if each.offset < offsets[-1]):
                return proposal.puts
            undone = await self._append(records_of(proposal.undone(offsets, others)))
            await self._read_up_to(undone[-1] + 1 if undone else 0)
            return None

    @contextlib.contextmanager
    def _watching(self) -> Iterator[_Between]:
        between = _Between()
        self._under_way.add(between)
        try:
            yield between
        finally:
            self._under_way.discard(between)

    async def _decide(self, change: Change) -> Proposal:
        def decide(view: View, key: bytes) -> Proposal:
            return Proposal.decide(change, view, key)

        try:
            return await self._stored.see(decide)
        except Refused:  # the store may lag behind: another server may just have made this code
            with _store_errors():
                end = (await self._topic.bounds())[1]
            await self._read_up_to(end)
            return await self._stored.see(decide)

    async def _append(self, records: list[tuple[bytes, bytes | None]]) -> list[int]:
        with _store_errors():
            return await self._topic.put_all(records)

    # Tending.

    async def _tend(self) -> None:
        while True:
            await trio.sleep(_TEND_SECONDS)
            with contextlib.suppress(StoreError):
                await self._note_heard()
                await self._nudge()

    async def _note_heard(self) -> None:
        """Note now and then that the topic was read up to now, so that a start knows how long the server was away."""
        if _now_ms() - self._stored.head.heard_ms < min(_HEARD_MS, self._topic.tombstone_ms // 8) or self._is_failing:
            return
        await self._stored.transact(lambda *of: Written(*of).finish(heard_ms=_now_ms()))

    async def _nudge(self) -> None:
        """Append a record without a meaning if somebody was forgotten a while ago, and no record has come since. The
        brokers don't compact the file that they write to, and begin another one only for a new record.
        """
        head = self._stored.head
        due_ms = head.forgotten_ms + self._topic.segment_ms
        if head.forgotten_ms and head.newest_ms < due_ms < _now_ms() - random.randrange(int(_TEND_SECONDS * 5_000)):  # noqa: S311
            await self._append([(_NUDGE, None)])


def is_too_old(head: Head, tombstone_ms: int) -> bool:
    """Whether the topic may have lost records that erase something before a store with this head could read them."""
    return _now_ms() - head.heard_ms > tombstone_ms // 2


def _keys(batch: Batch) -> list[bytes]:
    return batch.keys if isinstance(batch, KeyedBatch) else []


@contextlib.contextmanager
def _store_errors() -> Iterator[None]:
    """Raise the topic's errors as the store's errors, which callers that change people expect."""
    try:
        yield
    except OutcomeUnknown as error:
        raise StoreUncertain(str(error)) from error
    except LogError as error:
        raise StoreUnavailable(str(error)) from error


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
