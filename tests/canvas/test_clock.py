"""The clocks: one follows the system's clock, the other ignores its jumps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from placed.canvas.clock import steady_clock_ms, wall_clock_ms

if TYPE_CHECKING:
    import pytest

_HOUR_MS = 3_600_000


def test_step_of_the_wall_clock_does_not_move_the_steady_one(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, steady, system = wall_clock_ms(), steady_clock_ms(), time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: system() + _HOUR_MS * 1_000_000)
    assert wall_clock_ms() - wall >= _HOUR_MS
    assert 0 <= steady_clock_ms() - steady < _HOUR_MS


def test_steady_clock_goes_on_from_the_wall_clock_of_the_start() -> None:
    assert abs(steady_clock_ms() - wall_clock_ms()) < _HOUR_MS
    before = steady_clock_ms()
    time.sleep(0.01)  # the test checks that time passes
    assert steady_clock_ms() >= before + 9
