"""Backs up a data folder while its server runs, and checks the copy before it gets its name.

    DEST.part-PID/snapshot    first, so that it is never ahead of the log
                 /log         LMDB's own hot copy, in one read transaction: the log as of one commit
                 /people      likewise; after the log, so that it has everybody who painted there
                 /author.key
    mark it as a backup, check all of it, fsync --> DEST

The copy has a mark, so that the first server that starts on it gives it a new log id
(`placed.backends.lmdb.about_log`). The copy doesn't hold a Kafka topic; for servers on Kafka it holds a snapshot, the
people and the author key.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs
import lmdb
import trio

from placed.backends.lmdb.about_log import ABOUT_KEY, ORIGIN_KEY, RECORDS, About, Origin
from placed.backends.opening import place_of
from placed.commands.operations.check import (
    KEY_NAME,
    SNAPSHOT_NAME,
    CannotCheck,
    check,
    check_snapshot_alone,
    held_folders,
)
from placed.commands.operations.part_folder import part_folder
from placed.people.store import FOLDER_NAME as PEOPLE_NAME
from placed.storage.author_key import AuthorKeyError, author_key
from placed.storage.lasting_folders import sync_folder
from placed.storage.lmdb_environment import DATA_NAME, StoreError, open_environment
from placed.storage.lmdb_lock import LOCK_NAME, allocate_lock, remove_unused_lock
from placed.storage.lmdb_pages import DamagedPages
from placed.storage.ownership import give_to_folders_owner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from placed.commands.operations.check import Progress
    from placed.commands.operations.report import Report
    from placed.commands.settings.values import Settings

_LOG_NAME: Final = "log"
_SPARE_BYTES: Final = 16 << 20  # for the server's writes during the copy, and for the mark
_TRIES: Final = 10  # a busy server's file may outgrow our map between opening and reading
_LOOK_SECONDS: Final = 0.1


class CannotBackUp(Exception):
    """No backup was made; the message says why, and the way out."""


class WrongDestination(Exception):
    """The destination can't be used as it is; nothing was done."""


@attrs.frozen
class Backup:
    """A backup that was made.

    Attributes:
        folder: its folder.
        bytes: its size.
        report: the findings of its check.
    """

    folder: Path
    bytes: int
    report: Report


def back_up(settings: Settings, destination: Path, copying: Progress, checking: Progress) -> Backup:
    """Copy the canvas that the settings name to `destination`, which is new or an empty folder.

    Args:
        settings: the server's settings; the server may run.
        destination: the new data folder.
        copying: called with 0, the bytes copied, and the bytes in all.
        checking: called with 0, the records checked, and the records in all.

    Raises:
        WrongDestination: it isn't empty, isn't a folder, or is a mount point.
        CannotBackUp: there is nothing to copy, no room or no permission, or the copy is damaged.
    """
    destination = destination.absolute()
    _check_destination(destination)
    folders = _folders(settings)
    try:
        total_bytes = sum((folder / DATA_NAME).stat().st_size for folder in folders.values())
        _check_room(destination.parent, total_bytes)
        with part_folder(destination) as part:
            with _without_new_locks(settings, folders):
                trio.run(_copy_all, folders, part, total_bytes, copying)
            _copy_key(settings, part)
            report = _checked(settings, part, checking)
            _sync(part)
            part.rename(destination)
            sync_folder(destination.parent)
    except (OSError, lmdb.Error, StoreError, DamagedPages, AuthorKeyError) as error:
        raise CannotBackUp(_words(error)) from error
    return Backup(destination, total_bytes, report.moved(part, destination))


@contextlib.contextmanager
def _without_new_locks(settings: Settings, folders: dict[str, Path]) -> Iterator[None]:
    """Remove the lock files that LMDB's copy makes in the original folders, unless a server uses them by now."""
    made = [path for folder in folders.values() if not (path := folder / LOCK_NAME).exists()]
    try:
        yield
    finally:
        if made:
            with contextlib.suppress(CannotCheck, OSError), held_folders(settings):
                for path in made:
                    remove_unused_lock(path)


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _check_destination(destination: Path) -> None:
    if destination.name in ("", ".."):
        raise WrongDestination(f"{destination} has no name; name a new folder")
    if destination.is_mount():
        raise WrongDestination(f"{destination} is a mount point; name a new folder inside it")
    if destination.is_symlink() or (destination.exists() and not destination.is_dir()):
        raise WrongDestination(f"{destination} is no folder; name a new or an empty one")
    if destination.exists() and any(destination.iterdir()):
        raise WrongDestination(f"{destination} isn't empty; name a new folder, or an empty one")
    if not destination.parent.is_dir():
        raise WrongDestination(f"there is no folder {destination.parent}; make it first")


