"""Checks a data file before LMDB may open it: every page that LMDB will touch to write has to be sound.

These are the main tree, the tree of free pages, and the named databases. In a database that is only appended to, the
check looks just at the two edges, because LMDB goes down its right edge and nowhere else. So a check takes some
milliseconds however long the log is.

    checked      structure of each page; own number; order of keys; depth and entries; each page reached once;
                 the free pages are in the file's range, in order, and none of those reached
    not checked  the inside of an appended database, unless the caller asks for it; `placed.storage.lmdb_pages` checks
                 it when it is read

Imports numpy, through `placed.storage.lmdb_pages`.
"""

from __future__ import annotations

import os
import sys
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from placed.storage.lmdb_pages import FIRST_PAGE, IN_OVERFLOW, IS_TREE, MAX_DEPTH, NO_PAGE, DamagedPages, PageFile, Tree

if TYPE_CHECKING:
    from placed.storage.lmdb_pages import Page

_RUN: Final = 64  # leaves that are checked as one, in one pass of numpy
_INTEGER_KEYS: Final = 0x08  # lmdb.h: MDB_INTEGERKEY


def check_file(descriptor: int, *, appended: bytes | None = None, whole: bool = False) -> PageFile:
    """Check the data file that is open as `descriptor`.

    Args:
        appended: the name of the database that is only appended to, if there is one.
        whole: check each page of that database too; this takes some seconds and 15 MB of memory for each GB.

    Returns:
        The checked file.

    Raises:
        DamagedPages: the file is damaged; the message says where.
        OSError: the file can't be read.
    """
    pages = PageFile(descriptor)
    check = _Check(pages, appended, whole=whole)
    check.main()
    free = check.free_pages()
    _check_length(pages, os.fstat(descriptor).st_size, free)
    return pages


