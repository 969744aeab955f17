"""Reads an LMDB log while a server may be writing it, without locking or writing anything.

A commit rewrites the few pages that lead to the newest record, and two commits later LMDB may use their old places for
others. So a read that takes as long as that may find them changed: the checksums show it, and the read begins again
from the newest commit. Records themselves stay where they are.

Thread: blocks.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final, TypeVar

from placed.backends import CopiedFrom, LogCorrupt, LogUnavailable, OffsetOutOfRange
from placed.backends.lmdb.about_log import RECORDS, newest_about, origin_of
from placed.backends.lmdb.stored_records import read_batch
from placed.backends.tail import BATCH_BYTES, BATCH_RECORDS
from placed.storage.lmdb_environment import DATA_NAME
from placed.storage.lmdb_pages import DamagedPages, PageFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from placed.canvas.batch import Batch

_TRIES: Final = 20  # a commit takes 0.3 ms and a read 5: if twenty reads see damage, no commit was the cause

Found = TypeVar("Found")


class LogBeside:
    """An LMDB log as it was when it was opened; opened by `open_beside`.

    Attributes:
        id: the log's id.
        next: the offset after the last record; the first record is at 0.
        copied_from: the original, if this log began as a copy of one; else None.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        about, origin = self._look(lambda pages: (newest_about(pages), origin_of(pages)))
        self.id = about.log_id.hex()
        self.next = about.next_offset
        self.copied_from = None if origin is None else CopiedFrom(origin.log_id.hex(), origin.version)

    def batches(self, offset: int) -> Iterator[Batch]:
        """The records from `offset` up to `next`, in order.

        Raises:
            OffsetOutOfRange: `offset` is below 0 or above `next`.
            LogCorrupt: a record is damaged.
            LogUnavailable: the disk can't be read.
        """
        if not 0 <= offset <= self.next:
            raise OffsetOutOfRange(offset, 0, self.next)
        while offset < self.next:
            batch = self._batch(offset, min(BATCH_RECORDS, self.next - offset))
            yield batch
            offset = batch.next_offset

    def _batch(self, offset: int, most: int) -> Batch:
        return self._look(
            lambda pages: read_batch(pages, pages.subtree(RECORDS), offset, max_records=most, max_bytes=BATCH_BYTES)
        )

    def _look(self, look: Callable[[PageFile], Found]) -> Found:
        for tries in range(1, _TRIES + 1):
            try:
                return look(PageFile(self._descriptor))
            except DamagedPages as damage:
                if tries == _TRIES:
                    raise LogCorrupt(f"{self._path} is damaged: {damage}") from damage
            except OSError as error:
                raise LogUnavailable(f"{self._path} can't be read: {error.strerror}") from error
        raise AssertionError("the last try returns or raises")


@contextlib.contextmanager
def open_beside(folder: Path) -> Iterator[LogBeside]:
    """The log in `folder`, whether or not a server has it open.

    Raises:
        LogUnavailable: there is no log, or it can't be read.
        LogCorrupt: it is damaged, or not a log of ours.
    """
    path = folder / DATA_NAME
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise LogUnavailable(f"{path} can't be read: {error.strerror}") from error
    try:
        yield LogBeside(path, descriptor)
    finally:
        os.close(descriptor)
