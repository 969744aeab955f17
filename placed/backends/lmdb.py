"""The LMDB log: `lmdb:PATH`, the default: one machine, nothing to install, durable.

    PATH/data.mdb     database "records": `placed.backends.stored`; in the main database `placed.backends.about`
    PATH/lock.mdb     LMDB's own, for its other tools
    PATH/placed.lock  keeps a second server out

Invariants: offsets have no gaps and begin at 0; times don't fall; a record is in the tail, and readable, only after the
commit that holds it was fsync'd. `append` is a group commit: whoever comes while none is running leads, and takes all
that wait into one transaction, in one thread call, since a call costs about 150 us and an fsync more.

    waiting --taken by a leader--> in flight --committed--> has its offset
       |                              +--------failed-----> has its error
       +--was first when a commit ended--> leads

May import Trio and numpy.
"""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, Final

import attrs
import trio

from placed.backends import (
    Batch,
    CopiedFrom,
    Log,
    LogBusy,
    LogClosed,
    LogCorrupt,
    LogUnavailable,
    OffsetOutOfRange,
    OutcomeUnknown,
)
from placed.backends.about import ABOUT_KEY, ORIGIN_KEY, RECORDS, About, Origin, check_log, newest_about, origin_of
from placed.backends.stored import encode, read_batch
from placed.backends.tail import BATCH_BYTES, BATCH_RECORDS, Reader, Tail, check_value, wall_clock_ms
from placed.folder_lock import FolderBusy, lock_folder
from placed.lmdb_environment import (
    MAP_STEP_BYTES,
    StoreClosed,
    StoreDamaged,
    StoreError,
    StoreUnavailable,
    StoreUncertain,
    make_folder,
    open_environment,
)
from placed.lmdb_pages import DamagedPages

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator
    from pathlib import Path

    from lmdb import Transaction
    from lmdb import _Database as Database

    from placed.lmdb_environment import Environment
    from placed.lmdb_pages import PageFile

TAIL_RECORDS: Final = 4096  # at one record every 0.4 ms, the last 1.6 s: whoever is further behind reads a whole batch
TAIL_BYTES: Final = 4 << 20
GROUP_RECORDS: Final = 16_384
GROUP_BYTES: Final = 16 << 20  # LMDB holds a transaction's pages in memory


class _Ticket:
    """One append that waits for its commit."""

    def __init__(self, value: bytes) -> None:
        self.value = value
        self.woken = trio.Event()
        self.abandoned = False
        self.offset: int | None = None
        self.error: Exception | None = None

    def fail(self, error: Exception) -> None:
        self.error = error
        self.woken.set()

    def outcome(self) -> int:
        if self.offset is None:
            # A traceback belongs to one raise; tasks that failed together don't share the exception.
            assert self.error is not None
            raise type(self.error)(*self.error.args) from self.error
        return self.offset


