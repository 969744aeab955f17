"""The bench gives up a process that hangs, but not one that starves for a core."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import trio

from bench.equipment.measure import Spent
from bench.torturing import life
from bench.torturing.broken_promise import Broken
from tests.support.parts import require

if TYPE_CHECKING:
    from pathlib import Path

    from trio.testing import MockClock

_HANGS = "print('http://127.0.0.1', flush=True); import threading; threading.Event().wait()"


async def test_server_that_hangs_is_given_up_and_says_where_it_hung(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("Linux", sys.platform == "linux", "run on Linux")
    monkeypatch.setattr(life, "READY_SECONDS", 0.5)
    log = tmp_path / "log"
    with trio.fail_after(60):
        async with life.launched([sys.executable, "-c", _HANGS], log, {}) as process:
            with pytest.raises(Broken, match=r"neither ready nor gone after 0\.5 s; it ran for"):
                await life.ready(process)
    assert "in wait" in life.last_words(log)


async def _given_up_after(monkeypatch: pytest.MonkeyPatch, share: float, limit_seconds: float) -> float:
    """When a process that may take 10 s, and waits for a core for `share` of the time, is given up, on Trio's clock."""

    def reading(pid: int | None = None) -> Spent:
        now = trio.current_time()
        return Spent(now, 0.0, 0.0 if pid is None else share * now)

    monkeypatch.setattr(life, "reading", reading)
    began = trio.current_time()
    with trio.move_on_after(limit_seconds):
        async with life.patience(cast("Any", SimpleNamespace(pid=1)), 10.0):
            await trio.sleep_forever()
    return trio.current_time() - began


async def test_time_without_a_core_does_not_count_but_is_bounded(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    assert await _given_up_after(monkeypatch, 0.0, 1_000) == pytest.approx(10, abs=1)
    assert await _given_up_after(monkeypatch, 0.75, 1_000) == pytest.approx(40, abs=1)
    assert await _given_up_after(monkeypatch, 1.0, 1_000) == pytest.approx(200, abs=1)


async def test_what_the_block_raises_is_raised_as_it_is(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    monkeypatch.setattr(life, "reading", lambda pid=None: Spent(trio.current_time(), 0.0, 0.0))
    with pytest.raises(Broken, match="no group"):
        async with life.patience(cast("Any", SimpleNamespace(pid=1)), 10.0):
            raise Broken(0, "no group")
