"""Looks up which canvas is in a data folder, also while its server runs. It locks and writes nothing."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import attrs

from placed.backends import CannotStart
from placed.backends.lmdb.about_log import RECORDS, check_log
from placed.backends.lmdb.stored_records import read_batch
from placed.backends.opening import place_of
from placed.canvas.events import Canvas, decode_one
from placed.canvas.snapshot import SnapshotDamaged
from placed.commands.operations.check import SNAPSHOT_NAME
from placed.storage.lmdb_check import check_file
from placed.storage.lmdb_environment import DATA_NAME
from placed.storage.lmdb_pages import DamagedPages
from placed.storage.snapshot_store import read_snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from placed.canvas.definition import Definition
    from placed.commands.settings.values import Settings


@attrs.frozen
class Found:
    """A canvas.

    Attributes:
        created: its size and palette at first.
        now: its present size and palette, as far as the last snapshot knows.
    """

    created: Definition
    now: Definition


def canvas_of(settings: Settings) -> Found | None:
    """The canvas that these settings name; None if there is none yet, or if this machine doesn't have it.

    Raises:
        CannotStart: the log can't be read, or is damaged.
    """
    place = place_of(settings)
    snapshot = None
    with contextlib.suppress(SnapshotDamaged):  # a start makes a new one from the log
        snapshot = read_snapshot(settings.data / SNAPSHOT_NAME)
    if place.folder is None:
        is_there = snapshot is not None and place.lasts
        return Found(snapshot.kept.created, snapshot.definition) if snapshot and is_there else None
    created = _first_record(place.folder / DATA_NAME)
    if created is None:
        return None
    return Found(created, snapshot.definition if snapshot and snapshot.kept.created == created else created)


def _first_record(file: Path) -> Definition | None:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CannotStart(f"{file} can't be read: {error.strerror}") from error
    try:
        pages = check_file(descriptor, appended=RECORDS)
        if not check_log(pages).next_offset:
            return None
        batch = read_batch(pages, pages.subtree(RECORDS), 0, max_records=1, max_bytes=1)
        first = decode_one(batch.values[0])
        # If it is another type of record, a start says so, and takes the settings.
        return first.definition if isinstance(first, Canvas) else None
    except (DamagedPages, OSError) as error:
        raise CannotStart(f"{file} is damaged: {error}") from error
    finally:
        os.close(descriptor)
