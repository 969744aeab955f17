"""Reads LMDB's data file page by page with pread, and checks each page before it believes it.

LMDB trusts its file: it maps the file and follows all numbers that it finds. A damaged page can then end the server by
a signal, and so can a bad sector, or a file cut short (SIGBUS). Nothing can catch that. So the server reads its file
with this module, which checks every number against the page and the file. LMDB only writes, and gets the file only
after the pages that it will touch have passed. A child process could open the file first, and die in our place; but
that costs 50 ms, can't say what is wrong, and guards only the pages that it happens to walk over. This module reads no
slower than LMDB's cursor from Python, and leaves nothing mapped, so a long replay takes no memory.

What this brings: of 300 copies of a log, each damaged at one place, LMDB alone ended the process by a signal on 98 (83
SIGABRT, 15 SIGBUS), and read 38 without a word that records were missing. This module refused each, or read it whole.

Format: LMDB 0.9, data version 1 (mdb.c: MDB_meta, MDB_page, MDB_node), 64-bit, in the host's byte order.

    file             meta page 0 | meta page 1 | pages...      a commit writes meta page (transaction id % 2) last
    page             number u64 | unused u16 | flags u16 | lower u16 | upper u16 | node offsets u16... | free | nodes
    node             low u16 | high u16 | flags u16 | key length u16 | key | data
        of a leaf    low, high = the data's length. The data is here or, with flag 1, on overflow pages: then the first
                     one's number is here
        of a branch  low, high, flags = the child's page number; the first key is not looked at
    overflow page    number u64 | unused u16 | flags u16 | how many pages u32 | data, across them

What isn't covered: LMDB has no checksums, so damage that leaves a sound structure is found only in values that carry
their own. A list of free pages that names a live page is found only if the check walked that page. Damage to the file
while it is open is found only when it is read. Imports numpy and the standard library.
"""

from __future__ import annotations

import bisect
import contextlib
import os
import struct
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

PAGE_HEADER_BYTES: Final = 16
NODE_HEADER_BYTES: Final = 8
NO_PAGE: Final = (1 << 64) - 1
FIRST_PAGE: Final = 2  # after the two meta pages
MAX_DEPTH: Final = 32  # mdb.c's CURSOR_STACK

IN_OVERFLOW: Final = 1
IS_TREE: Final = 2

_MAX_PAGES: Final = 1 << 46  # a branch has 48 bits for a page's number, a file offset 63 for its first byte
_BRANCH, _LEAF, _OVERFLOW, _META = 1, 2, 4, 8
_MAGIC: Final = 0xBEEFC0DE
_DATA_VERSION: Final = 1
_HEADER = struct.Struct("=QHHHH")
_OVERFLOW_HEADER = struct.Struct("=QHHI")
_META_BODY = struct.Struct("=IIQQIHH5QIHH5QQQ")
_TREE = struct.Struct("=IHH5Q")
_NUMBER = struct.Struct("=Q")
_PAGE_SIZES: Final = frozenset(1 << bits for bits in range(9, 16))
_NODE_WORDS = np.arange(4)
_NODE = np.dtype([("low", "=u2"), ("high", "=u2"), ("flags", "=u2"), ("key_size", "=u2")])
_HEADER_FIELDS = np.dtype([("number", "=u8"), ("unused", "=u2"), ("flags", "=u2"), ("lower", "=u2"), ("upper", "=u2")])


class DamagedPages(Exception):
    """The file isn't LMDB's, or is damaged; the message says where."""


@attrs.define  # not frozen: each commit makes four of them, and frozen they take 3 us longer
class Tree:
    """A tree's root, and how large the tree should be; mdb.c's MDB_db. Nobody changes it."""

    unused: int
    flags: int
    depth: int
    branch_pages: int
    leaf_pages: int
    overflow_pages: int
    entries: int
    root: int

    @classmethod
    def decode(cls, data: bytes) -> Tree:
        """The tree that a node with the flag IS_TREE describes.

        Raises:
            DamagedPages: the node describes no tree.
        """
        if len(data) != _TREE.size:
            raise DamagedPages(f"a tree is described in {len(data)} bytes, not in {_TREE.size}")
        return cls(*_TREE.unpack(data))


@attrs.define  # not frozen, as `Tree`
class Meta:
    """One of the two meta pages: the state after one commit. Nobody changes it."""

    page_bytes: int
    free: Tree
    main: Tree
    last_page: int
    transaction: int


