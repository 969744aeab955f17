"""The canvas at each frame is as if painted anew from all edits up to the frame's mark."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.definition import Definition
from placed.canvas.palette import SEED
from placed.commands.import_.values import BadValue
from placed.commands.moments import moment_of
from placed.commands.timelapse.look import changed_box
from placed.commands.timelapse.playing import Area, Even, marks, play
from placed.history.stretch import NO_ACT, ROW

WIDTH, HEIGHT = 6, 5
EDITS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), st.integers(1, 7)), max_size=40
)
AREAS = st.builds(
    lambda x, y, width, height: Area(x, y, min(width, WIDTH - x), min(height, HEIGHT - y)),
    st.integers(0, WIDTH - 1),
    st.integers(0, HEIGHT - 1),
    st.integers(1, WIDTH),
    st.integers(1, HEIGHT),
)


@given(
    edits=EDITS,
    area=AREAS,
    frames=st.integers(1, 9),
    even=st.sampled_from(["time", "edits"]),
    cuts=st.lists(st.integers(0, 40), max_size=4),
)
def test_each_frame_shows_all_edits_up_to_its_mark_and_no_other(
    edits: list[tuple[int, int, int, int]], area: Area, frames: int, even: Even, cuts: list[int]
) -> None:
    edits.sort(key=lambda edit: edit[0])
    rows = np.zeros(len(edits), ROW)
    rows["act"] = NO_ACT
    for at, (ms, x, y, color) in enumerate(edits):
        rows[at]["ms"], rows[at]["x"], rows[at]["y"], rows[at]["color"] = ms, x, y, color
    inside = [edit for edit in edits if 0 <= edit[1] - area.x < area.width and 0 <= edit[2] - area.y < area.height]
    up_to = marks(3, 28, frames) if even == "time" else marks(0, len(inside), frames)
    begin = np.full((area.height, area.width), 9, np.uint8)
    definition = Definition(WIDTH, HEIGHT, SEED.rgb)
    parts = [area.of(part, definition) for part in np.split(rows, sorted(min(cut, len(rows)) for cut in cuts))]
    found = [pixels.copy() for pixels in play(begin.copy(), area, parts, up_to, even)]
    assert len(found) == frames
    for pixels, mark in zip(found, up_to.tolist(), strict=True):
        wanted = begin.copy()
        shown = [edit for edit in inside if edit[0] <= mark] if even == "time" else inside[:mark]
        for _, x, y, color in shown:
            wanted[y - area.y, x - area.x] = color
        assert np.array_equal(pixels, wanted)


def test_a_film_begins_at_its_beginning_and_ends_at_its_end() -> None:
    assert marks(10, 20, 5).tolist() == [10, 12, 15, 18, 20]
    assert marks(10, 20, 1).tolist() == [20]


def test_what_has_changed_lies_in_the_smallest_box() -> None:
    before = np.zeros((5, 6), np.uint8)
    after = before.copy()
    assert changed_box(before, after) == (0, 0, 1, 1)
    after[1, 2] = after[3, 4] = 1
    assert changed_box(before, after) == (2, 1, 5, 4)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-11-28T20:15:00Z", 1_795_896_900_000),
        ("2026-11-28T21:15:00.5+01:00", 1_795_896_900_500),
        ("2026-11-28 20:15:00", 1_795_896_900_000),
        ("2026-11-28", 1_795_824_000_000),
        ("1795896900000", 1_795_896_900_000),
        ("90s", 1_795_896_900_000 - 90_000),
        ("24h", 1_795_896_900_000 - 86_400_000),
        ("7d", 1_795_896_900_000 - 7 * 86_400_000),
    ],
)
def test_a_moment_may_be_a_date_an_age_or_a_number(text: str, ms: int) -> None:
    assert moment_of(text, 1_795_896_900_000) == ms


@pytest.mark.parametrize("text", ["", "yesterday", "24", "1e3h", "2026-13-01", "1969-12-31", "-5h"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="allowed are moments"):
        moment_of(text, 1_795_896_900_000)
