"""Keeps the history one step at a time, from batches of the log to segments in the folder.

Invariant: the folder, the tail and the batches not yet added have the log up to `builder.read`, without a gap. A write
that fails changes nothing; the next call tries it again. May not import Trio.

Thread: everything here blocks, and belongs to one thread at a time.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.canvas.batch import Batch
from placed.history.builder import Builder
from placed.history.folder import check_room, write_segment
from placed.history.sealing import encode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from placed.history.folder import SegmentFile
    from placed.history.ground import Ground
    from placed.history.tail import View

# How much of a batch is added at once: 10,000 edits, which take 0.4 MB as rows, and there are three copies for a
# moment. A whole batch may have 320,000 edits.
_AT_ONCE_BYTES: Final = 128 << 10


class Keeping:
    """Builds segments from `ground` on, and writes them to `folder`.

    Attributes:
        builder: has the records that aren't written yet.
    """

    def __init__(self, folder: Path, log_id: str, ground: Ground) -> None:
        self._folder = folder
        self._log_id = log_id
        self.builder = Builder(ground)
        self._parts: deque[Batch] = deque()
        self._sealed: list[SegmentFile] = []

    def take(self, batch: Batch | None) -> tuple[list[SegmentFile], View]:
        """Add a batch, if there is one, and write a segment if one is full. A call writes only one segment, so that
        nobody has to hold its records, 5 MB, while the next one fills.

        Returns:
            The segments that were written since the last call that returned, and the tail after them. If there are any
            segments, there may be more: call again, with None, until there are none. Then the whole batch is added.

        Raises:
            OSError: no room, no permission, a disk error. The batch isn't lost: try again with None.
        """
        if batch is not None:
            self._parts.extend(_parts(batch))
        while not self._seal_full() and self._parts:
            self.builder.add(self._parts.popleft())
        sealed, self._sealed = self._sealed, []
        return sealed, self.builder.tail.view()

    def _seal_full(self) -> bool:
        """Write the next segment, if it is full, and say whether it was."""
        view = self.builder.full()
        if view is None:
            return False
        self._seal(view)
        ground = view.ground.copy()
        ground.apply(view.stretch, view.definition)
        self.builder.sealed(ground)
        return True

    def finish(self, end: int) -> list[SegmentFile]:
        """Write the rest as a last segment, which ends at `end`; return all segments since the last `take`.

        Raises:
            OSError: as `take`.
        """
        view = self.builder.tail.view()
        if view.stretch.start < end:
            self._seal(attrs.evolve(view, stretch=attrs.evolve(view.stretch, end=end)))
        sealed, self._sealed = self._sealed, []
        return sealed

    def _seal(self, view: View) -> None:
        stretch = view.stretch
        parts = encode(stretch, self._log_id, view.definition, view.ground)
        check_room(self._folder, sum(map(len, parts)))
        self._sealed.append(write_segment(self._folder, parts, stretch.start, stretch.end))


def _parts(batch: Batch) -> Iterator[Batch]:
    """The batch in parts of up to `_AT_ONCE_BYTES`, or of one record."""
    if sum(map(len, batch.values)) <= _AT_ONCE_BYTES:  # records of single edits
        yield batch
        return
    ends = np.cumsum(np.fromiter(map(len, batch.values), np.int64, len(batch.values)))
    begin = 0
    while True:
        done = int(ends[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, done + _AT_ONCE_BYTES, "right")))
        part = slice(begin, end)
        is_last = end >= len(batch.values)
        gap_end = batch.gap_end if is_last else None
        yield Batch(batch.offsets[part], batch.times_ms[part], batch.values[part], gap_end)
        if is_last:
            return
        begin = end
