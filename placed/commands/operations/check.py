"""Checks a stopped server's whole log, its snapshot and people: reads and compares them, and writes nothing.

It reads an LMDB log page by page, with `placed.storage.lmdb_pages`, so that LMDB never touches a damaged file. It locks
the folders meanwhile, as a server does. It reads a Kafka topic while servers use it, and locks only the data folder.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

import attrs
import trio

from placed.backends import CannotStart, CopiedFrom, LogError, LogUnavailable
from placed.backends.lmdb.about_log import RECORDS, check_log, origin_of
from placed.backends.lmdb.stored_records import read_batch
from placed.backends.opening import open_log, place_of
from placed.backends.tail import BATCH_BYTES, BATCH_RECORDS
from placed.canvas.author import KEY_BYTES
from placed.canvas.snapshot import SnapshotDamaged
from placed.commands.operations.examination import Examination
from placed.commands.operations.report import Report
from placed.people.examining import PeopleDamaged, examine
from placed.people.store import FOLDER_NAME as PEOPLE_NAME
from placed.storage.author_key import AuthorKeyError, author_key
from placed.storage.folder_lock import FolderBusy, lock_folder_to_read
from placed.storage.lmdb_check import check_file
from placed.storage.lmdb_environment import DATA_NAME
from placed.storage.lmdb_pages import DamagedPages
from placed.storage.snapshot_store import read_snapshot
from placed.tasks.recovery import why_unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from placed.canvas.snapshot import Snapshot
    from placed.commands.settings.values import Settings

    Progress = Callable[[int, int, int], None]

SNAPSHOT_NAME: Final = "snapshot"
KEY_NAME: Final = "author.key"
REBUILT: Final = "The log has all edits: --repair puts the snapshot aside, and the next start makes a new one"
ANEW: Final = "Restore this folder from a backup; or move it away: everybody signs in again, with new codes and tokens"
SALVAGE: Final = "Restore a backup; or, with --repair, keep what can be read"


class CannotCheck(Exception):
    """Nothing was checked; the message says why, and the way out."""


@attrs.frozen
class Found:
    """The facts about the log that the snapshot has to agree with."""

    log_id: str
    copied_from: CopiedFrom | None
    first: int
    next: int
    examination: Examination


@contextlib.contextmanager
def held_folders(settings: Settings) -> Iterator[None]:
    """Lock the folders that the settings name while the block runs.

    Raises:
        CannotCheck: a server uses them, or there is no canvas.
    """
    log = place_of(settings).folder
    if not place_of(settings).lasts:
        raise CannotCheck("a log in memory is gone with its server; there is nothing to check")
    if not settings.data.is_dir() or (log is not None and not (log / DATA_NAME).exists()):
        missing = settings.data if not settings.data.is_dir() else log
        raise CannotCheck(f"there is no canvas in {missing}; say where it is, with --data FOLDER")
    with contextlib.ExitStack() as stack:
        try:
            for folder in (settings.data, *([log] if log is not None else [])):
                stack.enter_context(lock_folder_to_read(folder))
        except FolderBusy as error:
            raise CannotCheck(
                f"{error.folder} is in use by a server (process {error.holder}), so it was not checked. Stop that "
                f"server; or make a backup, which checks the copy: placed backup DEST --data {settings.data}"
            ) from error
        except OSError as error:
            raise CannotCheck(f"{error.filename or settings.data} can't be read: {error.strerror}") from error
        yield


def check(settings: Settings, progress: Progress) -> Report:
    """Check the canvas that the settings name; the caller has locked its folders.

    Args:
        settings: the server's settings.
        progress: called with the log's first offset, the offset reached, and the log's next offset.
    """
    report = Report(str(settings.data.absolute()), log={"url": place_of(settings).url})
    # Before the log, because the log is read only once, and the two are compared at the snapshot's version.
    snapshot = _read_snapshot(settings.data / SNAPSHOT_NAME, report)
    folder = place_of(settings).folder
    if folder is not None:
        found = _check_lmdb(folder, snapshot, report, progress)
    else:
        found = trio.run(_check_kafka, settings, snapshot, report, progress)
    if found is not None:
        _compare(snapshot, found, report)
    _check_people(settings.data, report)
    _check_author_key(settings, report)
    return report


def check_snapshot_alone(settings: Settings) -> Report:
    """Check the snapshot and the people of a copied data folder without a log in it."""
    report = Report(str(settings.data.absolute()), log={"url": place_of(settings).url})
    _read_snapshot(settings.data / SNAPSHOT_NAME, report)
    _check_people(settings.data, report)
    return report


def _read_snapshot(folder: Path, report: Report) -> Snapshot | None:
    try:
        snapshot = read_snapshot(folder)
    except SnapshotDamaged as damage:
        report.add("snapshot", str(damage), REBUILT)
        return None
    if snapshot is not None:
        report.snapshot = {
            "version": snapshot.version,
            "log_id": snapshot.log_id,
            "authors": len(snapshot.cooldowns),
            "equals_log": False,
        }
    return snapshot


def _check_lmdb(folder: Path, snapshot: Snapshot | None, report: Report, progress: Progress) -> Found | None:
    try:
        descriptor = os.open(folder / DATA_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        report.add("log", f"{folder / DATA_NAME} can't be read: {error.strerror}", "Make sure that you may read it")
        return None
    try:
        return _read_lmdb(descriptor, snapshot, report, progress)
    except (DamagedPages, OSError) as damage:
        report.add("log", f"{folder / DATA_NAME} is damaged: {damage}", SALVAGE)
        return None
    finally:
        os.close(descriptor)


def _read_lmdb(descriptor: int, snapshot: Snapshot | None, report: Report, progress: Progress) -> Found:
    pages = check_file(descriptor, appended=RECORDS, whole=True)
    about, origin = check_log(pages), origin_of(pages)
    report.log |= {"id": about.log_id.hex(), "created_ms": about.created_ms}
    if origin is not None and origin.is_backup:
        report.notes.append("this is a backup: the first server that starts on it gives it a new log id")
    copied_from = None if origin is None else CopiedFrom(origin.log_id.hex(), origin.version)
    examination = Examination(snapshot, 0)
    records, offset = pages.subtree(RECORDS), 0
    # Not through LMDB: its reader would leave a lock file, and a damaged page would end the process (SIGBUS).
    while offset < about.next_offset:
        batch = read_batch(pages, records, offset, max_records=BATCH_RECORDS, max_bytes=BATCH_BYTES)
        examination.feed(batch)
        offset = batch.next_offset
        progress(0, offset, about.next_offset)
    report.log |= {"pages": pages.newest.last_page + 1, "bytes": (pages.newest.last_page + 1) * pages.page_bytes}
    return _found(Found(about.log_id.hex(), copied_from, 0, about.next_offset, examination), report)


async def _check_kafka(
    settings: Settings, snapshot: Snapshot | None, report: Report, progress: Progress
) -> Found | None:
    try:
        async with open_log(settings, create=False) as log:
            report.notes += log.cautions
            report.log["id"] = log.id
            first, end = await log.bounds()
            examination = Examination(snapshot, first)
            if first < end:
                async with log.read(first) as batches:
                    async for batch in batches:
                        examination.feed(batch)
                        progress(first, batch.next_offset, end)
                        # Servers may write to the topic meanwhile, so it would never end.
                        if batch.next_offset >= end:
                            break
            return _found(Found(log.id, None, first, end, examination), report)
    except LogUnavailable as error:
        report.add("log", str(error), "It couldn't be checked; try again when the brokers answer")
    except (LogError, CannotStart) as error:
        report.add("log", str(error), "docs/operations.md says what can be done")
    return None


def _found(found: Found, report: Report) -> Found:
    examination = found.examination
    report.log |= {
        "first": found.first,
        "next": found.next,
        "records": examination.records,
        "edits": examination.edits,
        "refused_records": examination.refused_records,
        "first_ms": examination.first_ms,
        "last_ms": examination.last_ms,
    }
    definition = examination.definition
    if definition is not None:
        report.canvas = {"width": definition.width, "height": definition.height, "colors": definition.colors}
    for offset, reason in examination.refused.items():
        count = max(1, examination.refused_records)
        report.notes.append(f"{count:,} records mean nothing and are skipped, the first at offset {offset}: {reason}")
    return found


def _compare(snapshot: Snapshot | None, found: Found, report: Report) -> None:
    # A whole log makes the canvas by itself; a log that has lost its beginning needs the snapshot.
    if snapshot is None:
        if found.first > 0:
            what = f"there is no usable one, and the log begins at offset {found.first}"
            report.add("snapshot", what, "Restore a data folder whose snapshot is at that version or later")
        return
    created = found.examination.created
    reason = why_unusable(snapshot, found.log_id, found.copied_from, created, found.first, found.next)
    if reason is None and found.examination.differing_px:
        differing_px = found.examination.differing_px
        reason = f"its canvas differs from the log's at version {snapshot.version} in {differing_px:,} pixels"
    if reason is not None:
        # A snapshot that the log can rebuild is no loss, and the next start rebuilds it.
        gone = "Restore a data folder whose snapshot is of this log" if found.first > 0 else REBUILT
        report.add("snapshot", reason, gone)
    elif report.snapshot is not None:
        report.snapshot["equals_log"] = found.examination.differing_px == 0


def _check_people(data: Path, report: Report) -> None:
    try:
        found = examine(data / PEOPLE_NAME)
    except PeopleDamaged as damage:
        report.add("people", str(damage), ANEW)
        return
    if found is None:
        report.notes.append(f"there is no people store in {data / PEOPLE_NAME}; the next start makes an empty one")
    else:
        report.people = attrs.asdict(found)


def _check_author_key(settings: Settings, report: Report) -> None:
    if settings.author_key_file is None and not (settings.data / KEY_NAME).exists():
        report.notes.append("there is no author key; the next start makes one, and everybody has all charges again")
        return
    try:
        author_key(settings.data, settings.author_key_file)
    except AuthorKeyError as error:
        report.add("author key", str(error), f"It has to be {KEY_BYTES} bytes; authors are made with it")
