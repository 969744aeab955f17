"""Copies a log: reads it, writes the copy, reads the copy, and compares both; then copies the people.

    log --batches--> gaps --> new log --batches--> the same digest, or no copy

Nobody may write to the log meanwhile. An embedded log's folder is locked; a topic's end is looked up again afterwards.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

import attrs
import numpy as np
import trio

from placed.backends import CannotStart, LogError
from placed.backends.lmdb.beside import LogBeside, open_beside
from placed.backends.opening import open_log, place_of
from placed.canvas.clock import wall_clock_ms
from placed.commands.copy.gaps import Gaps, TooManyGaps
from placed.commands.copy.people import copy_people
from placed.commands.new_log import new_log
from placed.storage.folder_lock import FolderBusy, lock_folder_to_read
from placed.storage.lmdb_environment import DATA_NAME, StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from placed.backends import Log
    from placed.canvas.batch import Batch
    from placed.commands.settings.values import Settings

    Progress = Callable[[int, int, int], None]
    Take = Callable[[Batch], Awaitable[None]]


class CannotCopy(Exception):
    """No copy was made; the message says why, and what to do."""


@attrs.frozen
class Copied:
    """A copy that was made.

    Attributes:
        records: the number of its records.
        filled: how many of them fill a gap of the log.
        log_id: the copy's log id.
        people: a sentence that says where the people are.
    """

    records: int
    filled: int
    log_id: str
    people: str


@attrs.frozen
class _Source:
    """A log to read to its end."""

    log: LogBeside | Log
    first: int
    next: int

    async def each(self, take: Take) -> None:
        """Call `take` with all batches in order."""
        if isinstance(self.log, LogBeside):
            # Reading batches from a file never awaits, so Ctrl-C needs this checkpoint.
            for batch in self.log.batches(self.first):
                await take(batch)
                await trio.lowlevel.checkpoint()
        elif self.first < self.next:
            async with self.log.read(self.first) as batches:
                async for batch in batches:
                    await take(batch)
                    if batch.next_offset >= self.next:
                        return

    async def has_grown(self) -> bool:
        """Whether somebody has written to the log meanwhile."""
        return not isinstance(self.log, LogBeside) and (await self.log.bounds())[1] != self.next


class _Digest:
    """A digest of records, the same for any batches that they come in."""

    def __init__(self) -> None:
        self._parts = [hashlib.blake2b() for _ in range(4)]

    def add(self, offsets: NDArray[np.int64], times_ms: NDArray[np.int64], values: list[bytes]) -> None:
        """Add records."""
        sizes = np.fromiter(map(len, values), np.int64, len(values))
        # A digest for each column: the two logs cut the records into different batches, but the columns stay the same,
        # and no code has to join their bytes record by record.
        columns = [*(np.ascontiguousarray(each).tobytes() for each in (offsets, times_ms, sizes)), b"".join(values)]
        for part, column in zip(self._parts, columns, strict=True):
            part.update(column)

    def value(self) -> list[bytes]:
        """The digests of all records."""
        return [part.digest() for part in self._parts]


async def copy_log(settings: Settings, to: Settings, copying: Progress, checking: Progress) -> Copied:
    """Copy the log of `settings` to the new log of `to`.

    Args:
        settings: name the log to read.
        to: the same settings, with the new log.
        copying: called with 0, the records copied, and the records in all.
        checking: called with 0, the records read again, and the records in all.

    Raises:
        CannotCopy: the log isn't whole, somebody writes to it, or the copy isn't the same.
        NoNewLog: the new log can't be made.
    """
    with _explained():
        async with _opened(settings) as source:
            if source.first or not source.next:
                what = f"begins at offset {source.first}, its beginning is gone" if source.first else "has no records"
                raise CannotCopy(f"the log {place_of(settings).url} {what}; only a whole one is copied")
            async with new_log(to, created_ms=wall_clock_ms(), data=None) as new:
                gaps, digest = Gaps(), _Digest()

                async def take(batch: Batch) -> None:
                    part = gaps.fill(batch, source.next)
                    times_ms = await new.filling.extend(part.times_ms, part.values)
                    digest.add(part.offsets, times_ms, part.values)
                    copying(0, new.filling.next, source.next)

                await source.each(take)
                # Later records aren't in the copy, and nobody would notice before the old log is gone.
                if await source.has_grown():
                    raise CannotCopy(
                        f"the log {place_of(settings).url} has grown meanwhile; stop its servers, and copy again"
                    )
                log_id = await _check(to, new.folder, source.next, digest, checking)
                people = await copy_people(settings, to)
            return Copied(source.next, gaps.filled, log_id, people)


async def _check(to: Settings, folder: Path | None, end: int, digest: _Digest, progress: Progress) -> str:
    """Read the copy, and return its log id.

    Raises:
        CannotCopy: the copy isn't the same.
    """
    found = _Digest()

    async def take(batch: Batch) -> None:
        found.add(batch.offsets, batch.times_ms, batch.values)
        progress(0, batch.next_offset, end)

    async with _opened_at(folder) if folder is not None else _opened_topic(to) as copy:
        await copy.each(take)
        if (copy.first, copy.next) != (0, end) or found.value() != digest.value():
            raise CannotCopy(f"the copy in {place_of(to).url} isn't the same as the log, so it is removed again")
        return copy.log.id


@contextlib.asynccontextmanager
async def _opened(settings: Settings) -> AsyncGenerator[_Source]:
    place = place_of(settings)
    folder = place.folder
    if not place.lasts:
        raise CannotCopy("a log in memory exists only inside its server")
    if folder is None:
        async with _opened_topic(settings) as source:
            yield source
        return
    if not (folder / DATA_NAME).exists():
        raise CannotCopy(f"there is no canvas in {folder}; say where it is, with --data FOLDER")
    try:
        with contextlib.ExitStack() as stack:
            # The log may be outside the data folder; then each folder has a lock of its own.
            for each in {folder, settings.data}:
                if each.is_dir():
                    stack.enter_context(lock_folder_to_read(each))
            async with _opened_at(folder) as source:
                yield source
    except FolderBusy as error:
        raise CannotCopy(
            f"{error.folder} is in use by a server (process {error.holder}); stop it first, so that the copy has all"
        ) from error


@contextlib.asynccontextmanager
async def _opened_at(folder: Path) -> AsyncGenerator[_Source]:
    await trio.lowlevel.checkpoint()
    with open_beside(folder) as log:
        yield _Source(log, 0, log.next)


@contextlib.asynccontextmanager
async def _opened_topic(settings: Settings) -> AsyncGenerator[_Source]:
    async with open_log(settings, create=False) as log:
        yield _Source(log, *await log.bounds())


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (LogError, CannotStart, StoreError) as error:
        raise CannotCopy(str(error)) from error
    except TooManyGaps as error:
        raise CannotCopy(f"the log has gaps: {error}; it can't be copied") from error
