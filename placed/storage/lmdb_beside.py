"""Looks into a data file that another thread or process writes at the same time, and locks nothing.

A commit leaves the pages of the state before it as they are, but the next commit but one may overwrite them. A look
that took that long may have seen pages of two states. So it is taken again, whatever it found: the file may have seemed
damaged, or a key may have seemed to be missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from placed.storage.lmdb_pages import DamagedPages, PageFile

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")

_TRIES: Final = 20  # a look is shorter than a commit with its fsync, so hardly any is taken twice


def look_beside(descriptor: int, look: Callable[[PageFile], Found]) -> Found:
    """Call `look` with one state of a data file, and return its result.

    Args:
        descriptor: of the open file.
        look: called again if the file has moved on meanwhile; its result or error from before doesn't count then.

    Raises:
        DamagedPages: the file is damaged, or commits come faster than a look can end.
        OSError: the file can't be read.

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
    """The newest state. It tries again, because a commit may come between the reads of the two meta pages.

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
