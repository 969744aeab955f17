"""Tools for tests of cooldowns: rules and histories to draw, and short names for the methods under test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from placed.canvas.cooldown import SAVED, Cooldowns, Rule

if TYPE_CHECKING:
    from numpy.typing import NDArray

RULES = st.builds(Rule, st.integers(1, 6), st.integers(1, 50))
# (author, ms since the last request): often 0, for parallel requests, sometimes longer than any window
TRIES = st.lists(
    st.tuples(st.integers(1, 3), st.one_of(st.just(0), st.integers(0, 60), st.integers(0, 400))), max_size=60
)
TEN = Rule(10, 1000)


def count(cooldowns: Cooldowns, author: int, times_ms: list[int], now_ms: int) -> None:
    """Count edits of one author, as if read from the log."""
    cooldowns.count(np.full(len(times_ms), author, np.uint64), np.array(times_ms, np.int64), now_ms)


def saved(cooldowns: Cooldowns, now_ms: int) -> NDArray[np.void]:
    """The part of the cooldowns that a snapshot keeps."""
    return np.concatenate([np.empty(0, SAVED), *cooldowns.save(now_ms)])


def remaining(cooldowns: Cooldowns, author: int, now_ms: int) -> int:
    """The charges that an author has left."""
    return cooldowns.standing(author, now_ms).remaining
