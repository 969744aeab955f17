"""The projection: a fold over the log whose result doesn't depend on how records are batched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.definition import Definition
from placed.canvas.events import PIXEL, Correction
from placed.canvas.feed import Feed
from placed.canvas.projection import Projection
from tests.support.records import SMALL, any_edit, batch, batch_at, blank, code_of, paint, record

if TYPE_CHECKING:
    import pytest

    from placed.canvas.refusal import RecordRefused

FOREIGN = st.sampled_from([b"", b"\1\1", b"\1\7x", b"\2\1" + bytes(13), record((5, 0, 0, 1)), b"\1\1" + bytes(14)])
VALUES = st.lists(
    st.one_of(st.lists(any_edit(), min_size=1, max_size=5).map(lambda e: record(*e)), FOREIGN), max_size=15
)


def projection(version: int = 0, **more: object) -> Projection:
    """A new projection of the small canvas."""
    return Projection(SMALL, version, Cooldowns(Rule(10, 1000)), **more)  # type: ignore[arg-type]  # the tests' own


def edits_of(value: bytes) -> list[tuple[int, int, int, int]]:
    """The edits in a record; none if the record must be refused."""
    if len(value) < 15 or value[:2] != b"\1\1" or (len(value) - 2) % 13:
        return []
    fields = [value[at : at + 13] for at in range(2, len(value), 13)]
    several = [(int.from_bytes(f[:2], "little"), int.from_bytes(f[2:4], "little"), f[4], 0) for f in fields]
    inside = all(x < SMALL.width and y < SMALL.height and color < SMALL.colors for x, y, color, _ in several)
    return several if inside else []


@given(VALUES, st.data())
def test_canvas_is_the_models_whatever_the_batches(values: list[bytes], data: st.DataObject) -> None:
    subject, canvas = projection(), blank()
    begin = 0
    while begin < len(values):
        end = data.draw(st.integers(begin + 1, len(values)))
        subject.apply(batch(values[begin:end], first=begin), 0)
        begin = end
    for value in values:
        paint(canvas, edits_of(value))
    assert (subject.canvas == canvas).all()
    assert subject.version == subject.feed.version == len(values)
    assert subject.edits == sum(len(edits_of(value)) for value in values)
    assert subject.refused == sum(not edits_of(value) for value in values)


@given(st.lists(st.lists(any_edit(), min_size=1, max_size=5), min_size=1, max_size=10), st.data())
def test_feed_leads_from_any_version_to_the_canvas(
    several: list[list[tuple[int, int, int, int]]], data: st.DataObject
) -> None:
    gaps = data.draw(st.lists(st.integers(1, 5), min_size=len(several), max_size=len(several)))
    offsets = np.cumsum(gaps).tolist()
    subject, canvases = projection(), {0: blank()}
    for offset, edits in zip(offsets, several, strict=True):
        subject.apply(batch_at([offset], [record(*edits)], [0]), 0)
        canvases[subject.version] = subject.canvas.copy()
    for version, canvas in canvases.items():
        at = version
        while at != subject.version:
            frame = subject.feed.since(at)
            at = frame.version
            x, y, color = subject.code.unpack(frame.codes)
            canvas[y, x] = color
        assert (canvas == subject.canvas).all()


def test_last_edit_of_a_pixel_in_a_batch_wins() -> None:
    subject = projection()
    values = [record((1, 1, 1, 0), (1, 1, 2, 0)), record((1, 1, 3, 0)), record((2, 2, 3, 0), (2, 2, 1, 0))]
    subject.apply(batch(values), 0)
    assert subject.canvas[1, 1] == 3
    assert subject.canvas[2, 2] == 1


def test_last_edit_wins_in_a_batch_of_many_thousands() -> None:
    random = np.random.default_rng(3)
    edits = [(int(x), int(y), int(c), 0) for x, y, c in random.integers(0, [5, 3, 4], (20_000, 3))]
    subject, canvas = projection(), blank()
    subject.apply(batch([record(*edits)]), 0)
    paint(canvas, edits)
    assert (subject.canvas == canvas).all()


def test_undecodable_record_is_counted_told_with_its_offset_and_passed() -> None:
    told: list[tuple[int, RecordRefused]] = []
    subject = projection(on_refused=lambda offset, refusal: told.append((offset, refusal)))
    subject.apply(batch([record((0, 0, 1, 0)), b"\1\7x", record((1, 0, 1, 0))], first=10), 0)
    assert (subject.version, subject.refused, subject.edits) == (13, 1, 2)
    assert [offset for offset, _ in told] == [11]
    assert "type 7" in str(told[0][1])


def test_records_before_the_version_go_to_the_feed_alone() -> None:
    canvas = blank()
    canvas[0, 1] = 2  # the result of the record at offset 1
    told: list[int] = []
    subject = projection(
        2, canvas=canvas, feed=Feed(code_of(SMALL), 0), on_refused=lambda offset, refusal: told.append(offset)
    )
    values = [b"unknown", record((1, 0, 3, 5), (1, 0, 2, 5)), record((1, 1, 1, 5)), b"unknown"]
    subject.apply(batch(values, time_ms=1_000), 1_000)
    assert subject.canvas[0, 1] == 2
    assert subject.canvas[1, 1] == 1
    assert (subject.version, subject.edits, subject.refused, told) == (4, 1, 1, [3])
    assert subject.cooldowns.standing(5, 1_000).remaining == 9
    assert (subject.feed.first, subject.feed.version) == (0, 4)
    assert subject.feed.since(0).codes == subject.code.pack(*np.array([[1, 1, 1], [0, 0, 1], [3, 2, 1]], np.uint16))


def test_replay_that_leaves_out_the_feed_leaves_it_empty_at_the_version() -> None:
    subject = projection()
    subject.apply(batch([record((0, 0, 1, 0))] * 5), 0, feed=False)
    assert (subject.feed.first, subject.feed.version, subject.version) == (5, 5, 5)
    assert subject.canvas[0, 0] == 1


def test_edits_spend_their_authors_charges() -> None:
    subject = projection()
    subject.apply(batch_at([0, 1], [record((0, 0, 1, 5), (0, 0, 1, 6)), record((0, 0, 1, 5))], [1_000, 1_001]), 1_001)
    assert subject.cooldowns.standing(5, 1_001).remaining == 8
    assert subject.cooldowns.standing(6, 1_001).remaining == 9


def test_canvas_of_the_largest_size_is_painted_to_its_last_pixel() -> None:
    definition = Definition(4096, 4096, bytes(768))
    subject = Projection(definition, 0, Cooldowns(Rule(1, 0)))
    subject.apply(batch([record((4095, 4095, 255, 0))]), 0)
    assert subject.canvas[4095, 4095] == 255
    assert int(subject.canvas.sum()) == 255


def correct(act: int, pixels: int) -> bytes:
    """A correction's record that has the same pixel `pixels` times."""
    return Correction(act, np.array([(1, 1, 2)] * pixels, PIXEL)).encode()


