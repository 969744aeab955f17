"""The state that the log's records fold into: the canvas, everybody's charges, and `Kept`, the rest.

    run --event.change(state, run)--> change --apply--> state

An event looks at the state and returns a change, or is refused; it changes nothing itself. Applying a change is the
same for every event. So the meaning of a record is in one place, the event's file. And a record that the state has
already can be folded again to get its change, as for the feed after a restart.

The state at one version is a function of the log alone, and equal on every server. It has one writer, the projection.
Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from placed.canvas.events import Canvas
from placed.canvas.refusal import Reason, RecordRefused, RecordUnknown
from placed.canvas.vocabulary import ANY_KIND, VOCABULARY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.canvas.change import Change
    from placed.canvas.cooldown import Cooldowns
    from placed.canvas.definition import Definition
    from placed.canvas.events import Run
    from placed.canvas.kept_state import Kept
    from placed.canvas.vocabulary import Vocabulary

MOST_KINDS = 256  # of acts that this server doesn't know, remembered by name: 10 KB in a snapshot


class State:
    """The state after all records before one version.

    Attributes:
        definition: the canvas's size and palette.
        canvas: uint8, shape (height, width), palette indexes.
        cooldowns: every author's charges.
        kept: the rest of the state; see `Kept`.
        vocabulary: the events that this server knows.
    """

    def __init__(
        self,
        definition: Definition,
        canvas: NDArray[np.uint8],
        cooldowns: Cooldowns,
        kept: Kept,
        vocabulary: Vocabulary = VOCABULARY,
    ) -> None:
        self.definition = definition
        self.canvas = canvas
        self.cooldowns = cooldowns
        self.kept = kept
        self.vocabulary = vocabulary

    def check_inside(self, pixels: NDArray[np.void]) -> None:
        """Check that all pixels are on the canvas; they have fields x, y and color, shape (n,), n >= 1.

        Raises:
            RecordRefused: a pixel isn't, or has a colour that isn't in the palette.
        """
        it = self.definition
        is_inside = pixels["x"].max() < it.width and pixels["y"].max() < it.height and pixels["color"].max() < it.colors
        if not is_inside:
            raise RecordRefused(f"a pixel outside the canvas of {it.size}", Reason.OUTSIDE)

    def fold(self, run: Run) -> Change:
        """The change that a run makes; this doesn't apply it.

        Raises:
            RecordRefused: at least one of the run's records is refused.
        """
        return run.event.change(self, run)

    def begin(self, run: Run) -> None:
        """Note that the log has begun, if the run is anything but a canvas."""
        if not self.kept.begun and not isinstance(run.event, Canvas):
            self.kept = attrs.evolve(self.kept, begun=True)

    def apply(self, change: Change, run: Run, now_ms: int) -> None:
        """Apply the run's change. `now_ms`, the wall clock's time, decides whether edits still count for a cooldown."""
        if change.pixels is not None:
            self._paint(change.pixels)
        if change.authors is not None:
            self.cooldowns.count(change.authors, np.repeat(run.times_ms, run.counts), now_ms)
        if change.definition is not None or change.acts is not None:
            self._become(change, int(run.offsets[-1]) + 1)

    def _paint(self, pixels: NDArray[np.void]) -> None:
        pixel = pixels["y"].astype(np.intp) * self.definition.width + pixels["x"]
        self.canvas.reshape(-1)[pixel] = pixels["color"]  # numpy assigns in order: the last change of a pixel wins

    def _become(self, change: Change, version: int) -> None:
        if change.acts is not None:
            self.kept = attrs.evolve(self.kept, acts={**self.kept.acts, **change.acts})
        if change.definition is not None:
            self._grow(change.definition)
            self.kept = attrs.evolve(self.kept, grown=version, since=version)

    def _grow(self, definition: Definition) -> None:
        height, width = self.canvas.shape
        canvas = np.zeros((definition.height, definition.width), np.uint8)
        canvas[:height, :width] = self.canvas
        self.definition, self.canvas = definition, canvas

    def skip(self, refusal: RecordRefused) -> None:
        """Note a skipped record, if this server doesn't know its format, type or kind."""
        if not isinstance(refusal, RecordUnknown) or refusal.what in self.kept.unknown:
            return
        kinds = sum(what.startswith("act ") for what in self.kept.unknown)
        what = ANY_KIND if refusal.what.startswith("act ") and kinds >= MOST_KINDS else refusal.what
        self.kept = attrs.evolve(self.kept, unknown=self.kept.unknown | {what})
