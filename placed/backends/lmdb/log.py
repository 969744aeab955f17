"""Keeps the log in LMDB: `lmdb:PATH`, the default: one machine, nothing to install, durable.

    PATH/data.mdb     database "records": `placed.backends.lmdb.stored_records`; in the main database
                      `placed.backends.lmdb.about_log`
    PATH/lock.mdb     LMDB's own, for its other tools
    PATH/placed.lock  keeps a second server out

Invariants: offsets have no gaps and begin at 0; times don't fall; a record is in the tail, and readable, only after its
commit was fsync'd. Each append is a transaction of its own, one after the other, in a thread. The call costs about
150 us, and an fsync more, so a caller with many edits puts them into one record, as `placed.tasks.writer` does.

May import Trio and numpy.
"""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, Final

import attrs
import trio

from placed.backends import (
    CopiedFrom,
    Log,
    LogBusy,
    LogClosed,
    LogCorrupt,
    LogUnavailable,
    OffsetOutOfRange,
    OutcomeUnknown,
)
from placed.backends.lmdb.about_log import (
    ABOUT_KEY,
    ORIGIN_KEY,
    RECORDS,
    About,
    Origin,
    check_log,
    newest_about,
    origin_of,
)
from placed.backends.lmdb.stored_records import encode, read_batch
from placed.backends.tail import BATCH_BYTES, BATCH_RECORDS, Tail, TailReader, check_value
from placed.canvas.clock import wall_clock_ms
from placed.storage.folder_lock import FolderBusy, lock_folder
from placed.storage.lasting_folders import make_folder
from placed.storage.lmdb_environment import (
    MAP_STEP_BYTES,
    StoreClosed,
    StoreDamaged,
    StoreError,
    StoreUnavailable,
    StoreUncertain,
    open_environment,
)
from placed.storage.lmdb_pages import DamagedPages
from placed.storage.open_file import first_displaced

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
    from pathlib import Path

    from lmdb import Transaction
    from lmdb import _Database as Database

    from placed.canvas.batch import Batch
    from placed.storage.lmdb_environment import Environment
    from placed.storage.lmdb_pages import PageFile
    from placed.storage.open_file import OpenFile

TAIL_RECORDS: Final = 4096  # at one record every 0.4 ms, the last 1.6 s: a reader further behind reads a whole batch
TAIL_BYTES: Final = 4 << 20


class LmdbLog(Log):
    """A log in an LMDB environment; opened by `open_lmdb_log`."""

    def __init__(
        self,
        environment: Environment,
        about: About,
        clock_ms: Callable[[], int],
        origin: Origin | None = None,
        locks: list[OpenFile] | None = None,
    ) -> None:
        self._environment = environment
        self._locks = locks or []
        self._id = about.log_id.hex()
        self.copied_from = None if origin is None else CopiedFrom(origin.log_id.hex(), origin.version)
        self._clock_ms = clock_ms
        self._tail = Tail(about.next_offset, max_records=TAIL_RECORDS, max_bytes=TAIL_BYTES)
        self._closed = False

    @property
    def id(self) -> str:
        """The identity of this log, 32 hex digits, made when it was created."""
        return self._id

    @property
    def commits(self) -> int:
        """How many transactions have been committed since the log was opened."""
        return self._environment.commits

    async def bounds(self) -> tuple[int, int]:
        """The first and next offset; see `Log.bounds`."""
        self._check_open()
        await trio.lowlevel.checkpoint()
        return 0, self._tail.next

    async def append(self, value: bytes) -> int:
        """Append one record; see `Log.append`."""
        return await self.append_all([value])

    async def append_all(self, values: Sequence[bytes]) -> int:
        """Append these records in one transaction, and return the first record's offset; for code that fills a log.
        Otherwise as `append`.
        """
        for value in values:
            check_value(value)
        self._check_open()
        now_ms = self._clock_ms()
        try:
            first, time_ms = await self._environment.write(
                lambda transaction, records: self._put(transaction, records, values, now_ms)
            )
        except StoreError as error:
            if isinstance(error, StoreUncertain):
                await self._catch_up()
            raise _log_error(error) from error
        # No await from here on: the tail and the log change together.
        if first != self._tail.next:
            self._tail.skip_to(first)
        self._tail.extend(values, time_ms)
        return first

    # In a worker thread.
    def _put(
        self, transaction: Transaction[bytes], records: Database | None, values: Sequence[bytes], now_ms: int
    ) -> tuple[int, int]:
        """Put the values at the log's end; return the first record's offset, and the time of all."""
        about = About.decode(transaction.get(ABOUT_KEY))
        if about.log_id.hex() != self._id or about.next_offset < self._tail.next:
            raise DamagedPages("another log was written over it while it was open")
        time_ms, first = max(about.last_ms, now_ms), about.next_offset
        for offset, value in enumerate(values, first):
            key, stored = encode(offset, time_ms, value)
            if not transaction.put(key, stored, append=True, db=records):
                raise DamagedPages(f"record {offset} is there already")
        # Made anew, since `attrs.evolve` takes 5 us.
        after = About(about.log_id, about.created_ms, transaction.id(), first + len(values), time_ms)
        transaction.put(ABOUT_KEY, after.encode())
        return first, time_ms

    async def _catch_up(self) -> None:
        """Read where the log ends, after a commit of unknown outcome. If that fails, the next commit finds out."""
        with contextlib.suppress(StoreError):
            about = await self._environment.read(newest_about)
            if about.next_offset != self._tail.next:
                self._tail.skip_to(about.next_offset)

    @contextlib.asynccontextmanager
    async def read(self, offset: int) -> AsyncGenerator[TailReader]:
        """Read from `offset` on; see `Log.read`."""
        self._check_open()
        if not 0 <= offset <= self._tail.next:
            raise OffsetOutOfRange(offset, 0, self._tail.next)
        reader = TailReader(offset, self._fetch)
        try:
            yield reader
        finally:
            await reader.aclose()

    async def _fetch(self, offset: int) -> Batch:
        await self._tail.wait_beyond(offset)
        if offset >= self._tail.first:
            return self._tail.batch(offset)
        with _as_log_errors():
            return await self._environment.read(lambda pages: _read(pages, offset))

    def _check_open(self) -> None:
        if self._closed:
            raise LogClosed("the log was closed")

    def why_displaced(self) -> str | None:
        """Why the log's folder no longer holds the open files; see `Log.why_displaced`."""
        return self._environment.why_displaced() or first_displaced(self._locks)

    def close(self) -> None:
        """Refuse new appends and those that wait, and wake the readers with LogClosed. Idempotent.

        The commit in flight goes on; closing the environment waits for it.
        """
        self._closed = True
        self._tail.close()