class _Check:
    def __init__(self, pages: PageFile, appended: bytes | None, *, whole: bool) -> None:
        self._pages = pages
        self._appended = appended
        self._look_at_appended = self._all_pages if whole else self._edges
        self._reached: set[int] = set()

    def main(self) -> None:
        tree = self._pages.newest.main
        for page in self._tree(tree, "the main tree"):
            for index, key in enumerate(page.keys()):
                flags = int(page.flags[index])
                if flags & ~(IN_OVERFLOW | IS_TREE) or flags == IN_OVERFLOW | IS_TREE:
                    raise DamagedPages(f"page {page.number} holds a node with flags {flags}")
                if flags & IS_TREE:
                    self._named(key, Tree.decode(page.data(index)))
        if self._appended is not None:
            self._pages.subtree(self._appended)

    def _named(self, name: bytes, tree: Tree) -> None:
        leaves = (self._look_at_appended if name == self._appended else self._tree)(tree, f"database {name!r}")
        _check_plain(leaves)

    def free_pages(self) -> set[int]:
        """The free pages; checks that no tree uses one of them."""
        free: set[int] = set()
        leaves = self._tree(self._pages.newest.free, "the tree of free pages", integer_keys=True)
        _check_plain(leaves)
        for page in leaves:
            for index, key in enumerate(page.keys()):
                numbers = np.frombuffer(self._pages.value(page, index), "=u8") if page.sizes[index] % 8 == 0 else ()
                self._check_free(key, np.asarray(numbers, np.uint64), free)
        if free & self._reached:
            raise DamagedPages(f"page {min(free & self._reached)} is both free and in use")
        return free

    def _check_free(self, key: bytes, numbers: np.typing.NDArray[np.uint64], free: set[int]) -> None:
        # The list's length comes first, then the page numbers, falling, and after them room to grow.
        transaction = int.from_bytes(key, sys.byteorder)
        sound = 1 <= transaction <= self._pages.newest.transaction and len(numbers) > int(
            numbers[0] if len(numbers) else 0
        )
        listed = numbers[1 : int(numbers[0]) + 1].tolist() if sound else [0]
        falling = all(higher > lower for higher, lower in pairwise(listed))
        in_range = not listed or (listed[-1] >= FIRST_PAGE and listed[0] <= self._pages.newest.last_page)
        if not (sound and falling and in_range) or not free.isdisjoint(listed):
            raise DamagedPages(f"the list of pages freed by transaction {transaction} is damaged")
        free.update(listed)

    def _tree(self, tree: Tree, name: str, *, integer_keys: bool = False) -> list[Page]:
        """Check each page of a tree, and return all its leaves."""
        leaves: list[Page] = []
        _check_head(tree, name, integer_keys=integer_keys)
        if tree.root != NO_PAGE:
            self._walk(tree.root, tree.depth, leaves)
        keys = list(chain.from_iterable(page.keys() for page in leaves))
        if integer_keys:
            keys = [key[::-1] for key in keys] if sys.byteorder == "little" else keys
            if any(len(key) != 8 for key in keys):
                raise DamagedPages(f"{name} holds a key that isn't a number")
        if len(keys) != tree.entries or not all(left < right for left, right in pairwise(keys)):
            raise DamagedPages(f"{name} has {len(keys)} entries, or they are out of order; {tree.entries} are expected")
        return leaves

    def _walk(self, number: int, depth: int, leaves: list[Page]) -> None:
        page = self._page(number, leaf=depth == 1)
        if depth > 1:
            for child in page.children():
                self._walk(child, depth - 1, leaves)
        else:
            leaves.append(page)

    def _edges(self, tree: Tree, name: str) -> list[Page]:
        """Check the first and last leaf of a tree, and all pages on the way to them; returns these leaves."""
        _check_head(tree, name)
        if tree.root == NO_PAGE:
            return []
        ends = []
        for side in (0, -1):
            number = tree.root
            for _ in range(tree.depth - 1):
                number = self._page(number, leaf=False, again=True).children()[side]
            ends.append(self._page(number, leaf=True, again=True))
        return ends

    def _all_pages(self, tree: Tree, name: str) -> list[Page]:
        """Check each page of a tree, and return no leaves: those of a long log wouldn't fit into memory."""
        _check_head(tree, name)
        entries = self._count(tree.root, tree.depth) if tree.root != NO_PAGE else 0
        if entries != tree.entries:
            raise DamagedPages(f"{name} has {entries} entries; {tree.entries} are expected")
        return []

    def _count(self, number: int, depth: int) -> int:
        """Check each page below a page, and count the entries."""
        if depth == 1:
            return self._count_leaves([number])
        children = self._page(number, leaf=False).children()
        if depth > 2:
            return sum(self._count(child, depth - 1) for child in children)
        return sum(self._count_leaves(children[begin : begin + _RUN]) for begin in range(0, len(children), _RUN))

    def _count_leaves(self, numbers: list[int]) -> int:
        if len(set(numbers)) < len(numbers) or not self._reached.isdisjoint(numbers):
            raise DamagedPages(f"one of the pages {numbers} is in use twice")
        self._reached.update(numbers)
        leaves = self._pages.run(numbers, leaf=True)
        _check_plain([leaves])
        self._reach_overflow(leaves)
        return len(leaves.begins)

    def _page(self, number: int, *, leaf: bool, again: bool = False) -> Page:
        if number in self._reached and not again:
            raise DamagedPages(f"page {number} is in use twice")
        self._reached.add(number)
        page = self._pages.page(number, leaf=leaf)
        if leaf:
            self._reach_overflow(page)
        return page

    def _reach_overflow(self, leaf: Page) -> None:
        for index in np.flatnonzero(leaf.flags & IN_OVERFLOW).tolist():
            begin, count = self._pages.overflow(leaf, index)
            self._reached.update(range(begin, begin + count))


def _check_head(tree: Tree, name: str, *, integer_keys: bool = False) -> None:
    flags = _INTEGER_KEYS if integer_keys else 0
    deep = tree.depth == 0 if tree.root == NO_PAGE else 1 <= tree.depth <= MAX_DEPTH
    if not deep or tree.flags != flags or (tree.unused and not integer_keys):  # there it is the size of a page
        raise DamagedPages(f"{name} has depth {tree.depth} and flags {tree.flags}; its flags should be {flags}")


def _check_plain(leaves: list[Page]) -> None:
    for page in leaves:
        if (page.flags & ~np.uint16(IN_OVERFLOW)).any():
            raise DamagedPages(f"page {page.number} holds a node with unknown flags")


def _check_length(pages: PageFile, file_bytes: int, free: set[int]) -> None:
    # The last pages may be missing: LMDB doesn't write a page that the same transaction takes and frees.
    there = file_bytes // pages.page_bytes
    missing = next((number for number in range(pages.newest.last_page, there - 1, -1) if number not in free), None)
    if missing is not None:
        raise DamagedPages(
            f"the file is cut short: it has {file_bytes} bytes, and page {missing} "
            f"of {pages.page_bytes} bytes is missing"
        )
