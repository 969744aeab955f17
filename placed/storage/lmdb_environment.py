"""Opens an LMDB environment once its file is sound, writes whole transactions, and lets it grow by itself.

    StoreError
    ├── StoreUnavailable      nothing was written: no room, no permission, a disk error; try again
    │   └── StoreUncertain    it may have been written
    ├── StoreDamaged          the file is damaged, or isn't placed's
    └── StoreClosed           used after close

Owns the environment, its one CapacityLimiter, and its map. LMDB writes; reads go through `placed.storage.lmdb_pages`,
which says why. One transaction at a time runs in the process, so the map may be replaced between two of them. A larger
map lets the file grow. A new map also keeps memory small: touched pages of a map count as resident until it is
replaced.

A committed transaction is in the file that the path names; if it isn't, the caller gets an error. After each commit the
environment compares the open file with its path (`placed.storage.open_file`). Once they differ, it writes nothing until
they are the same again.

A caller that opens an environment has locked its folder (`placed.storage.folder_lock`), and keeps the lock until after
the environment is closed. `placed.storage.lmdb_shared` has environments for several processes. May import Trio and
lmdb.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING, Final, TypeVar

import lmdb
import trio

from placed.storage.lasting_folders import sync_folder
from placed.storage.lmdb_beside import look_beside, pages_beside
from placed.storage.lmdb_check import check_file
from placed.storage.lmdb_lock import LOCK_NAME, allocate_lock
from placed.storage.lmdb_pages import DamagedPages
from placed.storage.open_file import OpenFile, first_displaced

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator
    from pathlib import Path

    from lmdb import Transaction
    from lmdb import _Database as Database

    from placed.storage.lmdb_pages import PageFile

    Fill = Callable[[Transaction[bytes], Database | None], None]

T = TypeVar("T")

MAP_STEP_BYTES: Final = 8 << 20  # the most that the map makes resident; for each step one transaction runs twice
CLOSE_SECONDS: Final = 10.0  # a guess: a commit on a slow disk takes 1 s
DATA_NAME: Final = "data.mdb"
_CREATING_NAME: Final = "creating"
_FILE_MODE: Final = 0o600
_DAMAGE: Final = (lmdb.CorruptedError, lmdb.InvalidError, lmdb.PageNotFoundError, lmdb.VersionMismatchError)


class StoreError(Exception):
    """Any failure of an environment."""


class StoreUnavailable(StoreError):
    """The environment can't be opened, read or written just now; nothing was written."""


class StoreUncertain(StoreUnavailable):
    """A commit failed so late that it may have been written."""


class StoreDamaged(StoreError):
    """The data file is damaged, or isn't placed's."""


class StoreClosed(StoreError):
    """The environment was used after it was closed."""


