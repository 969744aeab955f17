"""The cooldown, compared with a model that keeps every charge separately."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.cooldown import Cooldowns, Rule, Standing
from tests.support.cooldowns import RULES, TEN, TRIES, count, remaining, saved


class Charges:
    """One author's charges, one by one: each spent charge is back `charge_ms` after the one before it."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._back_ms: list[int] = []  # when each spent charge is back, ascending

    def standing(self, now_ms: int) -> Standing:
        """How many charges are left, and when the next one is back."""
        self._back_ms = [back for back in self._back_ms if back > now_ms]
        remaining = self._rule.charges - len(self._back_ms)
        return Standing(remaining, self._back_ms[0] - now_ms if self._back_ms else 0)

    def spend(self, now_ms: int) -> bool:
        """Spend a charge if there is one; return whether there was."""
        if not self.standing(now_ms).remaining:
            return False
        self._back_ms.append((self._back_ms[-1] if self._back_ms else now_ms) + self._rule.charge_ms)
        return True


@given(RULES, TRIES)
def test_every_admission_is_the_models(rule: Rule, tries: list[tuple[int, int]]) -> None:
    cooldowns = Cooldowns(rule)
    model = {author: Charges(rule) for author in (1, 2, 3)}
    now_ms = 1_000_000
    for author, wait_ms in tries:
        now_ms += wait_ms
        assert cooldowns.standing(author, now_ms) == model[author].standing(now_ms)
        assert cooldowns.admit(author, now_ms) is model[author].spend(now_ms)


@given(RULES, TRIES)
def test_no_window_holds_more_than_its_charges_and_those_that_came_back_in_it(
    rule: Rule, tries: list[tuple[int, int]]
) -> None:
    cooldowns = Cooldowns(rule)
    now_ms, admitted = 1_000_000, []
    for _, wait_ms in tries:
        now_ms += wait_ms
        if cooldowns.admit(1, now_ms):
            admitted.append(now_ms)
    for index, begin in enumerate(admitted):
        for end in admitted[index:]:
            within = sum(begin <= at <= end for at in admitted)
            assert within <= rule.charges + (end - begin) / rule.charge_ms


@given(RULES, TRIES)
def test_edits_read_back_from_the_log_cost_nothing_more(rule: Rule, tries: list[tuple[int, int]]) -> None:
    with_log, without = Cooldowns(rule), Cooldowns(rule)
    now_ms = 1_000_000
    for author, wait_ms in tries:
        now_ms += wait_ms
        admitted = without.admit(author, now_ms)
        assert with_log.admit(author, now_ms) is admitted
        if admitted:
            count(with_log, author, [now_ms], now_ms)


def test_ten_parallel_requests_pass_and_the_eleventh_does_not() -> None:
    cooldowns = Cooldowns(TEN)
    assert [cooldowns.admit(1, 5_000) for _ in range(12)] == [True] * 10 + [False] * 2
    assert cooldowns.standing(1, 5_000) == Standing(0, 1000)
    assert not cooldowns.admit(1, 5_999)
    assert cooldowns.admit(1, 6_000)


@given(RULES, st.lists(st.tuples(st.integers(1, 7), st.integers(0, 60)), max_size=40))
def test_several_charges_are_spent_as_one_by_one_or_not_at_all(rule: Rule, tries: list[tuple[int, int]]) -> None:
    together, singly = Cooldowns(rule), Cooldowns(rule)
    now_ms = 1_000_000
    for many, wait_ms in tries:
        now_ms += wait_ms
        fits = many <= singly.standing(1, now_ms).remaining
        if many <= rule.charges:
            later_ms = now_ms + together.wait_ms(1, now_ms, many)
            assert (later_ms == now_ms) is fits
            assert singly.standing(1, later_ms).remaining >= many
            assert fits or singly.standing(1, later_ms - 1).remaining < many
        assert together.admit(1, now_ms, many) is fits
        assert all(singly.admit(1, now_ms) for _ in range(many if fits else 0))
        assert together.standing(1, now_ms) == singly.standing(1, now_ms)


def test_several_charges_can_be_given_back() -> None:
    cooldowns = Cooldowns(TEN)
    assert cooldowns.admit(1, 0, 7)
    cooldowns.give_back(1, 7)
    assert cooldowns.standing(1, 0) == Standing(10, 0)
    assert not cooldowns.admit(1, 0, 11)


def test_refusal_costs_nothing() -> None:
    cooldowns = Cooldowns(Rule(1, 1000))
    cooldowns.admit(1, 0)
    for _ in range(100):
        cooldowns.admit(1, 500)
    assert cooldowns.admit(1, 1000)


