"""Looks into a data file that another thread or process writes at the same time, and locks nothing.

A commit leaves the pages of the state before it as they are, and the next but one may use their places for others. So a
look that took as long as that may have seen pages of two states. It is taken again: by what it saw it can't be told
from a look at a damaged file, or at one that lacks a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from placed.storage.lmdb_pages import DamagedPages, PageFile

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")

_TRIES: Final = 20  # a look takes less than a commit with its fsync, so that hardly any is taken twice


def look_beside(descriptor: int, look: Callable[[PageFile], Found]) -> Found:
    """What `look` returns for one state of the data file that is open as `descriptor`.

    Args:
        descriptor: of the file.
        look: called again where the file has moved on meanwhile; whatever it raises then is as good as not raised.

    Raises:
        DamagedPages: the file is damaged, or commits come faster than it can be looked at.
        OSError: it can't be read.

    Thread: blocks.
    """
    for _ in range(_TRIES):
        before = pages_beside(descriptor)
        try:
            found = look(before)
        except Exception:
            if not _has_moved_on(descriptor, before):
                raise
        else:
            if not _has_moved_on(descriptor, before):
                return found
    raise DamagedPages("it changes faster than it can be looked at")


def pages_beside(descriptor: int) -> PageFile:
    """The newest state; one meta page is read after the other, and a commit may come between.

    Raises: as `look_beside`.
    """
    for _ in range(_TRIES):
        try:
            return PageFile(descriptor)
        except DamagedPages as found:
            damage = found
    raise damage


def _has_moved_on(descriptor: int, before: PageFile) -> bool:
    return pages_beside(descriptor).newest.transaction > before.newest.transaction + 1
