"""Looks up people in the pages of the store's file, which `placed.storage.lmdb_pages` reads."""

from __future__ import annotations

import bisect
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placed.storage.lmdb_pages import PageFile, Tree

DATABASE: Final = b"people"
_RUN: Final = 64  # leaves in one read, where most of the state is read


class PagesView:
    """One committed state of the store; a `placed.people.view.View`.

    Args:
        pages: the pages of that state.
        many: whether the caller will read most of the state.

    Every method raises `DamagedPages` if the file is damaged.
    """

    def __init__(self, pages: PageFile, *, many: bool = False) -> None:
        self._pages = pages
        self._run = _RUN if many else 1

    @cached_property
    def _tree(self) -> Tree:
        return self._pages.subtree(DATABASE)

    def get(self, key: bytes) -> bytes | None:
        """See `View`."""
        return self._pages.get(self._tree, key)

    def scan(self, prefix: bytes, begin: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """See `View`."""
        begin = max(prefix, begin)
        for page in self._pages.leaves(self._tree, begin, run=self._run):
            keys = page.keys()
            for index in range(bisect.bisect_left(keys, begin), len(keys)):
                if not keys[index].startswith(prefix):
                    return
                yield keys[index], self._pages.value(page, index)
