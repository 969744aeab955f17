"""Copies the records of a damaged LMDB log that can still be read into a new log.

It keeps a record if the record's own checksum matches, and if the log's tree leads to it. It takes nothing from
elsewhere in the file: a commit that never ended leaves pages whose records have good checksums, too, but don't belong
to the log. Of the file's last two commits it takes the one with more readable records.

The new log has a log id of its own, because where records are missing, the same version means other records. May import
numpy and the modules that write LMDB.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.backends import Log
from placed.backends.lmdb.about_log import RECORDS, newest_about
from placed.backends.lmdb.filling import fill_lmdb_log
from placed.backends.lmdb.stored_records import decode
from placed.storage.lmdb_pages import MAX_DEPTH, NO_PAGE, DamagedPages, PageFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from placed.backends.lmdb.about_log import About
    from placed.storage.lmdb_pages import Page, Tree

_AT_ONCE: Final = 8_192  # records in one transaction of the new log
_AT_ONCE_BYTES: Final = 16 << 20
_HEAD_BYTES: Final = 12  # before a stored record's value: `placed.backends.lmdb.stored_records`


@attrs.frozen
class Record:
    """A record that can be read, at its offset in the damaged log."""

    offset: int
    time_ms: int
    value: bytes


@attrs.frozen
class Lost:
    """Records that can't be read: their offsets, `begin` up to, not including, `end`, and why."""

    begin: int
    end: int
    reason: str


class Salvage:
    """The readable records of one commit of a damaged log. `records` may be called again.

    Attributes:
        about: the log's own description; None if it can't be read.
        kept: how many records can be read.
        lost: the records that can't be read, in order, as far as the log knows of them.
    """

    def __init__(self, pages: PageFile) -> None:
        """Go through the log in `pages`.

        Raises:
            DamagedPages: the log's tree of records can't be found.
        """
        self._pages = pages
        self._tree = pages.subtree(RECORDS)
        self.about: About | None = None
        with contextlib.suppress(DamagedPages, OSError):
            self.about = newest_about(pages)
        self.lost: list[Lost] = []
        self.kept = sum(1 for _ in self._walk(self.lost))

    def records(self) -> Iterator[Record]:
        """The readable records, in order."""
        return self._walk([])

    def _walk(self, lost: list[Lost]) -> Iterator[Record]:
        expected, reason = 0, "it isn't there"
        end = self.about.next_offset if self.about else self._tree.entries
        for found in _records(self._pages, self._tree):
            if isinstance(found, str):
                reason = found
            elif expected <= found.offset < end:
                if found.offset > expected:
                    lost.append(Lost(expected, found.offset, reason))
                yield found
                expected, reason = found.offset + 1, "it isn't there"
        if expected < end:
            lost.append(Lost(expected, end, reason))


def salvage(descriptor: int) -> Salvage:
    """The readable records of the data file open as `descriptor`, from the commit that has more of them.

    Raises:
        DamagedPages: no record can be read.
        OSError: the file can't be read at all.
    """
    found: list[Salvage] = []
    reason = DamagedPages("it has no sound meta page")
    for number in (0, 1):
        try:
            found.append(Salvage(PageFile(descriptor, believe=number)))
        except DamagedPages as damage:
            reason = damage
    best = max(found, key=lambda one: (one.kept, one.about.transaction if one.about else 0), default=None)
    if best is None or not best.kept:
        raise DamagedPages(best.lost[0].reason if best is not None and best.lost else str(reason))
    return best


def _records(pages: PageFile, tree: Tree) -> Iterator[Record | str]:
    """The records of a tree; where records can't be read, the reason instead."""
    if tree.root != NO_PAGE and 1 <= tree.depth <= MAX_DEPTH:
        for leaf in _leaves(pages, tree.root, tree.depth):
            if isinstance(leaf, str):
                yield leaf
                continue
            for index, key in enumerate(leaf.keys()):
                try:
                    stored = pages.value(leaf, index, limit=Log.max_value_bytes + _HEAD_BYTES + 1)
                    yield Record(*decode(key, stored))
                except (DamagedPages, OSError) as damage:
                    yield str(damage)


def _leaves(pages: PageFile, number: int, depth: int) -> Iterator[Page | str]:
    try:
        page = pages.page(number, leaf=depth == 1)
        children = [] if depth == 1 else page.children()
    except (DamagedPages, OSError) as damage:
        yield str(damage)
        return
    if depth == 1:
        yield page
    for child in children:
        yield from _leaves(pages, child, depth - 1)


async def write_log(
    folder: Path, records: Iterator[Record], *, created_ms: int, progress: Callable[[int], None]
) -> tuple[str, int]:
    """Make a log of `records` in `folder`, one offset after the other, with the times that they had.

    Args:
        folder: an empty folder that nobody else uses.
        records: the records, in order.
        created_ms: when the damaged log was created, in ms since the epoch.
        progress: called with the next offset, now and then.

    Returns:
        The new log's id, and its next offset.

    Raises:
        StoreError: the new log can't be written.
    """
    async with fill_lmdb_log(folder, created_ms=created_ms) as log:
        for chunk in chunks(records):
            await log.extend(np.array([record.time_ms for record in chunk]), [record.value for record in chunk])
            progress(log.next)
    return log.id, log.next


def chunks(records: Iterator[Record]) -> Iterator[list[Record]]:
    """The same records, in lists short enough to take little memory."""
    chunk: list[Record] = []
    size_bytes = 0
    for record in records:
        chunk.append(record)
        size_bytes += len(record.value)
        if len(chunk) == _AT_ONCE or size_bytes >= _AT_ONCE_BYTES:
            yield chunk
            chunk, size_bytes = [], 0
    if chunk:
        yield chunk
