"""Examines a log's records: replays them, and compares the canvas with a snapshot's. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from placed.canvas.batch import Batch
from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.events import Canvas, decode_one
from placed.canvas.projection import Projection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.canvas.definition import Definition
    from placed.canvas.refusal import RecordRefused
    from placed.canvas.snapshot import Snapshot

_NO_COOLDOWN: Final = Rule(1, 0)


class Examination:
    """A replay that compares the canvas with the snapshot, at the snapshot's version.

    Args:
        snapshot: the snapshot; None compares nothing.
        first: the log's first offset.

    Attributes:
        records: the number of records read.
        first_ms: the first record's time, and `last_ms` the last one's, ms since the epoch.
        refused: offset -> reason, of the first record without a meaning.
        differing_px: the number of pixels where the snapshot's canvas differs from the log's; None before its version.
    """

    def __init__(self, snapshot: Snapshot | None, first: int) -> None:
        self._snapshot = snapshot
        self._first = first
        self._projection: Projection | None = None
        self.records = 0
        self.first_ms = self.last_ms = 0
        self.refused: dict[int, str] = {}
        self.differing_px: int | None = None

    @property
    def definition(self) -> Definition | None:
        """The canvas's size and palette so far; None if neither the log's first record nor a snapshot says them."""
        return self._projection.definition if self._projection else None

    @property
    def created(self) -> Definition | None:
        """The canvas's first size and palette."""
        return self._projection.kept.created if self._projection else None

    @property
    def edits(self) -> int:
        """The number of edits that were applied."""
        return self._projection.edits if self._projection else 0

    @property
    def refused_records(self) -> int:
        """The number of records without a meaning, which every server skips."""
        return self._projection.refused if self._projection else 0

    def feed(self, batch: Batch) -> None:
        """Replay the next records."""
        if not batch.values:
            return
        if not self.records:
            self._begin(batch)
        self.records += len(batch.values)
        self.last_ms = int(batch.times_ms[-1])
        if self._projection is None:
            return
        version = self._snapshot.version if self._snapshot else 0
        split = int(np.searchsorted(batch.offsets, version)) if self.differing_px is None else 0
        for part in (_part(batch, 0, split), _part(batch, split, len(batch.values))):
            if part.values:
                self._projection.apply(part, self.last_ms, feed=False)
            self._compare()

    def _begin(self, batch: Batch) -> None:
        self.first_ms = int(batch.times_ms[0])
        definition, canvas, kept, version = None, None, None, self._first
        if int(batch.offsets[0]) == 0:
            first = decode_one(batch.values[0])
            if isinstance(first, Canvas):
                definition = first.definition
            else:
                self.refused[0] = f"not a canvas record: it begins with {batch.values[0][:8].hex()}"
                definition = self._snapshot.kept.created if self._snapshot else None
        elif self._snapshot is not None:  # the beginning is gone: there is nothing to compare the snapshot with
            definition, version = self._snapshot.definition, self._snapshot.version
            canvas, kept = self._snapshot.canvas.copy(), self._snapshot.kept
        if definition is not None:
            self._projection = Projection(
                definition,
                version,
                Cooldowns(_NO_COOLDOWN),
                canvas=canvas,
                kept=kept,
                on_refused=self._note_refused,
            )

    def differs_px(self, canvas: NDArray[np.uint8]) -> int | None:
        """The number of pixels where the canvas so far differs from `canvas`; None if they can't be compared."""
        if self._projection is None or self._projection.canvas.shape != canvas.shape:
            return None
        return int(np.count_nonzero(self._projection.canvas != canvas))

    def _note_refused(self, offset: int, refusal: RecordRefused) -> None:
        if not self.refused:
            self.refused[offset] = str(refusal)

    def _compare(self) -> None:
        projection, snapshot = self._projection, self._snapshot
        if projection is None or snapshot is None or self._first > 0 or self.differing_px is not None:
            return
        if projection.version == snapshot.version and projection.definition == snapshot.definition:
            self.differing_px = self.differs_px(snapshot.canvas)


def _part(batch: Batch, begin: int, end: int) -> Batch:
    return Batch(batch.offsets[begin:end], batch.times_ms[begin:end], batch.values[begin:end])
