"""Cooldowns after a restart, from the log, a snapshot or both: nobody gets a charge back."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.cooldown import MAX_AUTHORS, SAVED, Cooldowns, Rule, Standing
from tests.support.cooldowns import RULES, TEN, TRIES, count, remaining, saved


def _restart(
    before: Cooldowns, after: Cooldowns, tries: list[tuple[int, int]], saved_after: int | None, pause_ms: int
) -> tuple[list[tuple[int, int]], int]:
    """Let `before` admit the tries, and give `after` the snapshot made after the try `saved_after`, or an empty one.

    Returns:
        The authors and times admitted after the snapshot, and the time of the restart.
    """
    now_ms, later, kept = 1_000_000, [], saved(before, 0)
    for index, (author, wait_ms) in enumerate(tries):
        now_ms += wait_ms
        if before.admit(author, now_ms):
            count(before, author, [now_ms], now_ms)
            later.append((author, now_ms))
        if index == saved_after:
            kept, later = saved(before, now_ms), []
    now_ms += pause_ms
    after.load(kept, now_ms)
    return later, now_ms


@given(RULES, TRIES, st.integers(0, 500), st.sampled_from([1, 3, 1000]))
def test_charges_rebuilt_from_the_whole_log_are_those_before_the_restart(
    rule: Rule, tries: list[tuple[int, int]], pause_ms: int, batch_edits: int
) -> None:
    before = Cooldowns(rule)
    now_ms, logged = 1_000_000, []
    for author, wait_ms in tries:
        now_ms += wait_ms
        if before.admit(author, now_ms):
            count(before, author, [now_ms], now_ms)
            logged.append((author, now_ms))
    now_ms += pause_ms
    after = Cooldowns(rule)
    for begin in range(0, len(logged), batch_edits):
        authors, times_ms = zip(*logged[begin : begin + batch_edits], strict=True)
        after.count(np.array(authors, np.uint64), np.array(times_ms, np.int64), now_ms)
    for author in (1, 2, 3):
        assert after.standing(author, now_ms) == before.standing(author, now_ms)


@given(RULES, TRIES, st.integers(0, 60), st.integers(0, 500))
def test_charges_from_a_snapshot_and_the_log_after_it_are_those_before_the_restart(
    rule: Rule, tries: list[tuple[int, int]], saved_after: int, pause_ms: int
) -> None:
    before, after = Cooldowns(rule), Cooldowns(rule)
    later, now_ms = _restart(before, after, tries, saved_after, pause_ms)
    for author, time_ms in later:
        count(after, author, [time_ms], now_ms)
    for author in (1, 2, 3):
        assert after.standing(author, now_ms) == before.standing(author, now_ms)


def test_one_who_paints_at_the_full_rate_gains_nothing_by_a_restart_a_minute_after_the_snapshot() -> None:
    times_ms = [0] * 9 + [1_000 * second for second in range(300)]
    saved_ms, now_ms = times_ms[-60], times_ms[-1] + 1
    before, after = Cooldowns(TEN), Cooldowns(TEN)
    for time_ms in times_ms[:-59]:
        count(before, 1, [time_ms], time_ms)
    after.load(saved(before, saved_ms), now_ms)
    count(after, 1, times_ms[-59:], now_ms)
    assert remaining(after, 1, now_ms) == 0


def test_one_who_painted_at_the_full_rate_for_a_minute_gains_nothing_by_a_replay_of_the_log() -> None:
    times_ms = [0] * 9 + [1_000 * second for second in range(60)]
    cooldowns = Cooldowns(TEN)
    count(cooldowns, 1, times_ms, times_ms[-1] + 1)
    assert remaining(cooldowns, 1, times_ms[-1] + 1) == 0


@given(RULES, TRIES, st.integers(0, 300), st.integers(0, 500), st.one_of(st.none(), st.integers(0, 60)), st.data())
def test_a_replay_of_part_of_the_log_gives_nothing_back_and_takes_less_than_all_charges(
    rule: Rule,
    tries: list[tuple[int, int]],
    look_back_ms: int,
    pause_ms: int,
    saved_after: int | None,
    data: st.DataObject,
) -> None:
    before, after = Cooldowns(rule), Cooldowns(rule, look_back_ms=look_back_ms)
    later, now_ms = _restart(before, after, tries, saved_after, pause_ms)
    while later:
        size = data.draw(st.integers(1, len(later)))
        authors, times_ms = zip(*later[:size], strict=True)
        after.count(np.array(authors, np.uint64), np.array(times_ms, np.int64), now_ms)
        del later[:size]
    for author in (1, 2, 3):
        found, true = after.standing(author, now_ms), before.standing(author, now_ms)
        assert true.remaining - rule.charges < found.remaining <= true.remaining
        assert rule.charges > 1 or found == true


@given(st.integers(1, 20), st.integers(1, 50), st.integers(0, 30), st.integers(0, 49))
def test_who_had_all_charges_back_once_since_the_look_back_began_has_the_very_charges_as_before(
    charges: int, charge_ms: int, later: int, into_ms: int
) -> None:
    rule = Rule(charges, charge_ms)
    steady = [index * charge_ms for index in range(1_000)]  # at the full rate, back into the part that isn't counted
    resumed = [steady[-1] + rule.window_ms + charge_ms + index * (charge_ms + into_ms) for index in range(later)]
    times_ms = steady + resumed
    now_ms = times_ms[-1] + into_ms
    after, whole = Cooldowns(rule, look_back_ms=now_ms - steady[-1] + 1), Cooldowns(rule, look_back_ms=10**9)
    for cooldowns in (after, whole):
        count(cooldowns, 1, times_ms, now_ms)
    assert not resumed or after.standing(1, now_ms) == whole.standing(1, now_ms)


def test_five_minutes_at_the_full_rate_are_counted_to_the_last_one_without_a_snapshot() -> None:
    times_ms = [0] * 8 + [1_000 * second for second in range(300)]
    now_ms = times_ms[-1] + 1
    cooldowns = Cooldowns(TEN)
    count(cooldowns, 1, times_ms, now_ms)
    assert remaining(cooldowns, 1, now_ms) == 1


def test_hours_at_the_full_rate_leave_no_charge_more_without_a_snapshot() -> None:
    times_ms = [0] * 8 + [1_000 * second for second in range(4 * 3_600)]
    now_ms = times_ms[-1] + 1
    cooldowns = Cooldowns(TEN)
    count(cooldowns, 1, times_ms, now_ms)
    assert remaining(cooldowns, 1, now_ms) == 0  # it was 1
    assert cooldowns.admit(1, now_ms + 1_000)


def test_edits_that_are_left_out_don_t_lengthen_debts_after_the_clock_was_set_back() -> None:
    month_ms = 30 * 86_400_000
    cooldowns = Cooldowns(TEN)
    count(cooldowns, 1, [0], month_ms)
    count(cooldowns, 1, [10_000], 10_000)
    assert cooldowns.standing(1, 10_000) == Standing(9, 1_000)


def test_replay_of_a_huge_log_counts_no_more_than_the_last_half_hour() -> None:
    hour_ms, edits = 3_600_000, 2_000_000
    times_ms = np.linspace(0, 100 * hour_ms, edits).astype(np.int64)
    authors = np.arange(edits, dtype=np.uint64) % np.uint64(50_000)
    cooldowns = Cooldowns(TEN)
    began = time.process_time()
    cooldowns.count(authors, times_ms, 100 * hour_ms)
    counted = time.process_time() - began
    began = time.process_time()
    Cooldowns(TEN, look_back_ms=101 * hour_ms).count(authors, times_ms, 100 * hour_ms)
    assert counted < (time.process_time() - began) / 10


def test_a_debt_in_charges_outlives_another_rule() -> None:
    quick, slow = Cooldowns(TEN), Cooldowns(Rule(10, 300_000))
    count(quick, 1, [0] * 7, 0)
    slow.load(saved(quick, 0), 2_000, charge_ms=1_000)
    assert slow.standing(1, 2_000) == Standing(5, 300_000)
    back = Cooldowns(TEN)
    back.load(saved(slow, 2_000), 2_000, charge_ms=300_000)
    assert back.standing(1, 2_000) == Standing(5, 1_000)


@pytest.mark.parametrize("charge_ms", [None, 1_000])
def test_a_debt_that_is_over_counts_for_records_from_before_now(charge_ms: int | None) -> None:
    before, after = Cooldowns(TEN), Cooldowns(TEN)
    for cooldowns, now_ms in ((before, 5_000), (after, 60_000)):
        if cooldowns is after:
            after.load(saved(before, 60_000), now_ms, charge_ms=charge_ms)
        count(cooldowns, 1, [5_000] * 5, now_ms)
    assert remaining(after, 1, 5_000) == 0


def test_what_is_saved_is_of_the_moment_of_the_call_however_late_it_is_taken() -> None:
    cooldowns = Cooldowns(TEN)
    cooldowns.count(np.arange(20_000, dtype=np.uint64), np.full(20_000, 5), 5)
    parts = cooldowns.save(5)
    first = next(parts)
    cooldowns.count(np.arange(30_000, dtype=np.uint64), np.full(30_000, 6), 6)
    kept = np.concatenate([first, *parts])
    assert kept["author"].tolist() == list(range(20_000))
    assert set(kept["full_ms"].tolist()) == {1_005}


def test_no_step_of_a_save_holds_the_loop_for_long() -> None:
    cooldowns = Cooldowns(Rule(10, 60_000))
    cooldowns.load(np.array([(author, 10**6 + author) for author in range(MAX_AUTHORS)], SAVED), 0)
    longest, began = 0.0, time.thread_time()
    for _ in cooldowns.save(0):
        longest, began = max(longest, time.thread_time() - began), time.thread_time()
    assert longest < 0.03  # 3 ms here; in one piece it was 50 ms


def test_other_rule_after_a_restart_makes_nobody_wait_longer_than_it_says() -> None:
    slow = Cooldowns(Rule(1, 300_000))
    count(slow, 1, [0], 0)
    quick = Cooldowns(TEN)
    quick.load(saved(slow, 0), 1_000)
    assert quick.standing(1, 1_000) == Standing(0, 1_000)


def test_replay_forgets_nobody_who_owed_charges_when_the_last_record_came() -> None:
    cooldowns = Cooldowns(TEN)
    count(cooldowns, 7, [1_000] * 10, 60_000)
    cooldowns.count(np.arange(10_000, 16_000, dtype=np.uint64), np.full(6_000, 1_001), 60_000)
    assert remaining(cooldowns, 7, 1_001) == 0


def test_loading_more_than_may_be_kept_keeps_those_who_wait_longest() -> None:
    many = Cooldowns(TEN)
    for author in range(200):
        count(many, author, [author], author)
    few = Cooldowns(TEN, max_authors=100)
    few.load(saved(many, 200), 200)
    assert len(few._logged) <= 100
    assert remaining(few, 199, 200) == 9


@given(st.dictionaries(st.integers(0, 2**64 - 1), st.integers(1, 5), max_size=20))
def test_any_authors_are_saved_and_loaded(spent: dict[int, int]) -> None:
    cooldowns, loaded = Cooldowns(TEN), Cooldowns(TEN)
    for author, edits in spent.items():
        count(cooldowns, author, [0] * edits, 0)
    loaded.load(saved(cooldowns, 0), 0)
    assert {author: remaining(loaded, author, 0) for author in spent} == {a: 10 - edits for a, edits in spent.items()}
