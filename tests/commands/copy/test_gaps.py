"""Filled gaps: each record keeps its offset, and the records in the gaps change nothing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.batch import Batch
from placed.commands.copy.gaps import MOST_MISSING, Gaps, TooManyGaps
from tests.support.offline_log import canvas_record, record_of

CANVAS = canvas_record(40, 30, 4)
OTHER = record_of([(1, 2, 3)])


def _batch(offsets: list[int], gap_end: int | None = None) -> Batch:
    values = [CANVAS if offset == 0 else OTHER for offset in offsets]
    return Batch(np.array(offsets, np.int64), np.array(offsets, np.int64) * 10, values, gap_end)


@given(
    offsets=st.sets(st.integers(1, 60), max_size=30),
    cuts=st.lists(st.integers(0, 31), max_size=4),
    end=st.integers(0, 10),
    past=st.integers(0, 3),
)
def test_each_record_keeps_its_offset_and_the_gaps_are_the_canvas(
    offsets: set[int], cuts: list[int], end: int, past: int
) -> None:
    kept = [0, *sorted(offsets)]
    next_ = kept[-1] + 1 + end
    gaps = Gaps()
    places = sorted({0, *(cut for cut in cuts if cut < len(kept)), len(kept)})
    batches = [_batch(kept[a:b]) for a, b in pairwise(places)]
    if end or past:  # as a Kafka reader reports a gap at the end; servers may have gone on writing there
        batches.append(_batch([], gap_end=next_ + past))
    parts = [gaps.fill(batch, next_) for batch in batches]
    offsets_ = np.concatenate([part.offsets for part in parts])
    assert offsets_.tolist() == list(range(next_))
    values = [value for part in parts for value in part.values]
    times = np.concatenate([part.times_ms for part in parts]).tolist()
    for offset in range(next_):
        before = max(each for each in kept if each <= offset)
        assert times[offset] == before * 10
        assert values[offset] == (OTHER if offset in offsets else CANVAS)
    assert gaps.filled == next_ - len(kept)


def test_records_that_came_after_the_copy_began_are_left_out() -> None:
    assert Gaps().fill(_batch([0, 1, 2, 5]), 2).offsets.tolist() == [0, 1]


def test_a_log_of_gaps_is_not_copied() -> None:
    gaps = Gaps()
    gaps.fill(_batch([0]), MOST_MISSING * 2)
    with pytest.raises(TooManyGaps, match="hold no record"):
        gaps.fill(_batch([MOST_MISSING + 5]), MOST_MISSING * 2)