def test_charge_given_back_can_be_spent_again() -> None:
    cooldowns = Cooldowns(TEN)
    for _ in range(10):
        cooldowns.admit(1, 0)
    cooldowns.give_back(1)
    assert cooldowns.standing(1, 0) == Standing(1, 1000)
    assert cooldowns.admit(1, 0)
    assert not cooldowns.admit(1, 0)


def test_nobody_gains_by_giving_back_what_was_never_spent() -> None:
    cooldowns = Cooldowns(TEN)
    cooldowns.give_back(1)
    assert cooldowns.standing(1, 0) == Standing(10, 0)


def test_edits_by_way_of_another_server_count_here() -> None:
    here, there = Cooldowns(TEN), Cooldowns(TEN)
    for at_ms in range(5):
        assert here.admit(1, at_ms)
        assert there.admit(1, at_ms)
        for server in (here, there):
            count(server, 1, [at_ms, at_ms], at_ms)
    assert not here.admit(1, 5)
    assert not there.admit(1, 5)


def test_edits_past_their_window_are_forgotten() -> None:
    cooldowns = Cooldowns(TEN)
    count(cooldowns, 1, [0] * 10, 10_000)
    assert cooldowns.standing(1, 10_000) == Standing(10, 0)
    count(cooldowns, 2, [10_000], 10_000)  # a later record: records that follow can't be from before it
    assert saved(cooldowns, 10_000)["author"].tolist() == [2]


def test_no_cooldown_admits_everything_and_keeps_nothing() -> None:
    cooldowns = Cooldowns(Rule(10, 0))
    count(cooldowns, 1, [0] * 100, 0)
    assert all(cooldowns.admit(1, 0) for _ in range(100))
    assert cooldowns.standing(1, 0) == Standing(10, 0)
    assert not len(saved(cooldowns, 0))
    assert not cooldowns._admitted


@pytest.mark.parametrize("way", ["admit", "count"])
def test_memory_is_bounded_and_those_who_wait_longest_stay(way: str) -> None:
    cooldowns = Cooldowns(TEN, max_authors=100)
    for author in range(1_000):
        for _ in range(1 + author % 5):
            if way == "admit":
                cooldowns.admit(author, author)
            else:
                count(cooldowns, author, [author], author)
        assert len(cooldowns._logged) <= 100
        assert len(cooldowns._admitted) <= 100
    assert remaining(cooldowns, 999, 999) == 5


@pytest.mark.parametrize("way", ["admit", "count"])
def test_authors_whose_charges_are_back_are_forgotten_long_before_the_bound(way: str) -> None:
    cooldowns = Cooldowns(TEN)
    for author in range(20_000):
        if way == "admit":
            cooldowns.admit(author, author)
        else:
            count(cooldowns, author, [author], author)
    assert len(cooldowns._logged) + len(cooldowns._admitted) <= 4_096
    assert remaining(cooldowns, 19_999, 19_999) == 9


@pytest.mark.parametrize(("charges", "charge_ms"), [(0, 1), (-1, 1), (1, -1)])
def test_rule_that_cannot_be_is_refused(charges: int, charge_ms: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        Rule(charges, charge_ms)


@given(RULES, st.integers(0, 10**15))
def test_author_unknown_to_the_server_has_all_charges(rule: Rule, now_ms: int) -> None:
    assert Cooldowns(rule).standing(7, now_ms) == Standing(rule.charges, 0)
    assert math.isclose(rule.window_ms, rule.charges * rule.charge_ms)


def test_who_painted_before_the_clock_was_set_back_waits_no_longer_than_for_all_charges() -> None:
    hour_ms = 3_600_000
    cooldowns = Cooldowns(Rule(5, 200))
    cooldowns.count(np.array([7], np.uint64), np.array([hour_ms], np.int64), hour_ms)
    assert cooldowns.admit(8, hour_ms)
    for author in (7, 8):
        assert not cooldowns.admit(author, 0)
        assert cooldowns.standing(author, 0).next_ms <= 200
        assert cooldowns.standing(author, 1_000).remaining == 5
        assert cooldowns.admit(author, 1_000)


def test_charge_comes_back_at_its_pace_while_the_log_holds_its_time_until_the_clock_has_caught_up() -> None:
    hour_ms = 3_600_000
    cooldowns = Cooldowns(Rule(5, 200))
    for now_ms in range(0, 10_000, 200):
        assert cooldowns.admit(7, now_ms)
        cooldowns.count(np.array([7], np.uint64), np.array([hour_ms], np.int64), now_ms)
        assert cooldowns.standing(7, now_ms).remaining == 4