class Environment:
    """One open LMDB environment; `open_environment` opens it.

    Attributes:
        folder: the environment's folder.
        commits: how many write transactions were committed.
    """

    def __init__(self, folder: Path, *, appended: bytes | None, whole: bool, map_step_bytes: int) -> None:
        self.folder = folder
        self.commits = 0
        self._appended_name = appended
        self._checks_whole = whole
        self._map_step_bytes = map_step_bytes
        self._limiter = trio.CapacityLimiter(1)
        self._closed = False
        self._descriptor = -1
        self._data: OpenFile | None = None
        self._lock: OpenFile | None = None
        self._displaced = False
        self._transaction = self._size_bytes = 0  # of the file after the last commit, or larger
        self._lmdb: lmdb.Environment | None = None
        self._appended: Database | None = None

    async def open(self, fill: Fill) -> None:
        """Open the environment; `open_environment` calls this once."""
        await self._run(lambda: self._open(fill))

    async def write(self, transact: Callable[[Transaction[bytes], Database | None], T]) -> T:
        """Run `transact` in one write transaction, commit it with fsync, and return what it returned.

        Args:
            transact: called in a thread with the transaction, whose default is the main database, and with the
                appended database if there is one. If the map has to grow, it is called again from its beginning. An
                exception from it aborts the transaction.

        Raises:
            StoreUnavailable: nothing was written: the disk is full, or failed. Writing works again when there is room.
            StoreUncertain: the transaction may have been written.
            StoreDamaged: a commit failed, and a check of the file then found damage.
            StoreClosed: the environment was closed.

        Cancellation: only before the transaction begins; after that it is finished, and its outcome is
            returned.
        """
        return await self._run(lambda: self._write(transact))

    async def read(self, look: Callable[[PageFile], T]) -> T:
        """Run `look` on the newest committed state, in a thread, and return what it returned.

        Raises:
            StoreUnavailable: the disk can't be read.
            StoreDamaged: `look` came upon damage.
            StoreClosed: the environment was closed.

        Cancellation: only before `look` begins.
        """
        return await self._run(lambda: self._read(look))

    async def get(self, key: bytes) -> bytes | None:
        """The value of `key` in the main database, or None; raises as `read` does."""
        return await self.read(lambda pages: pages.get(pages.newest.main, key))

    async def put(self, key: bytes, value: bytes) -> None:
        """Set the value of `key` in the main database; raises as `write` does."""
        await self.write(lambda transaction, _appended: transaction.put(key, value))

    def why_displaced(self) -> str | None:
        """Why the paths of its files no longer name the open files; None while they do.

        Thread: any, see `OpenFile.why_displaced`.
        """
        return first_displaced([file for file in (self._data, self._lock) if file is not None])

    async def close(self) -> None:
        """Wait for the running transaction, and close. Idempotent.

        If the transaction hasn't ended after CLOSE_SECONDS, the disk hangs: the environment then stays open until the
        process ends.
        """
        self._closed = True
        with trio.CancelScope(shield=True, deadline=trio.current_time() + CLOSE_SECONDS):
            await trio.to_thread.run_sync(self._close, limiter=self._limiter)

    async def _run(self, call: Callable[[], T]) -> T:
        def unless_closed() -> T:
            if self._closed:
                raise StoreClosed(f"{self.folder} was closed")
            return call()

        return await trio.to_thread.run_sync(unless_closed, limiter=self._limiter)

    # All methods below run in a worker thread, under the limiter.

    def _open(self, fill: Fill) -> None:
        with explained(self.folder):
            if not (self.folder / DATA_NAME).exists():
                self._create(fill)
            self._descriptor = os.open(self.folder / DATA_NAME, os.O_RDONLY | os.O_CLOEXEC)
            self._data = OpenFile(self.folder / DATA_NAME, os.fstat(self._descriptor))
            self._open_lmdb()

    def _create(self, fill: Fill) -> None:
        # The file is made aside and moved into place: a crash leaves no file or a whole one, so half a file
        # means damage.
        aside = self.folder / _CREATING_NAME
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        with self._lmdb_at(aside, self._map_step_bytes) as environment:
            with environment.begin(write=True) as transaction:
                name = self._appended_name
                fill(transaction, environment.open_db(name, transaction) if name else None)
            environment.sync(True)
        (aside / DATA_NAME).rename(self.folder / DATA_NAME)
        shutil.rmtree(aside)
        sync_folder(self.folder)

    def _lmdb_at(self, folder: Path, map_bytes: int) -> lmdb.Environment:
        allocate_lock(folder)
        # `placed.storage.lmdb_pages` reads data format 1 (`lib_version=0`). Read-ahead would map pages that nobody
        # reads.
        return lmdb.open(
            os.fsencode(folder),  # as bytes: a name on the disk need not be text
            map_size=map_bytes,
            mode=_FILE_MODE,
            max_dbs=1,
            readahead=False,
            lib_version=0,
        )

    def _open_lmdb(self) -> PageFile:
        pages = look_beside(self._descriptor, lambda _: self._checked())
        self._refuse_displaced()  # LMDB opens the file that the path names, and makes one if there is none
        self._lmdb = self._lmdb_at(self.folder, self._map_bytes(pages))
        self._lock = OpenFile(self.folder / LOCK_NAME, (self.folder / LOCK_NAME).stat())
        self._refuse_displaced()
        self._appended = self._lmdb.open_db(self._appended_name, create=False) if self._appended_name else None
        self._transaction = max(self._transaction, pages.newest.transaction)
        return pages

    def _checked(self) -> PageFile:
        pages = check_file(self._descriptor, appended=self._appended_name, whole=self._checks_whole)
        self._checks_whole = False  # one whole check is enough: LMDB writes sound pages itself
        return pages

    def _map_bytes(self, pages: PageFile) -> int:
        used = (pages.newest.last_page + 1) * pages.page_bytes
        return (used // self._map_step_bytes + 1) * self._map_step_bytes

    def _refuse_displaced(self) -> None:
        assert self._data is not None
        reason = self._data.why_displaced()
        self._displaced = reason is not None
        if reason is not None:
            self._close_lmdb()
            raise StoreUnavailable(reason)

    def _refuse_overwritten(self) -> int:
        """Check that the file is at least as new and long as after the last commit; returns its newest transaction.

        Raises:
            DamagedPages: it is older or shorter. LMDB would read its map past the file's end (SIGBUS), or go on from
                pages that are gone.
        """
        newest, size_bytes = pages_beside(self._descriptor).newest.transaction, os.fstat(self._descriptor).st_size
        if newest < self._transaction or size_bytes < self._size_bytes:
            raise DamagedPages("another file was written over it while it was open")
        self._size_bytes = size_bytes
        return newest

    def _read(self, look: Callable[[PageFile], T]) -> T:
        with explained(self.folder):
            return look(pages_beside(self._descriptor))

    def _write(self, transact: Callable[[Transaction[bytes], Database | None], T]) -> T:
        with explained(self.folder):
            if self._displaced:
                self._refuse_displaced()
            if self._lmdb is None:
                self._open_lmdb()
            while True:
                try:
                    return self._commit(transact)
                except lmdb.MapFullError:
                    self._grow()
                except lmdb.MapResizedError:
                    self._follow_size()

    def _commit(self, transact: Callable[[Transaction[bytes], Database | None], T]) -> T:
        assert self._lmdb is not None
        before = self._refuse_overwritten()
        try:
            with self._lmdb.begin(write=True) as transaction:
                result = transact(transaction, self._appended)
        except (lmdb.MapFullError, lmdb.MapResizedError):
            raise
        except lmdb.Error as error:
            self._reopen(before, error)
            raise
        self.commits += 1
        self._transaction = self._lmdb.info()["last_txnid"]  # a transaction that changes nothing takes no number
        self._tell_displaced()
        return result

    def _tell_displaced(self) -> None:
        assert self._data is not None
        reason = self._data.why_displaced()
        if reason is not None:
            self._displaced = True
            raise StoreUncertain(f"{reason}; the last edits are in the folder or file that was taken away")

    def _grow(self) -> None:
        assert self._lmdb is not None
        try:
            # Without this, a killed backup would keep LMDB from using freed pages again, and the file would grow by
            # some pages with each commit.
            self._lmdb.reader_check()
            self._lmdb.set_mapsize(self._lmdb.info()["map_size"] + self._map_step_bytes)
        except lmdb.Error:
            self._close_lmdb()
            raise

    def _follow_size(self) -> None:
        """Map the whole file, after another process has made it longer."""
        assert self._lmdb is not None
        self._lmdb.set_mapsize(self._map_bytes(pages_beside(self._descriptor)))

    def _reopen(self, before: int, error: lmdb.Error) -> None:
        # After a failed commit LMDB may refuse everything (MDB_PANIC), so it is opened again from the file.
        self._close_lmdb()
        try:
            pages = self._open_lmdb()
        except (lmdb.Error, OSError, StoreUnavailable) as again:
            raise StoreUncertain(f"{self.folder}: {error}; and then: {again}") from again
        if pages.newest.transaction != before:
            raise StoreUncertain(f"{self.folder}: {error}") from error

    def _close_lmdb(self) -> None:
        if self._lmdb is not None:
            self._lmdb.close()
        self._lmdb = self._appended = None

    def _close(self) -> None:
        self._close_lmdb()
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


@contextlib.contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn all errors of LMDB, the pages and the system in the block into a StoreError about `folder`."""
    try:
        yield
    except (DamagedPages, *_DAMAGE) as damage:
        raise StoreDamaged(
            f"{folder / DATA_NAME} is damaged, or isn't placed's: {damage}. "
            f"Restore a backup of {folder}, or move it away"
        ) from damage
    except lmdb.Error as error:
        raise StoreUnavailable(f"{folder}: {error}{_room(folder)}") from error
    except OSError as error:
        raise StoreUnavailable(f"{error.filename or folder}: {error.strerror}") from error


def _room(folder: Path) -> str:
    # A full disk may show as EIO, if LMDB could write a part. With the free room, the reader can tell.
    try:
        return f"; {shutil.disk_usage(folder).free} bytes are free on its disk"
    except OSError:
        return ""


@contextlib.asynccontextmanager
async def open_environment(
    folder: Path,
    *,
    fill: Fill = lambda _transaction, _appended: None,
    appended: bytes | None = None,
    map_step_bytes: int = MAP_STEP_BYTES,
) -> AsyncGenerator[Environment]:
    """Open the environment in `folder`, which exists and is locked; create it if needed; close it at the end.

    Args:
        fill: writes the first content of a new environment, in one transaction.
        appended: the name of a database that is only ever appended to. The check at the opening looks only at its
            edges.
        map_step_bytes: by how many bytes the map grows.

    Raises:
        StoreUnavailable: no permission, a read-only or full disk.
        StoreDamaged: the file is damaged, or isn't LMDB's; LMDB has not opened it.
    """
    environment = Environment(folder, appended=appended, whole=False, map_step_bytes=map_step_bytes)
    try:
        await environment.open(fill)
        yield environment
    finally:
        await environment.close()