def _folders(settings: Settings) -> dict[str, Path]:
    """The folders to copy, by their names in the backup, in order.

    Raises:
        CannotBackUp: there is no canvas.
    """
    place = place_of(settings)
    if not place.lasts:
        raise CannotBackUp("a log in memory can't be backed up; run the server with a log that lasts")
    log = place.folder
    wanted = {SNAPSHOT_NAME: settings.data / SNAPSHOT_NAME} | ({_LOG_NAME: log} if log is not None else {})
    wanted |= {PEOPLE_NAME: settings.data / PEOPLE_NAME}
    folders = {name: folder for name, folder in wanted.items() if (folder / DATA_NAME).exists()}
    if not folders or (log is not None and _LOG_NAME not in folders):
        raise CannotBackUp(f"there is no canvas in {log or settings.data}; say where it is, with --data FOLDER")
    return folders


def _check_room(folder: Path, needed_bytes: int) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes + _SPARE_BYTES:
        raise CannotBackUp(
            f"the backup takes {needed_bytes + _SPARE_BYTES:,} bytes, and {free_bytes:,} are free in {folder}"
        )


async def _copy_all(folders: dict[str, Path], part: Path, total_bytes: int, progress: Progress) -> None:
    before_bytes = 0
    for name, folder in folders.items():
        target = part / name
        await trio.Path(target).mkdir(mode=0o700)
        told = partial(_tell, progress, before_bytes, total_bytes)
        failure: Exception | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_watch, trio.Path(target / DATA_NAME), told)
            try:
                await trio.to_thread.run_sync(_copy, folder, target)
            except (OSError, lmdb.Error) as error:  # raised again outside the nursery, so that it isn't in a group
                failure = error
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure
        await trio.Path(target / DATA_NAME).chmod(0o600)
        before_bytes += (await trio.Path(target / DATA_NAME).stat()).st_size
    progress(0, total_bytes, total_bytes)
    if _LOG_NAME in folders:
        await _mark(part / _LOG_NAME)


def _tell(progress: Progress, before_bytes: int, total_bytes: int, copied_bytes: int) -> None:
    progress(0, min(before_bytes + copied_bytes, total_bytes), total_bytes)


async def _watch(path: trio.Path, told: Callable[[int], None]) -> None:
    while True:
        with contextlib.suppress(FileNotFoundError):
            told((await path.stat()).st_size)
        await trio.sleep(_LOOK_SECONDS)


def _copy(folder: Path, target: Path) -> None:
    """LMDB's hot copy. Its reader table keeps the server from reusing pages during the copy."""
    lock = folder / LOCK_NAME
    is_new = not lock.exists()
    try:
        allocate_lock(folder)
    except OSError as error:
        if error.errno != errno.EROFS:  # on a read-only disk LMDB needs no lock, because nobody else can write
            raise
    if is_new and lock.exists():
        give_to_folders_owner(lock)
    for attempt in range(1, _TRIES + 1):
        try:
            with lmdb.open(os.fsencode(folder), readonly=True, mode=0o600, max_dbs=1, lib_version=0) as environment:
                environment.copy(os.fsencode(target))  # type: ignore[arg-type]  # it takes bytes, too
        except lmdb.MapResizedError:
            (target / DATA_NAME).unlink(missing_ok=True)
            if attempt == _TRIES:
                raise
        else:
            return


async def _mark(folder: Path) -> None:
    """Write into the copied log that it is a backup."""

    def mark(transaction: lmdb.Transaction[bytes], _records: Any) -> None:
        about = About.decode(transaction.get(ABOUT_KEY))
        transaction.put(ABOUT_KEY, attrs.evolve(about, transaction=transaction.id()).encode())
        origin = Origin(is_backup=True, log_id=about.log_id, version=about.next_offset)
        transaction.put(ORIGIN_KEY, origin.encode())

    async with open_environment(folder, appended=RECORDS) as environment:
        await environment.write(mark)
    await trio.Path(folder / LOCK_NAME).unlink(missing_ok=True)  # the next server may run as another user


def _copy_key(settings: Settings, part: Path) -> None:
    if settings.author_key_file is None and not (settings.data / KEY_NAME).exists():
        return
    descriptor = os.open(part / KEY_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(author_key(settings.data, settings.author_key_file))


def _checked(settings: Settings, part: Path, progress: Progress) -> Report:
    """Check the copy, as `placed check` does.

    Raises:
        CannotBackUp: the copy is damaged.
    """
    if place_of(settings).is_remote:
        report = check_snapshot_alone(attrs.evolve(settings, data=part))
        report.notes.append("the log is a Kafka topic, and isn't in this backup: the brokers keep its copies")
    else:
        report = check(attrs.evolve(settings, data=part, log=None, author_key_file=None), progress)
    if not report.is_well:
        what = "; ".join(f"{one.part}: {one.what}" for one in report.problems)
        raise CannotBackUp(f"the copy is damaged, and was removed again: {what}. Check the canvas with placed check")
    return report


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _sync(folder: Path) -> None:
    """Sync all files and folders in `folder`, so that they outlast a power cut."""
    for path in folder.rglob("*"):
        if path.is_file():
            with _opened(path) as descriptor:
                os.fsync(descriptor)
        else:
            sync_folder(path)
    sync_folder(folder)