@attrs.frozen(eq=False)
class Page:
    """A branch or leaf page, or several in a row, whose nodes lie inside, without overlapping.

    Attributes:
        number: the (first) page's number.
        raw: the bytes.
        begins: int64, shape (nodes,), where each node begins.
        sizes: int64, shape (nodes,), the length of each node's data, here or on overflow pages; no meaning in a branch.
        flags: uint16, shape (nodes,).
        key_sizes: int64, shape (nodes,).
    """

    number: int
    raw: bytes
    begins: NDArray[np.int64]
    sizes: NDArray[np.int64]
    flags: NDArray[np.uint16]
    key_sizes: NDArray[np.int64]

    def keys(self) -> list[bytes]:
        """All keys, in order."""
        begins = (self.begins + NODE_HEADER_BYTES).tolist()
        return [self.raw[begin : begin + size] for begin, size in zip(begins, self.key_sizes.tolist(), strict=True)]

    def key(self, index: int) -> bytes:
        """One node's key."""
        begin = int(self.begins[index]) + NODE_HEADER_BYTES
        return self.raw[begin : begin + int(self.key_sizes[index])]

    def children(self) -> list[int]:
        """A branch's page numbers, in order."""
        words = np.frombuffer(self.raw, "=u2")[(self.begins >> 1)[:, None] + _NODE_WORDS].astype(np.int64)
        numbers: list[int] = (words[:, 0] | words[:, 1] << 16 | words[:, 2] << 32).tolist()
        return numbers

    def data(self, index: int) -> bytes:
        """The bytes in the leaf's node itself: its data, or the 8 bytes that name an overflow page."""
        begin = int(self.begins[index] + NODE_HEADER_BYTES + self.key_sizes[index])
        size = _NUMBER.size if self.flags[index] & IN_OVERFLOW else int(self.sizes[index])
        return self.raw[begin : begin + size]


