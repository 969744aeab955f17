"""Texts that may be used once, and how many of them a server remembers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from placed.http.used_once import UsedOnce


def test_second_use_is_none() -> None:
    used = UsedOnce()
    assert used.use(b"a", 10, 0)
    assert not used.use(b"a", 10, 9)
    assert used.use(b"b", 10, 9)


def test_what_has_ended_is_forgotten_when_others_come() -> None:
    used = UsedOnce()
    for number in range(100):
        used.use(b"%d" % number, 10, 0)
    for number in range(50):
        used.use(b"later%d" % number, 99, 20)
    assert len(used) == 50


def test_past_the_most_the_first_one_is_forgotten() -> None:
    used = UsedOnce(most=3)
    for number in range(1_000):
        assert used.use(b"%d" % number, 10, 0)
        assert len(used) <= 3
    assert not used.use(b"999", 10, 0)
    assert used.use(b"0", 10, 0)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9), st.integers(0, 3)), max_size=80))
def test_nothing_that_still_counts_is_used_twice(uses: list[tuple[int, int, int]]) -> None:
    used, known, now = UsedOnce(), dict[int, int](), 0
    for what, seconds, passed in uses:
        now += passed
        is_first = used.use(b"%d" % what, now + seconds, now)
        if known.get(what, 0) > now:
            assert not is_first
        elif is_first:
            known[what] = now + seconds
