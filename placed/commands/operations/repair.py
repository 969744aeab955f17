"""Repairs a canvas without inventing anything, and keeps the old files under another name.

    a snapshot that can't be used    put aside; the next start makes one from the log
    a damaged LMDB log               its readable records go into a new log, which takes the old one's place in one
                                     step: at every instant there is the old file or the new one

The new log has a new log id, even if no record is lost. So the server tells clients with a version of the old log to
load the image again; otherwise they would get edits that don't follow theirs.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np
import trio

from placed.backends.lmdb.salvage import Record, chunks, salvage, write_log
from placed.backends.opening import place_of
from placed.canvas.batch import Batch
from placed.canvas.events import Canvas, decode_one
from placed.canvas.snapshot import SnapshotDamaged
from placed.commands.operations.check import SNAPSHOT_NAME
from placed.commands.operations.examination import Examination
from placed.storage.lasting_folders import sync_folder
from placed.storage.lmdb_environment import DATA_NAME, StoreError
from placed.storage.lmdb_pages import DamagedPages
from placed.storage.ownership import give_to_folders_owner
from placed.storage.snapshot_store import read_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from placed.backends.lmdb.salvage import Lost, Salvage
    from placed.canvas.snapshot import Snapshot
    from placed.commands.operations.check import Progress
    from placed.commands.operations.report import Report
    from placed.commands.settings.values import Settings

_SALVAGING: Final = "salvaging"
_MOST_TOLD: Final = 20  # ranges of lost records in the report; a badly damaged file may have thousands


class CannotRepair(Exception):
    """Nothing was changed; the message says why, and the way out."""


def repair(settings: Settings, report: Report, progress: Progress) -> list[str]:
    """Mend the problems in `report`, if that is possible; return the repairs as sentences.

    Args:
        settings: the server's settings; the caller has locked its folders.
        report: the report of a check that has just been made.
        progress: called with 0, the records written, and the records in all.

    Raises:
        CannotRepair: no record of the log can be kept, or there is no room or permission.
    """
    parts = {problem.part for problem in report.problems}
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    done: list[str] = []
    folder = place_of(settings).folder
    try:
        if "log" in parts and folder is not None:
            done += _mend_log(settings, folder, stamp, progress)
        begins_at_0 = folder is not None or not report.log.get("first")
        if (parts & {"snapshot", "log"}) and begins_at_0 and (settings.data / SNAPSHOT_NAME).exists():
            done.append(_put_aside(settings.data / SNAPSHOT_NAME, stamp))
    except (OSError, StoreError) as error:
        raise CannotRepair(f"{error}; the old files are still there") from error
    return done


def _put_aside(path: Path, stamp: str) -> str:
    aside = path.with_name(f"{path.name}.aside-{stamp}")
    path.rename(aside)
    sync_folder(path.parent)
    return f"the snapshot is put aside as {aside}; the next start makes a new one"


def _mend_log(settings: Settings, folder: Path, stamp: str, progress: Progress) -> list[str]:
    path = folder / DATA_NAME
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        found = salvage(descriptor)
        snapshot = _snapshot_of(found, settings)
        first = _definition_record(found, snapshot)
        part = folder / _SALVAGING
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        log_id, count = _write(part, found, first, progress)
        told = _tell(found.lost)
        if found.lost and snapshot is not None:
            told += _tell_pixels(found, first, snapshot)
    except DamagedPages as damage:
        raise CannotRepair(f"nothing of {path} can be kept: {damage}. Restore a backup") from damage
    finally:
        os.close(descriptor)
    aside = path.with_name(f"{path.name}.aside-{stamp}")
    _exchange(path, part / DATA_NAME, aside)
    shutil.rmtree(part)
    done = [
        f"{found.kept:,} records are kept, in a new log with the id {log_id} and the next offset {count:,}",
        f"the damaged file is put aside as {aside}; the server will tell clients to load the image again",
    ]
    if first is not None:
        done.append("the record that defines the canvas was lost, and was taken from the snapshot")
    return done + told


def _snapshot_of(found: Salvage, settings: Settings) -> Snapshot | None:
    """The snapshot, if there is an undamaged one of this log."""
    with contextlib.suppress(SnapshotDamaged):
        snapshot = read_snapshot(settings.data / SNAPSHOT_NAME)
        if snapshot is not None and found.about is not None and snapshot.log_id == found.about.log_id.hex():
            return snapshot
    return None


def _definition_record(found: Salvage, snapshot: Snapshot | None) -> Record | None:
    """The first record for the new log; None if the kept records begin with theirs.

    Raises:
        DamagedPages: the log's first record is lost, and there is no snapshot to make it from.
    """
    head = next(found.records())
    if head.offset == 0 and isinstance(decode_one(head.value), Canvas):
        return None
    if snapshot is None:
        raise DamagedPages("the record that defines the canvas can't be read, and there is no snapshot of that canvas")
    return Record(0, head.time_ms, Canvas(snapshot.kept.created).encode())


def _tell_pixels(found: Salvage, first: Record | None, snapshot: Snapshot) -> list[str]:
    """Say how the lost records change the canvas, as far as the snapshot knows."""
    examination = Examination(None, 0)
    records = (record for record in found.records() if record.offset < snapshot.version)
    for chunk in chunks(chain([first] if first is not None else [], records)):
        offsets = np.array([record.offset for record in chunk], np.int64)
        times_ms = np.array([record.time_ms for record in chunk], np.int64)
        examination.feed(Batch(offsets, times_ms, [record.value for record in chunk]))
    differs_px = examination.differs_px(snapshot.canvas)
    if differs_px is None:
        return []
    return [f"at version {snapshot.version:,} the canvas differs from the snapshot's in {differs_px:,} pixels"]


def _write(part: Path, found: Salvage, first: Record | None, progress: Progress) -> tuple[str, int]:
    records: Iterator[Record] = chain([first] if first is not None else [], found.records())
    created_ms = found.about.created_ms if found.about is not None else next(found.records()).time_ms

    async def write() -> tuple[str, int]:
        return await write_log(
            part, records, created_ms=created_ms, progress=lambda at: progress(0, at, found.kept + (first is not None))
        )

    return trio.run(write)


def _exchange(path: Path, new: Path, aside: Path) -> None:
    """Put `new` in the place of `path`, which is then called `aside`. After a crash `path` is one of the two."""
    try:
        aside.hardlink_to(path)
    except OSError:  # not every file system has hard links
        shutil.copyfile(path, aside)
        descriptor = os.open(aside, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    sync_folder(path.parent)
    new.replace(path)
    give_to_folders_owner(path)
    sync_folder(path.parent)


def _tell(lost: list[Lost]) -> list[str]:
    if not lost:
        return ["no record is lost"]
    count = sum(one.end - one.begin for one in lost)
    told = [
        f"lost: the record at offset {one.begin:,}: {one.reason}"
        if one.end == one.begin + 1
        else f"lost: the records at offsets {one.begin:,} up to, not including, {one.end:,}: {one.reason}"
        for one in lost[:_MOST_TOLD]
    ]
    more = [f"and {len(lost) - _MOST_TOLD:,} more ranges"] if len(lost) > _MOST_TOLD else []
    return [f"records that are lost, as far as the log knows: {count:,}", *told, *more]
