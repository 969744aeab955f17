"""Makes a new log, for an import or a copy: complete under its name, or not there at all.

An embedded log is filled in `LOG.part-PID` next to its place, and renamed at the end; meanwhile the data folder is
locked, as by a server. A topic has no second name: if it can't be finished, it is deleted, unless it was there before.
A command that fails, or that Ctrl-C, SIGTERM or SIGHUP ends, leaves nothing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from placed.backends import CannotStart, LogError
from placed.backends.lmdb.about_log import RECORDS, check_log
from placed.backends.lmdb.filling import fill_lmdb_log
from placed.backends.opening import fill_topic, place_of
from placed.commands.operations.part_folder import part_folder
from placed.storage.folder_lock import LOCK_NAME, FolderBusy, lock_folder
from placed.storage.lasting_folders import make_folder, sync_folder
from placed.storage.lmdb_check import check_file
from placed.storage.lmdb_environment import DATA_NAME, StoreError
from placed.storage.lmdb_lock import LOCK_NAME as LMDB_LOCK_NAME
from placed.storage.lmdb_pages import DamagedPages
from placed.storage.ownership import give_to_folders_owner

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from placed.backends.kafka.filling import KafkaFilling
    from placed.backends.lmdb.filling import LmdbFilling
    from placed.commands.settings.values import Settings

_LOG_NAME: Final = "log"
SPOOL_NAME: Final = "spool"


class NoNewLog(Exception):
    """A new log can't be made; the message says why, and the way out."""


@attrs.frozen
class NewLog:
    """A log that is being filled.

    Attributes:
        filling: takes the records.
        scratch: an empty folder, removed at the end; for an embedded log on the same disk.
        folder: the present folder of an embedded log; None for a topic.
    """

    filling: LmdbFilling | KafkaFilling
    scratch: Path
    folder: Path | None


@contextlib.asynccontextmanager
async def new_log(settings: Settings, *, created_ms: int, data: Path | None) -> AsyncGenerator[NewLog]:
    """The new log that these settings name; it gets its name when the block ends without an error.

    Args:
        settings: the settings of the server that will use it.
        created_ms: the time of its creation, or that of its original, ms since the epoch.
        data: the data folder, which this makes and locks; None if it isn't known.

    Raises:
        NoNewLog: there is a log already, it can't be written, or it is in memory alone.
    """
    place = place_of(settings)
    folder = place.folder
    if not place.lasts:
        raise NoNewLog(f"{place.url!r} would end with this command; allowed are lmdb:PATH and kafka://")
    with _told(folder or settings.data), _folders(data, folder):
        if folder is None:
            async with _new_topic(settings) as log:
                yield log
            return
        with part_folder(folder) as part:
            for name in (_LOG_NAME, SPOOL_NAME):
                (part / name).mkdir(mode=0o700)
            async with fill_lmdb_log(part / _LOG_NAME, created_ms=created_ms) as filling:
                yield NewLog(filling, part / SPOOL_NAME, part / _LOG_NAME)
            (part / _LOG_NAME / LMDB_LOCK_NAME).unlink(missing_ok=True)
            _put_in_place(part / _LOG_NAME, folder)
            shutil.rmtree(part)


@contextlib.asynccontextmanager
async def _new_topic(settings: Settings) -> AsyncGenerator[NewLog]:
    with tempfile.TemporaryDirectory(prefix="placed-") as scratch:
        async with fill_topic(settings) as filling:
            yield NewLog(filling, Path(scratch), None)


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except FolderBusy as error:
        raise NoNewLog(str(error)) from error
    except (StoreError, LogError, CannotStart) as error:
        raise NoNewLog(str(error)) from error
    except OSError as error:
        is_file = isinstance(error, FileExistsError | NotADirectoryError)
        why = "it is, or is inside, a file; name a folder" if is_file else error.strerror
        raise NoNewLog(f"{error.filename or folder}: {why}") from error


@contextlib.contextmanager
def _folders(data: Path | None, log: Path | None) -> Iterator[None]:
    """Make and lock the folders that aren't None; if the block fails, remove the new ones.

    Raises:
        NoNewLog: there is a log already.
        FolderBusy: a server uses one of the folders.
        OSError: they can't be used.
    """
    wanted = [*([data] if data else []), *([log.parent] if log else [])]
    made = {each for folder in wanted for each in (folder, *folder.parents) if not each.exists()}
    try:
        with contextlib.ExitStack() as stack:
            for folder in wanted:
                make_folder(folder, 0o700 if folder == data else 0o777)
            if data:
                stack.enter_context(lock_folder(data))
            if log and log.is_dir():
                stack.enter_context(lock_folder(log))
            if log:
                _refuse_records(log)
            yield
    except BaseException:
        if data in made:
            shutil.rmtree(data, ignore_errors=True)
        for each in sorted(made, reverse=True):  # the innermost first
            with contextlib.suppress(OSError):
                each.rmdir()
        raise


def _refuse_records(log: Path) -> None:
    try:
        descriptor = os.open(log / DATA_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        count = check_log(check_file(descriptor, appended=RECORDS)).next_offset
    except DamagedPages as damage:
        raise NoNewLog(
            f"there is a log in {log} already, and it is damaged: {damage}. Choose another --data"
        ) from damage
    finally:
        os.close(descriptor)
    if count:
        raise NoNewLog(
            f"there is a log of {count:,} records in {log} already; it stays as it is, so choose another --data"
        )


def _put_in_place(made: Path, log: Path) -> None:
    for name in (DATA_NAME, LMDB_LOCK_NAME, LOCK_NAME):  # left by a log without records
        (log / name).unlink(missing_ok=True)
    made.rename(log)
    give_to_folders_owner(log)
    give_to_folders_owner(log / DATA_NAME)
    sync_folder(log.parent)
