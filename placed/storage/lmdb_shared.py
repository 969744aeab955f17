"""Opens an LMDB environment that several processes write, each of them through this module.

LMDB's own lock keeps their transactions apart. A reader doesn't wait for any of them (`placed.storage.lmdb_beside`).
The remains of deleted data can be overwritten in the file, too (`placed.storage.lmdb_scrub`).
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NoReturn

from placed.storage.lmdb_beside import look_beside
from placed.storage.lmdb_environment import DATA_NAME, MAP_STEP_BYTES, Environment, StoreClosed, explained
from placed.storage.lmdb_scrub import scrub

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path
    from typing import TypeVar

    from lmdb import Transaction
    from lmdb import _Database as Database

    from placed.storage.lmdb_pages import PageFile

    T = TypeVar("T")


class _Scrubbed(Exception):
    """Ends a transaction that writes nothing itself; `is_all` says whether all remains were overwritten."""

    def __init__(self, is_all: bool) -> None:
        self.is_all = is_all


class SharedEnvironment(Environment):
    """An environment for several processes; `open_shared_environment` opens it."""

    _page_bytes: int | None = None  # never changes

    def look(self, look: Callable[[PageFile], T]) -> T:
        """As `read`, but at once, in this thread: for a look at a few pages, also during a transaction of any process.

        Raises: as `read`.

        Thread: blocks for 50 us a page; longer if the page has to be read from the disk.
        """
        if self._closed:
            raise StoreClosed(f"{self.folder} was closed")
        with explained(self.folder):
            return look_beside(self._descriptor, look)

    def metas(self) -> bytes:
        """The bytes of both meta pages: while they stay the same, no process has changed anything.

        Raises: as `read`.

        Thread: blocks for 3 us; longer if they have to be read from the disk.
        """
        if self._closed:
            raise StoreClosed(f"{self.folder} was closed")
        with explained(self.folder):
            if self._page_bytes is None:
                self._page_bytes = look_beside(self._descriptor, lambda pages: pages.page_bytes)
            return os.pread(self._descriptor, 2 * self._page_bytes, 0)

    async def open_to_look(self) -> None:
        """Open it for `look` and `metas` only; `look_at_environment` calls this."""
        await self._run(self._open_to_look)

    def _open_to_look(self) -> None:
        with explained(self.folder):
            self._descriptor = os.open(self.folder / DATA_NAME, os.O_RDONLY | os.O_CLOEXEC)
            look_beside(self._descriptor, lambda _: self._checked())

    async def scrub(self) -> bool:
        """Overwrite the data that was deleted before the newest transaction; raises as `write` does.

        Returns:
            Whether all of it is gone: a reader in LMDB, such as a backup, may still need some of it.
        """
        return await self._run(self._scrub)

    def _scrub(self) -> bool:
        try:
            self._write(self._scrub_in_transaction)
        except _Scrubbed as scrubbed:
            return scrubbed.is_all
        finally:
            # LMDB keeps the memory of pages that it has written, and would copy its content into later pages' gaps.
            self._close_lmdb()
        raise AssertionError("it always raises")

    def _scrub_in_transaction(self, _transaction: Transaction[bytes], _database: Database | None) -> NoReturn:
        raise _Scrubbed(scrub(self.folder / DATA_NAME, self._oldest_reader()))

    def _oldest_reader(self) -> int | None:
        assert self._lmdb is not None
        self._lmdb.reader_check()
        states = (line.split()[-1] for line in self._lmdb.readers().splitlines()[1:])
        return min((int(state) for state in states if state.isdigit()), default=None)


@contextlib.asynccontextmanager
async def open_shared_environment(
    folder: Path, name: bytes | None, *, whole: bool
) -> AsyncGenerator[SharedEnvironment]:
    """Open the environment in `folder`, which has to exist; make it if needed, and close it at the end.

    The caller makes sure that two processes don't make it at once.

    Args:
        folder: the environment's folder.
        name: the name of its only database apart from the main one; None without one.
        whole: whether to check all pages; otherwise just those at the edges, if another process has checked the rest.

    Raises: as `open_environment`.
    """
    environment = SharedEnvironment(folder, appended=name, whole=whole, map_step_bytes=MAP_STEP_BYTES)
    try:
        await environment.open(lambda _transaction, _database: None)
        yield environment
    finally:
        await environment.close()


@contextlib.asynccontextmanager
async def look_at_environment(folder: Path, name: bytes | None, *, whole: bool) -> AsyncGenerator[SharedEnvironment]:
    """As `open_shared_environment`, for `look` and `metas` only: the file has to be there, and nothing is made."""
    environment = SharedEnvironment(folder, appended=name, whole=whole, map_step_bytes=MAP_STEP_BYTES)
    try:
        await environment.open_to_look()
        yield environment
    finally:
        await environment.close()
