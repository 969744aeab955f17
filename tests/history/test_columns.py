"""A column of integers, read as a whole and from the middle, compared with the original numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from placed.history.columns import BLOCK, Column, ColumnDamaged, pack

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COUNT = 2 * BLOCK + 100
# The steps of one column: those of offsets, those of times with a clock that goes back, and any others.
_STEPS = st.sampled_from([(1, 1), (0, 1), (0, 40), (0, 3_000), (-2, 90), (-500, 40_000), (-(1 << 40), 1 << 40)])


def _values(low: int, high: int, seed: int) -> NDArray[np.int64]:
    return np.cumsum(np.random.default_rng(seed).integers(low, high, _COUNT, endpoint=True), dtype=np.int64)


def _column(data: bytes, count: int) -> Column:
    return Column(lambda offset, length: data[offset : offset + length], count)


@given(steps=_STEPS, seed=st.integers(0, 1_000), at=st.lists(st.integers(0, _COUNT - 1), min_size=1, max_size=20))
@example(steps=(0, 127), seed=0, at=[0, 1, BLOCK - 1, BLOCK, BLOCK + 1, _COUNT - 1])
@example(steps=(-1, 0), seed=0, at=[0, 1, BLOCK - 1, BLOCK, _COUNT - 1])
def test_each_value_is_the_one_that_was_packed(steps: tuple[int, int], seed: int, at: list[int]) -> None:
    values = _values(*steps, seed)
    column = _column(pack(values), _COUNT)
    assert [column.at(index) for index in at] == values[at].tolist()
    assert column.all().tolist() == values.tolist()


def test_a_single_step_back_in_a_block_counts() -> None:
    values = np.arange(0, 5 * BLOCK, 5, dtype=np.int64)
    values[700:] -= 1_000
    column = _column(pack(values), BLOCK)
    assert [column.at(index) for index in (699, 700, 701, 1_023)] == values[[699, 700, 701, 1_023]].tolist()


@pytest.mark.parametrize("width", [0, 2, 3, 4])
def test_a_block_that_holds_other_values_than_it_says_is_refused(width: int) -> None:
    data = bytearray(pack(np.arange(BLOCK, dtype=np.int64)))
    data[12] = width
    with pytest.raises(ColumnDamaged, match="block 0 of a column"):
        _column(bytes(data), BLOCK).at(5)
