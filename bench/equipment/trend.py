"""Whether a series stays flat: its growth in all, along a line that a few outliers can't tilt. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@attrs.frozen
class Allowance:
    """How much a flat series may grow: the larger of a share of its median and an amount in its own unit."""

    share: float
    amount: float


@attrs.frozen
class Trend:
    """The trend of a series.

    Attributes:
        median: median of its values.
        growth: from its begin to its end, along the line; negative when it falls.
        allowed: the most that `growth` may be.
    """

    median: float
    growth: float
    allowed: float

    @property
    def flat(self) -> bool:
        """Whether the series grew by no more than allowed. To fall is no fault."""
        return self.growth <= self.allowed


def trend(times: Sequence[float], values: Sequence[float], allowance: Allowance) -> Trend:
    """The trend of at least two values at ascending times; values that are NaN don't count.

    The line's slope is the median of the slopes between all pairs of points (Theil 1950, Sen 1968): up to 29 % of the
    values may be wild.
    """
    x, y = np.asarray(times, np.float64), np.asarray(values, np.float64)
    known = np.isfinite(y)
    x, y = x[known], y[known]
    first, second = np.triu_indices(len(x), 1)
    slope = float(np.median((y[second] - y[first]) / (x[second] - x[first])))
    median = float(np.median(y))
    allowed = max(allowance.share * abs(median), allowance.amount)
    return Trend(median, slope * float(x[-1] - x[0]), allowed)
