"""Keeps the newest edits in memory, as edit codes indexed by version, for clients that catch up.

The feed holds every record with `first <= offset < version`, so it has all edits that a client at a version v with
`first <= v <= version` lacks. The feed is bounded in records and in bytes. When it is full, the oldest records go,
`first` moves up, and a client below it has to load the image again. It has one writer, the projection. Pure.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.canvas.change import Change
    from placed.canvas.edit_code import EditCode

MAX_RECORDS = 65_536  # at 300 records a second, 218 s: longer than an image may be cached
MAX_BYTES = 8 << 20  # of edit codes; 2.8 million edits of 3 bytes
MAX_FRAME_EDITS = 3_840  # 61 KB as JSON, and 20 as base64: many clients take at most 64 KB in a line
_BLOCK_EDITS = 3_072  # so that a frame that ends with its block has room for a record that begins before it
_MOVE_RECORDS = 4_096  # dropped before the arrays are moved up, which takes 0.1 ms; 64 KB
_RING_BYTES = 65_536  # of edit codes, to begin with
_COALESCE_EDITS = 1_024  # below this, finding overdrawn pixels costs more than sending them


@attrs.frozen
class Frame:
    """Edits that lead from one version to a later one.

    Attributes:
        version: the version after these edits.
        codes: edit codes, in order; the last edit of a pixel wins. Empty if only the version moved.
        is_last: whether it reaches the feed's end. If not, the same question gives the same frame again.
    """

    version: int
    codes: bytes
    is_last: bool = True


class Feed:
    """The recent past. It holds the offsets from `first` up to, not including, `version`.

    Attributes:
        code: the layout of its edit codes.
    """

    def __init__(
        self, code: EditCode, version: int, *, max_records: int = MAX_RECORDS, max_bytes: int = MAX_BYTES
    ) -> None:
        self.code = code
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._codes = _Ring(max_bytes)
        self.restart(version)

    def restart(self, version: int, code: EditCode | None = None) -> None:
        """Forget all records, and begin at `version`; with another layout of edit codes, if `code` is given."""
        self.code = code or self.code
        self.first = self.version = version
        # Not an object for each record: these would take 12 MB, lie among short-lived objects, and leave holes behind.
        self._versions = array("q")  # the version after each record, ascending
        self._ends = array("q")  # where each record's codes end, counted in all codes since the restart
        self._dropped = 0  # leading entries of both arrays that are no longer part of the feed
        self._begin = self._end = 0  # where the feed's codes begin and end

    def add(self, offsets: NDArray[np.int64], change: Change) -> None:
        """Add consecutive records: their offsets, int64, shape (records,), and their change."""
        if change.pixels is None or change.counts is None:
            for offset in offsets.tolist():
                self.append(offset + 1, b"")
            return
        codes = self.code.pack(change.pixels["x"], change.pixels["y"], change.pixels["color"])
        begin = 0
        ends = (np.cumsum(change.counts) * self.code.size_bytes).tolist()
        for offset, end in zip(offsets.tolist(), ends, strict=True):
            self.append(offset + 1, codes[begin:end])
            begin = end

    def append(self, version: int, codes: bytes) -> None:
        """Add one record: the version after it, greater than the present one, and its edit codes."""
        place, self._end = self._end, self._end + len(codes)
        self._versions.append(version)
        self._ends.append(self._end)
        self.version = version
        while len(self._versions) - self._dropped > self._max_records or self._end - self._begin > self._max_bytes:
            self.first, self._begin = self._versions[self._dropped], self._ends[self._dropped]
            self._dropped += 1
        if self._begin < self._end:
            self._codes.write(self._begin, place, codes)
        if self._dropped > _MOVE_RECORDS:
            del self._versions[: self._dropped], self._ends[: self._dropped]
            self._dropped = 0

    def since(self, version: int) -> Frame:
        """The edits from `version` on, at most a full frame. `version` is at least `first`, and below the feed's.

        A frame ends at the end of a block of the feed, wherever it begins. So clients that come back at a hundred
        versions get a frame of their own first, and then all the same ones. Many edits are coalesced: only the last
        edit of each pixel stays.
        """
        first, begin = self._find(version)
        size_bytes = self.code.size_bytes
        block_bytes = _BLOCK_EDITS * size_bytes
        # A record without edits has no block of its own: the frame goes on to the end of the next block.
        block_end = -(-max(self._ends[first], begin + 1) // block_bytes) * block_bytes
        end = min(block_end, begin + MAX_FRAME_EDITS * size_bytes)
        last = max(first, bisect_right(self._ends, end, first) - 1)  # a larger record goes whole
        codes = self._coalesced(self._codes.read(begin, self._ends[last]))
        return Frame(self._versions[last], codes, is_last=last == len(self._versions) - 1)

    def frames_since(self, version: int) -> int:
        """About how many full frames lead from `version`, which is at least `first`, to the present; 0 if not one."""
        _, begin = self._find(version)
        return (self._end - begin) // (_BLOCK_EDITS * self.code.size_bytes)

    def _find(self, version: int) -> tuple[int, int]:
        """The first record after `version`, as an index of `_versions`, and where its codes begin."""
        first = bisect_right(self._versions, version, self._dropped)
        return first, self._begin if first == self._dropped else self._ends[first - 1]

    def _coalesced(self, codes: bytes) -> bytes:
        if len(codes) <= _COALESCE_EDITS * self.code.size_bytes:
            return codes
        x, y, color = self.code.unpack(codes)
        pixel = y.astype(np.uint32) << 16 | x
        _, last_from_end = np.unique(pixel[::-1], return_index=True)
        keep = np.sort(len(pixel) - 1 - last_from_end)
        return self.code.pack(x[keep], y[keep], color[keep])


class _Ring:
    """The last bytes of a sequence, found by their place in the sequence. It grows by doubling, up to `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = bytearray(min(max_bytes, _RING_BYTES))

    @property
    def size_bytes(self) -> int:
        """How much memory the ring takes."""
        return len(self._bytes)

    def write(self, begin: int, place: int, data: bytes) -> None:
        """Put `data`, at most `max_bytes`, at `place`. Bytes from `begin` on are kept; earlier ones may go."""
        needed = place + len(data) - begin
        if needed > len(self._bytes):
            kept = self.read(begin, place)
            self._bytes = bytearray(min(self._max_bytes, max(needed, 2 * len(self._bytes))))
            self._put(begin, kept)
        self._put(place, data)

    def _put(self, place: int, data: bytes) -> None:
        at = place % len(self._bytes)
        room = len(self._bytes) - at
        self._bytes[at : at + len(data)] = data[:room]
        if len(data) > room:
            self._bytes[: len(data) - room] = data[room:]

    def read(self, begin: int, end: int) -> bytes:
        """The bytes at `[begin, end)`; the ring must still have all of them."""
        at = begin % len(self._bytes)
        data = bytes(self._bytes[at : at + end - begin])
        return data + self._bytes[: end - begin - len(data)]
