"""Which acts are too large for frames, and whether one of them is under way."""

from __future__ import annotations

from placed.canvas.large_acts import MOST_CORRECTED, LargeActs


def under_way(acts: LargeActs) -> bool:
    """Whether an act is under way, asked anew each time."""
    return acts.is_under_way


def test_act_is_too_large_once_all_its_corrections_together_are() -> None:
    acts = LargeActs()
    assert not acts.correct(1, MOST_CORRECTED)
    assert not acts.correct(2, 1)
    assert not under_way(acts)
    assert acts.correct(1, 1)
    assert acts.correct(1, 1)
    assert under_way(acts)
    acts.end(2)
    assert under_way(acts)
    acts.end(1)
    assert not under_way(acts)


def test_what_a_record_says_is_done_need_not_be_an_act() -> None:
    acts = LargeActs()
    acts.correct(1, MOST_CORRECTED + 1)
    for strange in (None, 2, "1", [1], {"act": 1}):
        acts.end(strange)
    assert under_way(acts)


def test_acts_that_were_broken_off_make_room() -> None:
    acts = LargeActs()
    for act in range(100):
        acts.correct(act, MOST_CORRECTED + 1)
    for act in range(37, 100):
        acts.end(act)
    assert under_way(acts)
    acts.end(36)
    assert not under_way(acts)
