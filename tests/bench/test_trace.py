"""Traces: the made-up edits lead from each state to the next, for any states."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.logs.trace import Trace, generate
from placed.canvas.definition import Definition

WIDTH, HEIGHT = 9, 7
# For each state: the pixels that change, each once, with their new colours; and the number of edits.
STATES = st.lists(
    st.tuples(
        st.dictionaries(st.integers(0, WIDTH * HEIGHT - 1), st.integers(0, 3), max_size=20),
        st.integers(0, 60),
    ),
    min_size=1,
    max_size=5,
)


def trace_of(states: list[tuple[dict[int, int], int]]) -> Trace:
    """A trace of a tiny canvas."""
    return Trace(
        Definition(WIDTH, HEIGHT, bytes(range(12))),
        np.arange(len(states)) * 1800,
        np.cumsum([count for _, count in states]),
        np.cumsum([0, *(len(changed) for changed, _ in states)]),
        np.array([pixel for changed, _ in states for pixel in changed], np.uint32),
        np.array([color for changed, _ in states for color in changed.values()], np.uint8),
    )


@given(STATES)
def test_applying_the_edits_in_order_gives_every_state(states: list[tuple[dict[int, int], int]]) -> None:
    canvas, want = np.zeros(WIDTH * HEIGHT, np.uint8), np.zeros(WIDTH * HEIGHT, np.uint8)
    for state, (changed, count) in zip(trace_of(states).states(), states, strict=True):
        for x, y, color, _author in state.edits.tolist():
            canvas[y * WIDTH + x] = color
        for pixel, color in changed.items():
            want[pixel] = color
        assert canvas.tolist() == want.tolist() == state.canvas.ravel().tolist()
        if changed:
            assert len(state.edits) == max(count, len(changed))


def test_same_trace_gives_the_same_edits_again() -> None:
    event = generate(states=3, edits=3_000, width=40, height=30)
    first, again = ([state.edits.tobytes() for state in event.states()] for _ in range(2))
    assert first == again


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 2), (200, 100)])
def test_generated_trace_has_the_edits_asked_for_or_as_many_as_it_needs(width: int, height: int) -> None:
    event = generate(states=4, edits=100_000, width=width, height=height)
    edits = sum(len(state.edits) for state in event.states())
    assert edits == pytest.approx(event.total_edits, abs=4 * width * height)
