"""The pace alone, without a server. `Charges` is compared with a server's own count in test_painter."""

from __future__ import annotations

import random

import pytest

from placed.commands.paint.pace import MAX_BACK_OFF_SECONDS, Charges, Patience
from placed.commands.paint.progress import duration


def patience(give_up_seconds: float = 600.0) -> Patience:
    return Patience(give_up_seconds, random.Random(1))


def test_waits_grow_and_are_capped() -> None:
    tried = patience(float("inf"))
    waits = [tried.failed(0.0, None) or 0.0 for _ in range(30)]
    assert 0.125 <= waits[0] <= 0.25
    assert waits[5] > waits[0]
    assert MAX_BACK_OFF_SECONDS / 2 <= min(waits[10:]) <= max(waits) <= MAX_BACK_OFF_SECONDS


def test_waits_and_failing_attempts_together_use_patience_up() -> None:
    tried, spent = patience(100.0), 0.0
    while (wait := tried.failed(5.0, None)) is not None:
        spent += 5.0 + wait
    assert 95 <= spent <= 105


def test_a_success_restores_patience() -> None:
    tried = patience(1.0)
    assert tried.failed(0.9, None) is not None
    tried.succeeded()
    assert not tried.failing
    assert tried.failed(0.9, None) is not None


def test_retry_after_is_obeyed_or_too_much() -> None:
    assert 40 <= (patience().failed(0.0, 40.0) or 0.0) <= 40.25
    assert patience().failed(0.0, 601.0) is None


def test_without_patience_the_first_failure_ends_it() -> None:
    assert patience(0.0).failed(0.0, None) is None


def test_the_time_for_edits_is_the_cooldown_s() -> None:
    charges = Charges(10, 2.0)
    charges.told(4, 0.5, now=100.0)
    assert charges.seconds_for(4, now=100.0) == 0.0
    assert charges.seconds_for(5, now=100.0) == pytest.approx(0.5)
    assert charges.seconds_for(14, now=100.0) == pytest.approx(18.5)
    assert Charges(1, 0.0).seconds_for(1000, now=0.0) == 0.0


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (119, "119 s"), (130, "2 min"), (7_100, "118 min"), (12_000, "3 h 20 min")]
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text