# `_become_another` and `_read` run in a worker thread.


def _become_another(transaction: Transaction[bytes], _records: Database | None) -> tuple[About, Origin]:
    """Give a backup that is opened for the first time a log id of its own; return its description and origin."""
    about = About.decode(transaction.get(ABOUT_KEY))
    another = attrs.evolve(about, log_id=secrets.token_bytes(16), transaction=transaction.id())
    origin = Origin(is_backup=False, log_id=about.log_id, version=about.next_offset)
    transaction.put(ABOUT_KEY, another.encode())
    transaction.put(ORIGIN_KEY, origin.encode())
    return another, origin


def _read(pages: PageFile, offset: int) -> Batch:
    return read_batch(pages, pages.subtree(RECORDS), offset, max_records=BATCH_RECORDS, max_bytes=BATCH_BYTES)


def _log_error(error: StoreError) -> Exception:
    kinds = {StoreUncertain: OutcomeUnknown, StoreUnavailable: LogUnavailable, StoreDamaged: LogCorrupt}
    return LogClosed("the log was closed") if isinstance(error, StoreClosed) else kinds[type(error)](str(error))


@contextlib.contextmanager
def _as_log_errors() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise _log_error(error) from error


def _make_folder(path: Path) -> None:
    try:
        make_folder(path)
    except OSError as error:
        raise LogUnavailable(f"the log's folder {path} can't be made: {error.strerror}") from error


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[list[OpenFile]]:
    with contextlib.ExitStack() as stack:
        try:
            locks = stack.enter_context(lock_folder(path))
        except FolderBusy as error:
            raise LogBusy(f"the log's folder {error}") from error
        except OSError as error:
            raise LogUnavailable(
                f"the log's folder {path} can't be written: {error.strerror}; allow it, or choose another folder"
            ) from error
        yield locks


@contextlib.asynccontextmanager
async def open_lmdb_log(
    path: Path, *, clock_ms: Callable[[], int] = wall_clock_ms, map_step_bytes: int = MAP_STEP_BYTES
) -> AsyncGenerator[LmdbLog]:
    """The log in the folder `path`, created if there is none, closed when the block ends.

    Args:
        path: the log's own folder.
        clock_ms: the clock for records' times, in ms since the epoch; if it goes back, records keep the last time.
        map_step_bytes: by how many bytes LMDB's map grows at a time.

    Raises:
        LogBusy: another process, or another part of this one, has the log open.
        LogUnavailable: no permission, a read-only or full disk.
        LogCorrupt: the log is damaged, or isn't a log of ours.
    """
    async with contextlib.AsyncExitStack() as stack:
        await trio.to_thread.run_sync(_make_folder, path)
        locks = stack.enter_context(_locked(path))
        created_ms = clock_ms()

        def fill(transaction: Transaction[bytes], _records: Database | None) -> None:
            about = About(secrets.token_bytes(16), created_ms, transaction.id(), 0, 0)
            transaction.put(ABOUT_KEY, about.encode())

        with _as_log_errors():
            environment = await stack.enter_async_context(
                open_environment(path, fill=fill, appended=RECORDS, map_step_bytes=map_step_bytes)
            )
            about = await environment.read(check_log)
            origin = await environment.read(origin_of)
            if origin is not None and origin.is_backup:
                about, origin = await environment.write(_become_another)
        log = LmdbLog(environment, about, clock_ms, origin, locks)
        stack.callback(log.close)
        yield log
