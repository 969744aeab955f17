"""A keyed topic in memory that can be compacted and go away: tests `placed.backends.keyed` without a broker."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np
import trio

from placed.backends import LogUnavailable, OffsetOutOfRange
from placed.backends.keyed import KeyedBatch
from placed.canvas.batch import Batch
from placed.people.store import open_people
from placed.people.taking_over import followed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from pathlib import Path

    from placed.people.store import PeopleStore


class MemoryTopic:
    """One topic, shared by all its servers.

    Attributes:
        id: its id.
        records: offset, key and value of the records that are left; an empty value deletes its key.
        next: the next offset.
        is_away: whether it is unreachable.
        on_append: called once, before the next records are appended, so that other records can come first.
    """

    cautions: tuple[str, ...] = ()

    def __init__(self, topic_id: str = "1" * 32, *, tombstone_ms: int = 7 * 86_400_000) -> None:
        self.id = topic_id
        self.segment_ms = 3_600_000
        self.tombstone_ms = tombstone_ms
        self.records: list[tuple[int, bytes, bytes]] = []
        self.next = 0
        self.is_away = False
        self.on_append: Callable[[], object] | None = None
        self._grown = trio.Event()

    async def bounds(self) -> tuple[int, int]:
        """See `KeyedTopic`."""
        await trio.lowlevel.checkpoint()
        self._check()
        return 0, self.next

    async def put_all(self, records: Sequence[tuple[bytes, bytes | None]]) -> list[int]:
        """See `KeyedTopic`."""
        await trio.lowlevel.checkpoint()
        self._check()
        first, self.on_append = self.on_append, None
        if first is not None:
            first()
        return [self.put(key, value) for key, value in records]

    def put(self, key: bytes, value: bytes | None) -> int:
        """Append one record; return its offset."""
        self.records.append((self.next, key, value or b""))
        self.next += 1
        grown, self._grown = self._grown, trio.Event()
        grown.set()
        return self.next - 1

    @contextlib.asynccontextmanager
    async def read(self, offset: int) -> AsyncGenerator[trio.abc.ReceiveChannel[Batch]]:
        """See `KeyedTopic`."""
        await trio.lowlevel.checkpoint()
        self._check()
        if offset > self.next:
            raise OffsetOutOfRange(offset, 0, self.next)
        yield _Reader(self, offset)

    def compact(self, *, with_tombstones: bool = True) -> None:
        """Keep the last record of each key, as a broker does some day; `with_tombstones` also drops deleted keys."""
        last = {key: offset for offset, key, _ in self.records}
        self.records = [
            (offset, key, value)
            for offset, key, value in self.records
            if last[key] == offset and (value or not with_tombstones)
        ]

    def set_away(self, is_away: bool) -> None:
        """Make it unreachable, or reachable again."""
        self.is_away = is_away
        self._grown.set()
        self._grown = trio.Event()

    def _check(self) -> None:
        if self.is_away:
            raise LogUnavailable("the brokers are away")

    async def grown(self) -> None:
        """Wait for the next record, or an outage."""
        await self._grown.wait()
        self._check()


class _Reader(trio.abc.ReceiveChannel[Batch]):
    def __init__(self, topic: MemoryTopic, offset: int) -> None:
        self._topic = topic
        self._offset = offset

    async def receive(self) -> Batch:
        await trio.lowlevel.checkpoint()
        while self._offset >= self._topic.next:
            await self._topic.grown()
        found = [record for record in self._topic.records if record[0] >= self._offset][:100]
        nothing = np.empty(0, np.int64)
        self._offset = found[-1][0] + 1 if found else self._topic.next
        if not found:
            return Batch(nothing, nothing, [], gap_end=self._offset)
        offsets = np.array([record[0] for record in found], np.int64)
        return KeyedBatch(offsets, offsets, [each[2] for each in found], None, [each[1] for each in found])

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


@contextlib.asynccontextmanager
async def server_of(topic: MemoryTopic, folder: Path, key: bytes) -> AsyncGenerator[PeopleStore]:
    """A people store of one server that follows the topic; `folder` is the server's data folder."""
    async with open_people(folder / "people", key) as store, followed(store, topic), trio.open_nursery() as nursery:
        nursery.start_soon(store.run)
        yield store
        nursery.cancel_scope.cancel()
