"""The plan: exactly the pixels that differ, each once, in the chosen order."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from placed.commands.paint.plan import Order, Target, misfit

if TYPE_CHECKING:
    from numpy.typing import NDArray

sides = st.integers(1, 8)
few_colors = st.integers(0, 3)


@st.composite
def targets(draw: st.DrawFn) -> tuple[Target, NDArray[np.uint8]]:
    """A target somewhere on a canvas."""
    height, width = draw(sides), draw(sides)
    x, y = draw(st.integers(0, 5)), draw(st.integers(0, 5))
    canvas_shape = (y + height + draw(st.integers(0, 5)), x + width + draw(st.integers(0, 5)))
    colors = draw(arrays(np.uint8, (height, width), elements=few_colors))
    visible = draw(arrays(np.bool_, (height, width)))
    return Target(x, y, colors, visible), draw(arrays(np.uint8, canvas_shape, elements=few_colors))


@given(targets(), st.sampled_from(get_args(Order)))
def test_the_edits_make_the_picture_and_touch_nothing_else(
    drawn: tuple[Target, NDArray[np.uint8]], order: Order
) -> None:
    target, canvas = drawn
    before = canvas.copy()
    edits = target.edits(target.wrong(canvas), order)
    for x, y, color in edits:
        assert canvas[y, x] != color
        canvas[y, x] = color
    height, width = target.visible.shape
    wanted = before
    part = wanted[target.y : target.y + height, target.x : target.x + width]
    part[target.visible] = target.colors[target.visible]
    assert np.array_equal(canvas, wanted)
    assert len({edit[:2] for edit in edits}) == len(edits)
    assert not target.wrong(canvas).any()


@given(targets(), st.sampled_from(get_args(Order)), st.data())
def test_the_order_of_two_pixels_does_not_hang_on_the_others(
    drawn: tuple[Target, NDArray[np.uint8]], order: Order, data: st.DataObject
) -> None:
    target, _ = drawn
    all_edits = target.edits(target.visible, order)
    some = target.visible & data.draw(arrays(np.bool_, target.visible.shape))
    chosen = set(target.edits(some, order))
    assert target.edits(some, order) == [edit for edit in all_edits if edit in chosen]


def test_rows_goes_from_the_top_and_center_from_the_middle() -> None:
    target = Target(10, 20, np.ones((3, 3), np.uint8), np.ones((3, 3), bool))
    assert target.edits(target.visible, "rows")[:4] == [(10, 20, 1), (11, 20, 1), (12, 20, 1), (10, 21, 1)]
    assert target.edits(target.visible, "center")[0] == (11, 21, 1)
    assert {edit[:2] for edit in target.edits(target.visible, "center")[-4:]} == {
        (10, 20),
        (12, 20),
        (10, 22),
        (12, 22),
    }


@given(st.integers(0, 30), st.integers(0, 30), sides, sides, st.integers(1, 30), st.integers(1, 30))
def test_a_picture_fits_when_its_last_pixel_is_on_the_canvas(
    x: int, y: int, width: int, height: int, canvas_width: int, canvas_height: int
) -> None:
    fits = x + width <= canvas_width and y + height <= canvas_height
    assert (misfit(x, y, width, height, canvas_width, canvas_height) is None) == fits


@pytest.mark.parametrize(
    ("where", "size", "says"),
    [
        ((0, 0), (1200, 800), "--size 1000x would"),
        ((0, 0), (800, 1200), "--size x1000 would"),
        ((900, 990), (200, 200), "at most 100 x 10 fits there (--size x10 would)"),
        ((1000, 0), (1, 1), "allowed is 0,0 to 999,999"),
    ],
)
def test_a_misfit_names_what_would_fit(where: tuple[int, int], size: tuple[int, int], says: str) -> None:
    assert says in (misfit(*where, *size, 1000, 1000) or "")
