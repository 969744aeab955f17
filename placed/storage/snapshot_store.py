"""Stores the last snapshot, in an LMDB environment of its own.

One transaction replaces the old snapshot by the new one, so a crash at any instant leaves one of the two. A snapshot
makes a start quick, but no start needs it: if the stored one is damaged, the log still has everything.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

import trio

from placed.canvas.snapshot import Snapshot, SnapshotDamaged, decode, encode
from placed.storage.lmdb_check import check_file
from placed.storage.lmdb_environment import DATA_NAME, StoreDamaged, StoreError, StoreUnavailable, open_environment
from placed.storage.lmdb_pages import DamagedPages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from placed.storage.lmdb_environment import Environment

_KEY = b"snapshot"


class SnapshotUnwritable(Exception):
    """The snapshot couldn't be stored; the one before it is still there."""


class SnapshotStore:
    """One open store; `open_snapshot_store` opens it.

    Attributes:
        damage: the fault of the store that was found, and deleted for a new one; None if it had none.
    """

    def __init__(self, environment: Environment, damage: str | None) -> None:
        self._environment = environment
        self.damage = damage

    async def load(self) -> Snapshot | None:
        """The stored snapshot, or None if there is none.

        Raises:
            SnapshotDamaged: there is one, but it isn't whole.
        """
        try:
            data = await self._environment.get(_KEY)
        except StoreError as error:
            raise SnapshotDamaged(str(error)) from error
        return None if data is None else decode(data)

    async def save(self, snapshot: Snapshot) -> None:
        """Replace the stored snapshot, in a worker thread.

        Raises:
            SnapshotUnwritable: no room, no permission, a disk error.
        """
        try:
            await self._environment.write(lambda transaction, _: transaction.put(_KEY, encode(snapshot)))
        except StoreError as error:
            raise SnapshotUnwritable(str(error)) from error


@contextlib.asynccontextmanager
async def open_snapshot_store(folder: Path) -> AsyncIterator[SnapshotStore]:
    """Open the store in `folder`, make it if needed, and close it at the end. The caller has locked a folder above it.

    A damaged store is deleted, because the log has everything that was in it.

    Raises:
        StoreError: the folder can't be used, or can't be created.
    """
    await trio.to_thread.run_sync(_make, folder)
    damage = None
    async with contextlib.AsyncExitStack() as stack:
        try:
            environment = await stack.enter_async_context(open_environment(folder))
        except StoreDamaged as error:
            damage = str(error)
            await trio.to_thread.run_sync(_empty, folder)
            environment = await stack.enter_async_context(open_environment(folder))
        yield SnapshotStore(environment, damage)


def read_snapshot(folder: Path) -> Snapshot | None:
    """The snapshot stored in `folder`, or None if there is none. Writes nothing. The caller has locked the folder.

    Raises:
        SnapshotDamaged: there is a file, but no whole snapshot in it.

    Thread: blocks.
    """
    try:
        descriptor = os.open(folder / DATA_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SnapshotDamaged(f"{folder / DATA_NAME} can't be read: {error.strerror}") from error
    try:
        pages = check_file(descriptor)
        data = pages.get(pages.newest.main, _KEY)
    except (DamagedPages, OSError) as error:
        raise SnapshotDamaged(f"{folder / DATA_NAME} is damaged: {error}") from error
    finally:
        os.close(descriptor)
    return None if data is None else decode(data)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        reason = f"the snapshot's folder {folder} can't be made: {error.strerror}; move away what is there"
        raise StoreUnavailable(reason) from error


def _empty(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        reason = f"the damaged snapshot in {folder} can't be deleted: {error.strerror}; delete it"
        raise StoreUnavailable(reason) from error
    _make(folder)
