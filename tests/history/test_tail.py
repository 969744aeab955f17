"""The newest edits, in memory: those of one pixel, compared with a search through all of them."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.definition import Definition
from placed.history.ground import Ground
from placed.history.stretch import NO_ACT, ROW, Stretch
from placed.history.tail import MOST_EDITS, Tail

_RGB = bytes(range(48))


def _stretch(start: int, places: list[tuple[int, int]]) -> Stretch:
    """A record of one edit for each place."""
    rows = np.zeros(len(places), ROW)
    rows["offset"], rows["act"] = np.arange(start, start + len(places)), NO_ACT
    rows["x"], rows["y"] = [x for x, _ in places], [y for _, y in places]
    return Stretch(start, start + len(places), rows)


_PLACES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=20)


@given(
    parts=st.lists(_PLACES, max_size=4), place=st.tuples(st.integers(0, 5), st.integers(0, 5)), before=st.integers(0)
)
def test_a_pixels_edits_are_all_that_there_are(
    parts: list[list[tuple[int, int]]], place: tuple[int, int], before: int
) -> None:
    tail = Tail(Ground(Definition(3, 4, _RGB), 0))
    for part in parts:
        tail.append(_stretch(tail.end, part))
    found = tail.view().rows_of(*place, before % (tail.end + 2))
    # A place outside belongs to a canvas that has grown: on the old canvas another place would have the same number.
    all_places = [each for part in parts for each in part][: before % (tail.end + 2)]
    assert found["offset"].tolist() == [at for at, each in enumerate(all_places) if each == place]


def test_a_view_keeps_its_pixels_whatever_comes_later() -> None:
    tail = Tail(Ground(Definition(3, 4, _RGB), 0))
    tail.append(_stretch(0, [(1, 2), (2, 1)]))
    view = tail.view()
    tail.append(_stretch(2, [(1, 2)]))
    assert view.rows_of(1, 2, 10)["offset"].tolist() == [0]
    assert tail.view().rows_of(1, 2, 10)["offset"].tolist() == [0, 2]


@pytest.mark.parametrize("count", [MOST_EDITS, MOST_EDITS + 5])
def test_a_record_with_more_edits_than_a_segment_has_all_its_pixels(count: int) -> None:
    tail = Tail(Ground(Definition(3, 4, _RGB), 0))
    stretch = _stretch(0, [(0, 0)] * (count - 1) + [(2, 3)])
    stretch.rows["offset"] = 0
    tail.append(attrs.evolve(stretch, end=1))
    assert len(tail.view().rows_of(0, 0, 1)) == count - 1
    assert len(tail.view().rows_of(2, 3, 1)) == 1
