"""Overwrites the remains of deleted data in an LMDB data file with zeros.

To delete, LMDB writes pages anew elsewhere. The deleted data stays in the old pages until they are used again. It also
stays in the gaps of pages in use, between their offsets and their nodes: LMDB copies these with old memory in them. So
both are overwritten: pages that no state needs any more, and all gaps.

This runs inside a write transaction, so that nobody takes a free page meanwhile, and after the transaction that
deleted: a crash falls back to the transaction before, so its pages have to stay. Imports the standard library, and
numpy through `placed.storage.lmdb_pages`.
"""

from __future__ import annotations

import os
import struct
import sys
from typing import TYPE_CHECKING, Final

from placed.storage.lmdb_pages import FIRST_PAGE, PAGE_HEADER_BYTES, PageFile

if TYPE_CHECKING:
    from pathlib import Path

_HEADER = struct.Struct("=QHHHH")  # number, unused, flags, lower, upper
_OVERFLOW_HEADER = struct.Struct("=QHHI")  # the last one is how many pages
_BRANCH, _LEAF, _OVERFLOW = 1, 2, 4
_NUMBER_BYTES: Final = 8


def scrub(path: Path, oldest_reader: int | None) -> bool:
    """Overwrite all parts of the data file at `path` that no state needs any more.

    Args:
        path: the file; the caller has LMDB's write lock.
        oldest_reader: the oldest state that a reader, such as a backup, has open in LMDB; None without readers.

    Returns:
        Whether all data is gone that was deleted before the newest transaction; a reader may still need some of it.

    Raises:
        DamagedPages: the file is damaged.
        OSError: the file can't be read or written.

    Thread: blocks for some 10 us a page.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        pages = PageFile(descriptor)
        before = pages.newest.transaction - 1
        last = before if oldest_reader is None else min(before, oldest_reader)
        _overwrite(descriptor, pages, _free_pages(pages, last))
        os.fsync(descriptor)
        return last == before
    finally:
        os.close(descriptor)


def _free_pages(pages: PageFile, last: int) -> set[int]:
    """The pages that were freed by transactions up to `last`."""
    free: set[int] = set()
    for page in pages.leaves(pages.newest.free):
        for index, key in enumerate(page.keys()):
            if int.from_bytes(key, sys.byteorder) <= last:
                free.update(_listed(pages.value(page, index)))
    return free


def _listed(value: bytes) -> list[int]:
    # The list's length comes first, and room to grow last.
    count = int.from_bytes(value[:_NUMBER_BYTES], sys.byteorder)
    return list(struct.unpack_from(f"={count}Q", value, _NUMBER_BYTES))


def _overwrite(descriptor: int, pages: PageFile, free: set[int]) -> None:
    size, number = pages.page_bytes, FIRST_PAGE
    zeros = bytes(size)
    while number <= pages.newest.last_page:
        raw = os.pread(descriptor, size, number * size)
        if len(raw) < size:  # one transaction took and freed this page, so LMDB never wrote it
            return
        if number in free:
            begin, end, following = 0, size, number + 1
        else:
            begin, end, following = _gap(raw, number)
        if raw[begin:end].strip(b"\0"):
            os.pwrite(descriptor, zeros[begin:end], number * size + begin)
        number = following


def _gap(raw: bytes, number: int) -> tuple[int, int, int]:
    """The gap in a page, half-open, and the number of the next page to look at."""
    own_number, _unused, flags, lower, upper = _HEADER.unpack_from(raw)
    if own_number == number and flags in (_BRANCH, _LEAF) and PAGE_HEADER_BYTES <= lower <= upper <= len(raw):
        return lower, upper, number + 1
    if own_number == number and flags == _OVERFLOW:
        return 0, 0, number + max(1, _OVERFLOW_HEADER.unpack_from(raw)[3])
    return 0, 0, number + 1
