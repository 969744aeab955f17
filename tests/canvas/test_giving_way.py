"""Work on many pixels gives way to other tasks between its steps, however large the canvas is."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas import png
from placed.canvas.giving_way import bands, give_way
from placed.history import segment

MOST_PIXELS = 1 << 20


@given(height=st.integers(1, 5_000), width=st.integers(1, 3 * MOST_PIXELS))
def test_bands_have_each_row_once_and_few_pixels(height: int, width: int) -> None:
    parts = [range(height)[band] for band in bands(height, width)]
    assert [row for part in parts for row in part] == list(range(height))
    assert all(len(part) * width <= MOST_PIXELS or len(part) == 1 for part in parts)


def test_giving_way_is_the_systems_own_call_where_it_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[None] = []
    monkeypatch.setattr(os, "sched_yield", lambda: called.append(None), raising=False)
    give_way()
    assert called == [None]
    monkeypatch.delattr(os, "sched_yield")
    give_way()


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_a_picture_larger_than_a_band_is_packed_and_unpacked_whole(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    gave_way: list[None] = []
    for module in (png, segment):
        monkeypatch.setattr(module, "give_way", lambda: gave_way.append(None))
    pixels = np.random.default_rng(depth).integers(0, 1 << depth, (1_100, 2_003), np.uint8)
    rows = png.pack_rows(pixels, depth)
    steps = 8 // depth * len(list(bands(*pixels.shape)))
    assert len(gave_way) == (0 if depth == 8 else steps)  # whole bytes are copied in one step
    assert (segment.unpack_rows(rows[:, 1:], 2_003, depth) == pixels).all()
    assert len(gave_way) == (0 if depth == 8 else 2 * steps)
