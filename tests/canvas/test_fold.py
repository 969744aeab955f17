"""The fold: the same canvas, charges and feed for any batches of records, compared with a model of single records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas import snapshot as snapshots
from placed.canvas.cooldown import SAVED, Cooldowns, Rule
from placed.canvas.definition import Definition
from placed.canvas.events import Act, Canvas, Correction, Edits, Event, decode_one
from placed.canvas.projection import Projection
from placed.canvas.refusal import RecordUnknown
from placed.canvas.snapshot import Snapshot
from placed.canvas.state import MOST_KINDS
from tests.canvas.any_events import FOREIGN, any_event, some_correction, some_edits
from tests.support.records import SMALL, batch, blank, record

if TYPE_CHECKING:
    from numpy.typing import NDArray

RULE = Rule(10, 1_000)
LARGE = Definition(9, 7, SMALL.rgb + bytes(range(100, 106)))  # 6 colours; each part of its edit codes takes more bits
LARGER = Definition(12, 7, LARGE.rgb + b"\xc8\xc9\xca")
CANVASES = (SMALL, LARGE, LARGER, Definition(6, 2, LARGE.rgb), Definition(9, 9, SMALL.rgb), Definition(9, 9, bytes(18)))
VALUES = st.lists(
    st.one_of(
        some_edits().map(Event.encode),
        some_edits(LARGE).map(Event.encode),  # outside, before the canvas has grown
        some_correction(LARGE).map(Event.encode),
        st.sampled_from(CANVASES).map(lambda it: Canvas(it).encode()),
        any_event().map(Event.encode),
        FOREIGN,
    ),
    max_size=14,
)


@attrs.define(eq=False)
class Model:
    """The meaning of records, in code that is as slow and plain as can be."""

    definition: Definition = SMALL
    canvas: NDArray[np.uint8] = attrs.field(factory=blank)
    edits: int = 0
    spent: dict[int, int] = attrs.field(factory=dict)
    begun: bool = False
    grown: int = 0

    def take(self, offset: int, value: bytes) -> None:
        """Apply one record."""
        event = decode_one(value)
        self.begun |= not isinstance(event, Canvas)
        if isinstance(event, Canvas):
            self._become(event.definition, offset)
        elif isinstance(event, Edits):
            self._set(event.edits.tolist())
        elif isinstance(event, Correction):
            self._set([(*pixel, None) for pixel in event.pixels.tolist()])

    def _become(self, other: Definition, offset: int) -> None:
        is_larger = other.width >= self.definition.width and other.height >= self.definition.height
        if not (self.begun and is_larger and other.rgb.startswith(self.definition.rgb)) or other == self.definition:
            return
        colors = [other.rgb[at : at + 3] for at in range(0, len(other.rgb), 3)]
        if len(set(colors)) < len(colors):
            return
        canvas = blank(other)
        canvas[: self.definition.height, : self.definition.width] = self.canvas
        self.definition, self.canvas, self.grown = other, canvas, offset + 1

    def _set(self, pixels: list[tuple[int, int, int, int | None]]) -> None:
        it = self.definition
        if any(x >= it.width or y >= it.height or color >= it.colors for x, y, color, _ in pixels):
            return
        for x, y, color, author in pixels:
            self.canvas[y, x] = color
            if author is not None:
                self.edits += 1
                self.spent[author] = self.spent.get(author, 0) + 1


def projection() -> Projection:
    """A new projection of the small canvas."""
    return Projection(SMALL, 0, Cooldowns(RULE))


def saved(subject: Projection) -> Snapshot:
    """Its snapshot, read from the stored bytes."""
    parts = [np.empty(0, SAVED), *subject.cooldowns.save(0)]
    definition, kept, canvas = subject.definition, subject.kept, subject.canvas.copy()
    taken = Snapshot("a", subject.version, definition, kept, canvas, np.concatenate(parts), RULE.charge_ms)
    return snapshots.decode(snapshots.encode(taken))


def restored(stored: Snapshot) -> Projection:
    """A projection that goes on from a snapshot."""
    cooldowns = Cooldowns(RULE)
    cooldowns.load(stored.cooldowns, 0)
    return Projection(stored.definition, stored.version, cooldowns, canvas=stored.canvas, kept=stored.kept)


def check(subject: Projection, values: list[bytes]) -> Model:
    """Compare with a model that has taken `values`; return the model."""
    model = Model()
    for offset, value in enumerate(values):
        model.take(offset, value)
    assert subject.definition == model.definition
    assert (subject.canvas == model.canvas).all()
    assert (subject.kept.created, subject.kept.grown, subject.kept.begun) == (SMALL, model.grown, model.begun)
    for author, count in model.spent.items():
        assert subject.cooldowns.standing(author, 0).remaining == max(0, RULE.charges - count)
    return model


def cut(data: st.DataObject, count: int) -> list[tuple[int, int]]:
    """Any way to cut `count` records into batches."""
    ends = sorted(data.draw(st.sets(st.integers(1, count), max_size=5))) if count else []
    return list(zip([0, *ends], [*ends, count], strict=True))


@given(VALUES, st.data())
def test_state_is_the_models_whatever_the_batches_and_snapshots(values: list[bytes], data: st.DataObject) -> None:
    subject = projection()
    for begin, end in cut(data, len(values)):
        if begin < end:
            subject.apply(batch(values[begin:end], first=begin), 0)
        if data.draw(st.booleans()):
            subject = restored(saved(subject))
    whole = projection()
    if values:
        whole.apply(batch(values), 0)
    assert whole.edits == check(whole, values).edits
    check(subject, values)
    assert subject.kept == whole.kept


@given(VALUES, st.data())
def test_feed_leads_from_each_version_since_the_canvas_grew_to_the_canvas(
    values: list[bytes], data: st.DataObject
) -> None:
    subject, canvases = projection(), {0: blank()}
    for begin, end in cut(data, len(values)):
        for offset in range(begin, end):
            subject.apply(batch([values[offset]], first=offset), 0)
            canvases[subject.version] = subject.canvas.copy()
    assert subject.feed.first == subject.kept.grown
    for version in range(subject.feed.first, subject.version):
        assert (shown(subject, version, canvases[version]) == subject.canvas).all()


@given(VALUES, st.data())
def test_feed_that_is_filled_again_after_a_restart_leads_to_the_canvas(
    values: list[bytes], data: st.DataObject
) -> None:
    version = data.draw(st.integers(0, len(values)))
    before, canvases = projection(), {0: blank()}
    for offset in range(version):
        before.apply(batch([values[offset]], first=offset), 0)
        canvases[before.version] = before.canvas.copy()
    subject = restored(saved(before))
    begin = data.draw(st.integers(subject.kept.since, version))
    subject.feed.restart(begin)
    for first, end in cut(data, len(values) - begin):
        if first < end:
            subject.apply(batch(values[begin + first : begin + end], first=begin + first), 0)
    check(subject, values)
    if subject.kept.grown <= version:
        assert (shown(subject, begin, canvases[begin]) == subject.canvas).all()


def shown(subject: Projection, version: int, canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The canvas of a client that had it at `version`, and has followed since."""
    while version != subject.version:
        frame = subject.feed.since(version)
        x, y, color = subject.code.unpack(frame.codes)
        canvas[y, x] = color
        version = frame.version
    return canvas