def test_an_act_that_corrects_much_sends_those_who_watch_to_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placed.canvas.large_acts.MOST_CORRECTED", 5)
    subject = projection()
    subject.apply(batch([record((0, 0, 1, 1)), correct(0, 5)]), 0)
    assert (subject.feed.first, subject.feed.version) == (0, 2)
    subject.apply(batch([record((0, 1, 1, 1)), correct(0, 1)], first=2), 0)  # the same act goes on
    assert (subject.feed.first, subject.feed.version) == (4, 4)
    subject.apply(batch([correct(9, 5), record((0, 2, 1, 1))], first=4), 0)
    assert (subject.feed.first, subject.feed.version) == (4, 6)
    subject.apply(batch([correct(10, 6), record((0, 0, 3, 1))], first=6), 0)
    assert (subject.feed.first, subject.feed.version) == (7, 8)
    assert (subject.canvas[1, 1], subject.canvas[0, 0]) == (2, 3)


def test_a_feed_that_is_filled_again_leaves_out_what_was_left_out_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placed.canvas.large_acts.MOST_CORRECTED", 5)
    subject = projection(version=3, feed=Feed(code_of(SMALL), 0))
    subject.apply(batch([record((0, 0, 1, 1)), correct(0, 6), record((0, 1, 1, 1))]), 0)
    assert (subject.feed.first, subject.feed.version) == (2, 3)
