"""The pixels painted since an act's record, compared with a look at the records one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.definition import Definition
from placed.canvas.events import PIXEL, Act, Canvas, Correction
from placed.canvas.projection import Projection
from placed.moderation.painted_since import Since
from tests.support.records import SMALL, Edit, any_edit, batch, record

SHAPE = SMALL.height, SMALL.width


def _wipe() -> bytes:
    return Act("wipe", 7, {"area": [0, 0, 1, 1]}).encode()


def _correction(act: int, x: int, y: int) -> bytes:
    return Correction(act, np.array([(x, y, 1)], PIXEL)).encode()


def _where(mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> set[tuple[int, int]]:
    return {(int(x), int(y)) for y, x in zip(*np.nonzero(mask), strict=True)}


@given(
    *[st.lists(st.lists(any_edit(), min_size=1, max_size=3), max_size=6)] * 2,
    st.integers(0, 6),
    st.booleans(),
)
def test_the_mask_has_what_others_have_set_after_the_act(
    before: list[list[Edit]], after: list[list[Edit]], known_after: int, is_one_batch: bool
) -> None:
    projection, since, act = Projection(SMALL, 0, Cooldowns(Rule(10, 0))), Since(), len(before)
    values = [*[record(*each) for each in before], _wipe(), *[record(*each) for each in after], _correction(act, 4, 2)]
    known = min(act + 1 + known_after, len(values))  # the reader's version when the act's offset is known
    with projection.told(since.note):
        for begin, end in [(0, known)] if is_one_batch else [(at, at + 1) for at in range(known)]:
            projection.apply(batch(values[begin:end], first=begin), 0)
        since.begin(act, SHAPE)
        if known < len(values):
            projection.apply(batch(values[known:], first=known), 0)
    assert _where(since.mask) == {(x, y) for each in after for x, y, *_ in each}
    projection.apply(batch([record((4, 2, 1, 1))], first=len(values)), 0)
    assert (4, 2) in {(x, y) for each in after for x, y, *_ in each} or not since.mask[2, 4]


def test_corrections_of_another_act_count_and_what_lies_beyond_the_act_s_canvas_does_not() -> None:
    projection, since = Projection(SMALL, 0, Cooldowns(Rule(10, 0))), Since()
    larger = Definition(SMALL.width + 1, SMALL.height, SMALL.rgb)
    since.begin(1, SHAPE)
    values = [_wipe(), _wipe(), _correction(0, 1, 1), _correction(1, 2, 1)]
    with projection.told(since.note):
        projection.apply(batch([*values, Canvas(larger).encode(), record((SMALL.width, 0, 1, 5))]), 0)
    assert projection.definition == larger
    assert _where(since.mask) == {(1, 1)}


def test_what_is_left_is_what_nobody_has_painted() -> None:
    since = Since()
    since.begin(1, SHAPE)
    since.mask[1, 2] = True
    left = since.left(np.array([(1, 1, 3), (2, 1, 3), (2, 2, 3)], PIXEL))
    assert left.tolist() == [(1, 1, 3), (2, 2, 3)]
