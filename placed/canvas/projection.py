"""The projection: applies the log's records to the state, and to the feed, which subscribers read.

It has one writer, the reader task, and is equal on every server that has read to the same offset. Invariant: the state
holds every record with offset < `version`, and the feed ends at `version`. Pure: no Trio, no threads.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np

from placed.canvas.change import NOTHING
from placed.canvas.edit_code import EditCode
from placed.canvas.events import Act, Correction, decode
from placed.canvas.feed import Feed
from placed.canvas.kept_state import Kept
from placed.canvas.large_acts import LargeActs
from placed.canvas.refusal import Reason, RecordRefused
from placed.canvas.state import State
from placed.canvas.vocabulary import VOCABULARY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from placed.canvas.batch import Batch
    from placed.canvas.change import Change
    from placed.canvas.cooldown import Cooldowns
    from placed.canvas.definition import Definition
    from placed.canvas.events import Run
    from placed.canvas.vocabulary import Vocabulary

    Listener = Callable[[Run, Change], None]


class Projection:
    """One canvas, read from one log.

    Args:
        definition: the canvas's size and palette at `version`.
        version: the version to begin at.
        cooldowns: everybody's charges at `version`.
        canvas: the pixels at `version`; None is a blank canvas.
        kept: the rest of the state at `version`; None for a new canvas.
        feed: the recent past; None for an empty feed.
        on_refused: called with the offset of each skipped record, and the reason.
        vocabulary: the events that this server knows.

    Attributes:
        version: the offset of the next record to apply.
        state: the state at `version`, with its `definition`, `canvas`, `cooldowns` and `kept`.
        code: the layout of the canvas's edit codes.
        feed: the recent past.
        edits: how many edits were applied since the start.
        skipped: how many records changed nothing since the start, by reason.
        large_acts: acts that change too much for the feed.
    """

    def __init__(
        self,
        definition: Definition,
        version: int,
        cooldowns: Cooldowns,
        *,
        canvas: NDArray[np.uint8] | None = None,
        kept: Kept | None = None,
        feed: Feed | None = None,
        on_refused: Callable[[int, RecordRefused], None] = lambda offset, refusal: None,
        vocabulary: Vocabulary = VOCABULARY,
    ) -> None:
        if canvas is None:
            canvas = np.zeros((definition.height, definition.width), np.uint8)
        self.state = State(definition, canvas, cooldowns, kept or Kept(definition), vocabulary)
        self.code = _code_of(definition)
        self.version = version
        self.feed = feed or Feed(self.code, version)
        self.edits = 0
        self.skipped = dict.fromkeys((reason.value for reason in Reason), 0)
        self._on_refused = on_refused
        self.large_acts = LargeActs()
        self._listeners: tuple[Listener, ...] = ()

    @property
    def definition(self) -> Definition:
        """The canvas's size and palette."""
        return self.state.definition

    @property
    def canvas(self) -> NDArray[np.uint8]:
        """The palette indexes, shape (height, width); when the canvas grows, it becomes another array."""
        return self.state.canvas

    @property
    def cooldowns(self) -> Cooldowns:
        """Everybody's charges."""
        return self.state.cooldowns

    @property
    def kept(self) -> Kept:
        """The rest of the state, without the canvas and the charges."""
        return self.state.kept

    @property
    def refused(self) -> int:
        """How many records changed nothing since the start."""
        return sum(self.skipped.values())

    @contextlib.contextmanager
    def told(self, listener: Listener) -> Iterator[None]:
        """Call `listener` with each run of records that is applied while the block runs, and with its change."""
        self._listeners = (*self._listeners, listener)
        try:
            yield
        finally:
            self._listeners = tuple(each for each in self._listeners if each != listener)

    def apply(self, batch: Batch, now_ms: int, *, feed: bool = True) -> None:
        """Apply the batch's records. Records before `version` are already in the state, and go only to the feed.

        Args:
            batch: consecutive records. Records that go only to the feed are at `kept.since` or later.
            now_ms: the wall clock's time, which decides whether an edit still counts for a cooldown.
            feed: whether to put the records into the feed; a long replay leaves out records that the feed would drop.
        """
        for run in decode(batch.offsets, batch.times_ms, batch.values, types=self.state.vocabulary.types):
            known = int(np.searchsorted(run.offsets, self.version)) if run.offsets[0] < self.version else 0
            if known:
                self._take(run.part(0, known), self._show)
            if known < len(run):
                self._take(run.part(known, len(run)), lambda run, change: self._become(run, change, now_ms, feed=feed))
        self.version = max(self.version, batch.next_offset)
        if not feed:
            self.feed.restart(batch.next_offset)

    def _take(self, run: Run, put: Callable[[Run, Change | RecordRefused], None]) -> None:
        """Call `put` with a run and its change; if it has bad records among good ones, do each half by itself."""
        try:
            change: Change | RecordRefused = self.state.fold(run)
        except RecordRefused as refusal:
            if len(run) > 1:
                # One bad record among 8,192 of one edit then costs 2 ms; looking at each of them would take 60 ms.
                middle = len(run) // 2
                self._take(run.part(0, middle), put)
                self._take(run.part(middle, len(run)), put)
                return
            change = refusal
        put(run, change)

    def _show(self, run: Run, change: Change | RecordRefused) -> None:
        self._tell(run, NOTHING if isinstance(change, RecordRefused) else change)

    def _become(self, run: Run, change: Change | RecordRefused, now_ms: int, *, feed: bool) -> None:
        self.state.begin(run)
        if isinstance(change, RecordRefused):
            self._skip(int(run.offsets[0]), change)
            change = NOTHING
        else:
            self.state.apply(change, run, now_ms)
            for listener in self._listeners:
                listener(run, change)
            self.edits += 0 if change.authors is None else len(change.authors)
        if change.definition is not None:
            self.code = _code_of(change.definition)
            self.feed.restart(int(run.offsets[0]) + 1, self.code)
        elif feed:
            self._tell(run, change)

    def _tell(self, run: Run, change: Change) -> None:
        """Put a change into the feed. If an act corrects much, the feed begins anew: the image takes fewer bytes."""
        if isinstance(run.event, Correction) and change.pixels is not None:
            if self.large_acts.correct(run.event.act, len(change.pixels)):
                self.feed.restart(int(run.offsets[-1]) + 1)
                return
        elif isinstance(run.event, Act) and run.event.kind == "done":
            self.large_acts.end(run.event.fields.get("act"))
        self.feed.add(run.offsets, change)

    def _skip(self, offset: int, refusal: RecordRefused) -> None:
        self.state.skip(refusal)
        self.skipped[refusal.reason.value] += 1
        self._on_refused(offset, refusal)


def _code_of(definition: Definition) -> EditCode:
    return EditCode.of(definition.width, definition.height, definition.colors)