class PageFile:
    """One committed state of a data file: valid until the next commit but one may have begun.

    Every method raises DamagedPages if the file is damaged, and OSError if the disk can't be read.

    Attributes:
        metas: both meta pages.
        newest: the newer one, which counts.
        page_bytes: the size of a page.

    Thread: any, one at a time.
    """

    def __init__(self, descriptor: int, *, believe: int | None = None) -> None:
        """Read the meta pages of the data file that is open as `descriptor`; the caller keeps and closes that.

        Args:
            believe: read only this meta page, 0 or 1: in a damaged file, the state after one of the last two commits.
        """
        self._descriptor = descriptor
        if believe is None:
            first = self._meta(0, 0)
            self.metas = (first, self._meta(1, first.page_bytes))
        else:
            only = self._meta(0, 0) if believe == 0 else self._second_meta()
            self.metas = (only, only)
        self.newest = max(self.metas, key=lambda meta: meta.transaction)
        self.page_bytes = self.newest.page_bytes
        self._check_metas(alone=believe is not None)

    def _second_meta(self) -> Meta:
        """The second meta page, without the page size from the first one."""
        for size in sorted(_PAGE_SIZES):
            with contextlib.suppress(DamagedPages):
                meta = self._meta(1, size)
                if meta.page_bytes == size:
                    return meta
        raise DamagedPages("meta page 1 is damaged")

    def _meta(self, number: int, begin: int) -> Meta:
        raw = self._bytes(begin, PAGE_HEADER_BYTES + _META_BODY.size)
        magic, version, _address, _map_bytes, *rest = _META_BODY.unpack_from(raw, PAGE_HEADER_BYTES)
        if magic != _MAGIC:
            raise DamagedPages(f"meta page {number} doesn't begin as an LMDB file does")
        if version != _DATA_VERSION:
            raise DamagedPages(f"meta page {number} is of LMDB's data version {version}; allowed is {_DATA_VERSION}")
        own_number, _unused, flags, _lower, _upper = _HEADER.unpack_from(raw)
        free, main = Tree(*rest[:8]), Tree(*rest[8:16])
        if own_number != number or flags != _META or free.unused not in _PAGE_SIZES:
            raise DamagedPages(f"meta page {number} is damaged")
        return Meta(page_bytes=free.unused, free=free, main=main, last_page=rest[16], transaction=rest[17])

    def _check_metas(self, *, alone: bool) -> None:
        # Commits alternate between the two pages, so their transaction ids are neighbours. LMDB trusts the
        # greater one. If damage made the newest look old, LMDB would fall back by one commit without a word.
        first, second = self.metas
        ids = (first.transaction, second.transaction)
        if ids != (0, 0) and not alone and (abs(ids[0] - ids[1]) != 1 or ids[0] % 2 or not ids[1] % 2):
            raise DamagedPages(f"the meta pages' transaction ids {ids[0]} and {ids[1]} don't follow each other")
        if any(meta.transaction == 0 and meta.main.root != NO_PAGE for meta in self.metas):
            raise DamagedPages("a meta page from before the first transaction isn't empty")
        if first.page_bytes != second.page_bytes:
            raise DamagedPages("the meta pages disagree on the size of a page")
        if not FIRST_PAGE - 1 <= self.newest.last_page < _MAX_PAGES:
            raise DamagedPages(f"the last page is said to be {self.newest.last_page}")

    def _bytes(self, begin: int, size: int) -> bytes:
        data = os.pread(self._descriptor, size, begin)
        if len(data) != size:
            raise DamagedPages(f"the file ends at byte {begin + len(data)}, where {size - len(data)} more are expected")
        return data

    def page(self, number: int, *, leaf: bool) -> Page:
        """The branch or leaf page `number`, checked."""
        return self.run([number], leaf=leaf)

    def run(self, numbers: list[int], *, leaf: bool) -> Page:
        """Several branch or leaf pages as if they were one, checked.

        One pass of numpy for 64 pages reads three times as fast as one for each page.
        """
        for number in numbers:
            self._check_number(number, 1)
        size = self.page_bytes
        raw = b"".join([self._bytes(number * size, size) for number in numbers])
        header = np.frombuffer(raw, np.uint8).reshape(-1, size)[:, :PAGE_HEADER_BYTES].copy().view(_HEADER_FIELDS)[:, 0]
        self._check_headers(numbers, header, leaf=leaf)
        words = np.frombuffer(raw, "=u2")
        counts = (header["lower"].astype(np.int64) - PAGE_HEADER_BYTES) // 2
        of_page = np.repeat(np.arange(len(numbers)), counts)
        slots = np.arange(len(of_page)) - np.repeat(np.cumsum(counts) - counts, counts) + PAGE_HEADER_BYTES // 2
        begins = words[of_page * (size // 2) + slots].astype(np.int64)
        outside = (begins & 1) | (begins < header["upper"][of_page]) | (begins > size - NODE_HEADER_BYTES)
        _refuse(outside, of_page, numbers, "is damaged in its table of nodes")
        begins += of_page * size
        heads = cut(raw, begins, _NODE)
        sizes = heads["low"] | heads["high"].astype(np.int64) << 16
        page = Page(numbers[0], raw, begins, sizes, heads["flags"].copy(), heads["key_size"].astype(np.int64))
        _refuse(self._overlaps(page, of_page, leaf=leaf), of_page, numbers, "is damaged in its nodes")
        return page

    def _check_headers(self, numbers: list[int], header: NDArray[np.void], *, leaf: bool) -> None:
        kind = (header["number"] != np.array(numbers, np.uint64)) | (header["flags"] != (_LEAF if leaf else _BRANCH))
        each = np.arange(len(numbers))
        _refuse(kind, each, numbers, f"is not the {'leaf' if leaf else 'branch'} that belongs there")
        lower, upper = header["lower"], header["upper"]
        fewest = PAGE_HEADER_BYTES + 2 * (1 if leaf else 2)
        wrong = (lower & 1) | (lower < fewest) | (lower > upper) | (upper >= self.page_bytes)
        _refuse(wrong, each, numbers, "is damaged in its header")

    def _overlaps(self, page: Page, of_page: NDArray[np.int64], *, leaf: bool) -> NDArray[np.bool_]:
        """Whether each node ends inside the next node, or in the next page; shape (nodes,)."""
        ends = page.begins + NODE_HEADER_BYTES + page.key_sizes
        if leaf:
            ends += np.where(page.flags & IN_OVERFLOW, _NUMBER.size, page.sizes)
        limits = (of_page + 1) * self.page_bytes
        order = np.argsort(page.begins, kind="stable")
        limits[order[:-1]] = np.minimum(limits[order[:-1]], page.begins[order[1:]])
        return ends > limits

    def _check_number(self, number: int, count: int) -> None:
        if not FIRST_PAGE <= number <= self.newest.last_page + 1 - count:
            raise DamagedPages(f"a reference to page {number}; there are pages {FIRST_PAGE} to {self.newest.last_page}")

    def value(self, page: Page, index: int, *, limit: int | None = None) -> bytes:
        """The data of a leaf's node, from overflow pages if it is there.

        Args:
            limit: the most bytes of it to read.
        """
        data = page.data(index)
        if not page.flags[index] & IN_OVERFLOW:
            return data[:limit]
        number, _count = self.overflow(page, index)
        size = int(page.sizes[index])
        begin = number * self.page_bytes + PAGE_HEADER_BYTES
        return self._bytes(begin, size if limit is None else min(size, limit))

    def overflow(self, page: Page, index: int) -> tuple[int, int]:
        """The number of the first overflow page of a leaf's node, and how many pages there are, checked."""
        number = _NUMBER.unpack(page.data(index))[0]
        count = -(-(PAGE_HEADER_BYTES + int(page.sizes[index])) // self.page_bytes)
        self._check_number(number, count)
        raw = self._bytes(number * self.page_bytes, PAGE_HEADER_BYTES)
        own_number, _unused, flags, own_count = _OVERFLOW_HEADER.unpack(raw)
        if own_number != number or flags != _OVERFLOW or own_count != count:
            raise DamagedPages(f"page {number} is not the overflow page that belongs there")
        return number, count

    def leaves(self, tree: Tree, key: bytes = b"", *, run: int = 1) -> Iterator[Page]:
        """The tree's leaves in order, beginning with the one where `key` is or would be; up to `run` leaves as one."""
        if tree.root != NO_PAGE:
            if not 1 <= tree.depth <= MAX_DEPTH:
                raise DamagedPages(f"a tree of depth {tree.depth}; allowed is 1 to {MAX_DEPTH}")
            yield from self._leaves([tree.root], tree.depth, key, run)

    def _leaves(self, numbers: list[int], depth: int, key: bytes, run: int) -> Iterator[Page]:
        if depth == 1:
            for begin in range(0, len(numbers), run):
                yield self.run(numbers[begin : begin + run], leaf=True)
            return
        for number in numbers:
            branch = self.page(number, leaf=False)
            begin = bisect.bisect_right(range(len(branch.begins)), key, lo=1, key=branch.key) - 1
            yield from self._leaves(branch.children()[begin:], depth - 1, key, run)
            key = b""

    def find(self, tree: Tree, key: bytes) -> tuple[Page, int] | None:
        """The leaf and the index of its node that has `key`, or None."""
        for page in self.leaves(tree, key):
            keys = page.keys()
            index = bisect.bisect_left(keys, key)
            return (page, index) if index < len(keys) and keys[index] == key else None
        return None

    def get(self, tree: Tree, key: bytes) -> bytes | None:
        """The value of `key`, or None."""
        found = self.find(tree, key)
        return None if found is None else self.value(*found)

    def subtree(self, name: bytes) -> Tree:
        """The tree of the database `name`."""
        found = self.find(self.newest.main, name)
        if found is None or found[0].flags[found[1]] != IS_TREE:
            raise DamagedPages(f"it holds no database {name!r}")
        return Tree.decode(self.value(*found))


def cut(raw: bytes, begins: NDArray[np.int64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """A copy of the items of `dtype` that begin at these bytes, shape (n,). Each has to lie inside `raw` as a whole."""
    # One item begins at every byte of this view. To gather whole items is much faster than to gather their bytes.
    plain = np.dtype((np.void, dtype.itemsize))  # with several fields, numpy would copy one after the other
    found: NDArray[Any] = np.ndarray((len(raw) - dtype.itemsize + 1,), plain, raw, strides=(1,))[begins].view(dtype)
    return found


def _refuse(wrong: NDArray[np.integer | np.bool_], of_page: NDArray[np.int64], numbers: list[int], what: str) -> None:
    """Raise DamagedPages for the first item that is wrong, if any is; item i is on page `numbers[of_page[i]]`."""
    if wrong.any():
        raise DamagedPages(f"page {numbers[int(of_page[np.flatnonzero(wrong)[0]])]} {what}")
