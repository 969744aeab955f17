"""The line through a series, and which series count as flat."""

from __future__ import annotations

import pytest

from bench.equipment.trend import Allowance, trend

TIMES = [10.0 * number for number in range(60)]


def test_growth_is_that_of_the_line_from_begin_to_end() -> None:
    found = trend(TIMES, [3 + 0.5 * seconds for seconds in TIMES], Allowance(0.0, 1.0))
    assert found.growth == pytest.approx(0.5 * 590)
    assert not found.flat


def test_few_wild_values_do_not_tilt_it() -> None:
    values = [5.0] * 60
    values[50:58] = [500.0] * 8
    found = trend(TIMES, values, Allowance(0.0, 0.1))
    assert (found.median, found.growth) == (5.0, 0.0)
    assert found.flat


def test_falling_is_flat() -> None:
    assert trend(TIMES, [-seconds for seconds in TIMES], Allowance(0.0, 0.0)).flat


@pytest.mark.parametrize(("grown", "is_flat"), [(9.9, True), (10.1, False)])
def test_larger_of_share_and_amount_is_allowed(grown: float, is_flat: bool) -> None:
    values = [100 + grown * seconds / 590 for seconds in TIMES]
    assert trend(TIMES, values, Allowance(10 / (100 + grown / 2), 1.0)).flat is is_flat
    assert trend(TIMES, values, Allowance(0.0, 10.0)).flat is is_flat


def test_values_that_are_missing_do_not_count() -> None:
    values = [1.0, float("nan")] * 30
    assert trend(TIMES, values, Allowance(0.0, 0.0)).growth == 0
