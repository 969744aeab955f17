"""The feed: the recent past in memory, as edit codes indexed by version.

It holds every record with `first <= offset < version`, so that whoever stands at a version v with `first <= v <=
version` can be brought to the present without a gap. It is bounded in records and in bytes: when it is full the
oldest records go, `first` moves up, and whoever stands below it has to load the image again. It has one writer, the
projection. Pure.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from placed.edit_code import EditCode

MAX_RECORDS = 65_536  # at 300 records a second, 218 s: longer than an image may be cached
MAX_BYTES = 8 << 20  # of edit codes; 2.8 million edits of 3 bytes
MAX_FRAME_EDITS = 65_536  # one frame stays under 350 KB of base64, so that a far laggard moves on in steps
_COALESCE_EDITS = 1_024  # below this, finding overdrawn pixels costs more than sending them


@attrs.frozen
class Frame:
    """Edits that lead from one version to a later one.

    Attributes:
        version: the version after these edits.
        codes: edit codes, in order; the last one of a pixel wins. Empty when only the version moved.
    """

    version: int
    codes: bytes


class Feed:
    """The recent past. `first` and `version` are the half-open range of offsets that it holds."""

    def __init__(
        self, code: EditCode, version: int, *, max_records: int = MAX_RECORDS, max_bytes: int = MAX_BYTES
    ) -> None:
        self._code = code
        self._max_records = max_records
        self._max_bytes = max_bytes
        self.restart(version)

    def restart(self, version: int) -> None:
        """Forget all records, and begin at `version`."""
        self.first = self.version = version
        self._versions: list[int] = []  # the version after each record, ascending
        self._codes: list[bytes] = []
        self._dropped = 0  # leading entries of both lists that are no longer held
        self._held_bytes = 0

    def append(self, version: int, codes: bytes) -> None:
        """Add one record: the version after it, greater than the present one, and its edit codes."""
        self._versions.append(version)
        self._codes.append(codes)
        self._held_bytes += len(codes)
        self.version = version
        while len(self._versions) - self._dropped > self._max_records or self._held_bytes > self._max_bytes:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        at = self._dropped
        self._held_bytes -= len(self._codes[at])
        self._codes[at] = b""
        self.first = self._versions[at]
        self._dropped += 1
        if self._dropped > self._max_records:  # amortised: a list's front is moved once per max_records appends
            del self._versions[: self._dropped], self._codes[: self._dropped]
            self._dropped = 0

    def since(self, version: int) -> Frame:
        """The edits from `version` on, which is at least `first` and below the feed's version; at most a frame full.

        Many edits are coalesced: of each pixel only its last one stays.
        """
        begin = bisect_right(self._versions, version, self._dropped)
        if begin == len(self._versions) - 1:
            return self._coalesced(self._versions[begin], self._codes[begin])
        room = MAX_FRAME_EDITS * self._code.size_bytes
        end = begin
        while end < len(self._codes) and (end == begin or room >= len(self._codes[end])):
            room -= len(self._codes[end])
            end += 1
        return self._coalesced(self._versions[end - 1], b"".join(self._codes[begin:end]))

    def _coalesced(self, version: int, codes: bytes) -> Frame:
        if len(codes) <= _COALESCE_EDITS * self._code.size_bytes:
            return Frame(version, codes)
        x, y, color = self._code.unpack(codes)
        pixel = y.astype(np.uint32) << 16 | x
        _, last_from_end = np.unique(pixel[::-1], return_index=True)
        keep = np.sort(len(pixel) - 1 - last_from_end)
        return Frame(version, self._code.pack(x[keep], y[keep], color[keep]))