def test_correction_sets_pixels_and_costs_nobody_a_charge() -> None:
    subject = projection()
    subject.apply(batch([record((1, 1, 1, 5)), b"\1\4" + bytes(8) + bytes([1, 0, 1, 0, 3])]), 0)
    assert (subject.canvas[1, 1], subject.edits, subject.refused) == (3, 1, 0)
    assert subject.cooldowns.standing(5, 0).remaining == 9


def test_canvas_that_grows_keeps_its_pixels_and_begins_a_feed_of_new_codes() -> None:
    subject = projection()
    subject.apply(batch([record((4, 2, 3, 5)), Canvas(LARGE).encode(), record((8, 6, 5, 5))]), 0)
    assert subject.canvas.shape == (7, 9)
    assert (subject.canvas[2, 4], subject.canvas[6, 8], int(subject.canvas.sum())) == (3, 5, 8)
    assert (subject.kept.created, subject.kept.grown, subject.version) == (SMALL, 2, 3)
    assert (subject.feed.first, subject.feed.code) == (2, subject.code)
    assert [part.tolist() for part in subject.code.unpack(subject.feed.since(2).codes)] == [[8], [6], [5]]


@pytest.mark.parametrize(
    "other",
    [
        Definition(4, 9, SMALL.rgb),
        Definition(9, 2, SMALL.rgb),
        Definition(9, 9, SMALL.rgb[:9]),
        Definition(9, 9, SMALL.rgb[::-1]),
        Definition(9, 9, SMALL.rgb + SMALL.rgb[:3]),
        Definition(9, 9, SMALL.rgb + b"\7\7\7" * 2),
    ],
    ids=["narrower", "lower", "fewer colours", "other colours", "a colour again", "a new colour twice"],
)
def test_canvas_that_it_can_not_become_is_skipped(other: Definition) -> None:
    subject = projection()
    subject.apply(batch([record((1, 1, 1, 5)), Canvas(other).encode(), record((2, 2, 2, 5))]), 0)
    assert (subject.definition, subject.edits, subject.skipped["canvas"]) == (SMALL, 2, 1)
    assert subject.feed.first == 0


def test_first_canvas_counts_of_those_that_servers_write_into_an_empty_log_at_once() -> None:
    subject = projection()
    subject.apply(batch([Canvas(SMALL).encode(), Canvas(LARGE).encode(), Canvas(SMALL).encode()]), 0)
    assert (subject.definition, subject.skipped["canvas"]) == (SMALL, 1)
    subject.apply(batch([b"\1\x63what no server knows", Canvas(LARGE).encode()], first=3), 0)
    assert subject.definition == LARGE


def test_bad_record_among_thousands_of_good_ones_is_skipped_alone() -> None:
    told: list[int] = []
    subject = Projection(SMALL, 0, Cooldowns(RULE), on_refused=lambda offset, refusal: told.append(offset))
    values = [record((index % 5, index % 3, index % 4, 0)) for index in range(5_000)]
    values[17] = values[4_321] = record((1, 1, 1, 0), (5, 0, 0, 0))
    subject.apply(batch(values), 0)
    assert (told, subject.edits, subject.skipped["outside"]) == ([17, 4_321], 4_998, 2)
    assert subject.feed.version == 5_000


def test_what_is_not_known_is_kept_by_name_and_bounded() -> None:
    subject = projection()
    acts = [Act(f"k{'abcdefghij'[n % 10]}{'a' * (n // 10)}", 1).encode() for n in range(MOST_KINDS + 20)]
    subject.apply(batch([b"\2\1", b"\1\x09", b"\1\x09", *acts[:30]]), 0)
    assert {"format 2", "type 9", "act ka"} <= subject.kept.unknown
    assert (subject.skipped["unknown"], len(subject.kept.unknown)) == (33, 32)
    for n in range(MOST_KINDS + 20):
        subject.state.skip(RecordUnknown(f"act {n}"))
    assert "act *" in subject.kept.unknown
    assert len(subject.kept.unknown) == 2 + MOST_KINDS + 1
