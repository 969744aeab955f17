"""The projection: what the log's records have made of the canvas, the feed and the cooldowns.

One writer, the reader task. Equal on every server that has read to the same offset. Invariant: `canvas` holds
every record with offset < `version`, and so does the feed's end. Pure: no Trio, no threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from placed.canvas.edit_code import EditCode
from placed.canvas.feed import Feed
from placed.canvas.record import decode

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from placed.canvas.batch import Batch
    from placed.canvas.cooldown import Cooldowns
    from placed.canvas.record import Decoded, Definition


class Projection:
    """One canvas, read from one log.

    Attributes:
        definition: the size and palette.
        code: the layout of its edit codes.
        canvas: uint8, shape (height, width), palette indexes.
        version: the offset of the next record to apply.
        feed: the recent past.
        cooldowns: every author's charges.
        edits: edits applied since the start.
        refused: records that changed nothing since the start, because they were not understood.
    """

    def __init__(
        self,
        definition: Definition,
        version: int,
        cooldowns: Cooldowns,
        *,
        canvas: NDArray[np.uint8] | None = None,
        feed: Feed | None = None,
        on_refused: Callable[[int, str], None] = lambda offset, reason: None,
    ) -> None:
        self.definition = definition
        self.code = EditCode.of(definition.width, definition.height, definition.colors)
        self.canvas = np.zeros((definition.height, definition.width), np.uint8) if canvas is None else canvas
        self.version = version
        self.feed = feed or Feed(self.code, version)
        self.cooldowns = cooldowns
        self.edits = 0
        self.refused = 0
        self._on_refused = on_refused

    def apply(self, batch: Batch, now_ms: int, *, feed: bool = True) -> None:
        """Apply the batch's records; those before `version` are already in the canvas, and go to the feed
        alone.

        Args:
            batch: consecutive records.
            now_ms: the wall clock, which tells which edits still count for a cooldown.
            feed: whether to keep the records in the feed; a long replay leaves out what the feed would only
                drop.
        """
        decoded = decode(batch.values, self.definition)
        known = int(np.searchsorted(batch.offsets, self.version))
        fresh = decoded.edits[int(decoded.counts[:known].sum()) :]
        pixel = fresh["y"].astype(np.intp) * self.definition.width + fresh["x"]
        self.canvas.reshape(-1)[pixel] = fresh["color"]  # numpy assigns in order: the last edit of a pixel wins
        self.cooldowns.count(fresh["author"], np.repeat(batch.times_ms[known:], decoded.counts[known:]), now_ms)
        self.edits += len(fresh)
        self._note_refused(batch, decoded, known)
        self.version = max(self.version, batch.next_offset)
        if feed:
            self._feed(batch, decoded)
        else:
            self.feed.restart(batch.next_offset)

    def _feed(self, batch: Batch, decoded: Decoded) -> None:
        edits = decoded.edits
        codes = self.code.pack(edits["x"], edits["y"], edits["color"])
        begin = 0
        ends = (np.cumsum(decoded.counts) * self.code.size_bytes).tolist()
        for offset, end in zip(batch.offsets.tolist(), ends, strict=True):
            self.feed.append(offset + 1, codes[begin:end])
            begin = end

    def _note_refused(self, batch: Batch, decoded: Decoded, known: int) -> None:
        for index, reason in decoded.refused.items():
            if index >= known:
                self.refused += 1
                self._on_refused(int(batch.offsets[index]), reason)