class LmdbLog(Log):
    """A log in an LMDB environment; opened by `open_lmdb_log`."""

    def __init__(
        self, environment: Environment, about: About, clock_ms: Callable[[], int], origin: Origin | None = None
    ) -> None:
        self._environment = environment
        self._id = about.log_id.hex()
        self.copied_from = None if origin is None else CopiedFrom(origin.log_id.hex(), origin.version)
        self._clock_ms = clock_ms
        self._tail = Tail(about.next_offset, max_records=TAIL_RECORDS, max_bytes=TAIL_BYTES)
        self._waiting: dict[_Ticket, None] = {}  # in order; a dict, so that a cancelled one leaves at no cost
        self._leader: _Ticket | None = None
        self._closed = False

    @property
    def id(self) -> str:
        """The identity of this log, 32 hex digits, made when it was created."""
        return self._id

    @property
    def commits(self) -> int:
        """How many transactions have been committed since it was opened."""
        return self._environment.commits

    async def bounds(self) -> tuple[int, int]:
        """The first and next offset; see `Log.bounds`."""
        self._check_open()
        await trio.lowlevel.checkpoint()
        return 0, self._tail.next

    async def append(self, value: bytes) -> int:
        """Append one record; see `Log.append`."""
        check_value(value)
        self._check_open()
        await trio.lowlevel.checkpoint_if_cancelled()
        ticket = _Ticket(value)
        self._waiting[ticket] = None
        if self._leader is None:
            self._leader = ticket
        else:
            await self._turn(ticket)
        if self._leader is ticket:
            await self._lead(ticket)
        return ticket.outcome()

    async def _turn(self, ticket: _Ticket) -> None:
        try:
            await ticket.woken.wait()
        except trio.Cancelled:
            ticket.abandoned = True
            self._waiting.pop(ticket, None)
            if self._leader is ticket:
                self._pass_on()
            raise

    async def _lead(self, own: _Ticket) -> None:
        group = self._take()
        try:
            await self._commit(group)
        except trio.Cancelled:
            # The thread had not begun. Whoever still waits is taken by the next leader, in the same order.
            back = {ticket: None for ticket in group if ticket is not own and not ticket.abandoned}
            self._waiting = back | self._waiting
            raise
        except BaseException as error:
            for ticket in group:
                ticket.fail(OutcomeUnknown(f"the commit ended with {error!r}"))
            raise
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        if self._closed:
            self._refuse_waiting()
        self._leader = next(iter(self._waiting), None)
        if self._leader is not None:
            self._leader.woken.set()

    def _take(self) -> list[_Ticket]:
        group: list[_Ticket] = []
        size_bytes = 0
        for ticket in self._waiting:
            size_bytes += len(ticket.value)
            if group and (size_bytes > GROUP_BYTES or len(group) == GROUP_RECORDS):
                break
            group.append(ticket)
        for ticket in group:
            del self._waiting[ticket]
        return group

    async def _commit(self, group: list[_Ticket]) -> None:
        values = [ticket.value for ticket in group]
        now_ms = self._clock_ms()
        try:
            first, time_ms = await self._environment.write(
                lambda transaction, records: _append(transaction, records, values, now_ms)
            )
        except StoreError as error:
            for ticket in group:
                ticket.fail(_log_error(error))
            if isinstance(error, StoreUncertain):
                await self._catch_up()
        else:
            # No await from here on: the tail, the offsets and the next leader change together.
            if first != self._tail.next:
                self._tail.skip_to(first)
            self._tail.extend(values, time_ms)
            for offset, ticket in enumerate(group, first):
                ticket.offset = offset
                ticket.woken.set()

    async def _catch_up(self) -> None:
        """Read where the log ends, after a commit of unknown outcome; the next commit does it if this one can't."""
        with contextlib.suppress(StoreError):
            about = await self._environment.read(newest_about)
            if about.next_offset != self._tail.next:
                self._tail.skip_to(about.next_offset)

    @contextlib.asynccontextmanager
    async def read(self, offset: int) -> AsyncGenerator[Reader]:
        """Read from `offset` on; see `Log.read`."""
        self._check_open()
        if not 0 <= offset <= self._tail.next:
            raise OffsetOutOfRange(offset, 0, self._tail.next)
        reader = Reader(offset, self._fetch)
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

    def _refuse_waiting(self) -> None:
        for ticket in self._waiting:
            ticket.fail(LogClosed("the log was closed before this record was written"))
        self._waiting.clear()

    def close(self) -> None:
        """Refuse new appends and those that wait, and wake the readers with LogClosed. Idempotent.

        The commit in flight goes on; closing the environment waits for it.
        """
        self._closed = True
        self._refuse_waiting()
        self._tail.close()


# What follows runs in a worker thread.


def _append(
    transaction: Transaction[bytes], records: Database | None, values: list[bytes], now_ms: int
) -> tuple[int, int]:
    """Put the values at the log's end; the first one's offset, and the time of all."""
    about = About.decode(transaction.get(ABOUT_KEY))
    time_ms = max(about.last_ms, now_ms)
    first = about.next_offset
    for offset, value in enumerate(values, first):
        key, stored = encode(offset, time_ms, value)
        if not transaction.put(key, stored, append=True, db=records):
            raise DamagedPages(f"record {offset} is there already")
    after = attrs.evolve(about, transaction=transaction.id(), next_offset=first + len(values), last_ms=time_ms)
    transaction.put(ABOUT_KEY, after.encode())
    return first, time_ms


def _become_another(transaction: Transaction[bytes], _records: Database | None) -> tuple[About, Origin]:
    """Take a log id of its own, in a backup that is opened for the first time; what it was copied from."""
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
def _locked(path: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock_folder(path))
        except FolderBusy as error:
            raise LogBusy(f"the log's folder {error}") from error
        except OSError as error:
            raise LogUnavailable(
                f"the log's folder {path} can't be written: {error.strerror}; allow it, or choose another folder"
            ) from error
        yield


@contextlib.asynccontextmanager
async def open_lmdb_log(
    path: Path, *, clock_ms: Callable[[], int] = wall_clock_ms, map_step_bytes: int = MAP_STEP_BYTES
) -> AsyncGenerator[LmdbLog]:
    """The log in the folder `path`, created if there is none, closed when the block ends.

    Args:
        path: the log's own folder.
        clock_ms: the time of a record, in ms since the epoch; one that goes back is held where it was.
        map_step_bytes: by how much LMDB's map grows.

    Raises:
        LogBusy: another process, or another part of this one, has it.
        LogUnavailable: no permission, a read-only or full disk.
        LogCorrupt: what is there is damaged, or isn't a log of ours.
    """
    async with contextlib.AsyncExitStack() as stack:
        await trio.to_thread.run_sync(_make_folder, path)
        stack.enter_context(_locked(path))
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
        log = LmdbLog(environment, about, clock_ms, origin)
        stack.callback(log.close)
        yield log
