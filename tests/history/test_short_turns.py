"""Turns between threads are short while work runs in a thread, and have the usual length at all other times."""

from __future__ import annotations

import sys
import threading

import pytest
import trio

from placed.history.short_turns import ShortTurns

PATIENCE_SECONDS = 20.0


async def test_turns_are_short_until_the_last_work_is_done() -> None:
    turns = ShortTurns()
    before, limiter, is_over = sys.getswitchinterval(), trio.CapacityLimiter(2), threading.Event()
    seen = []

    def wait() -> None:
        is_over.wait(PATIENCE_SECONDS)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(turns.in_thread, wait, limiter)
        seen.append(await turns.in_thread(sys.getswitchinterval, limiter))
        seen.append(sys.getswitchinterval())  # the other work still runs
        is_over.set()
    assert seen == [pytest.approx(0.0002)] * 2
    assert sys.getswitchinterval() == before


async def test_turns_are_as_before_when_the_work_fails() -> None:
    before = sys.getswitchinterval()
    with pytest.raises(ZeroDivisionError):
        await ShortTurns().in_thread(lambda: 1 // 0, trio.CapacityLimiter(1))
    assert sys.getswitchinterval() == before
