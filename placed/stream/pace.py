"""Sets the pace of frames: streams get theirs when those who paint have had their turn.

One loop serves everybody, and sending an edit to a thousand streams costs it as much as taking a hundred and fifty. So
code that sends to many does it in turns, and rests after each one: until nobody else has anything to do and no edits
wait for the log, but not longer than `_RESTS` times what the turn took, or than `_MOST_FRAME_SECONDS` leave for all
turns of a frame. So the rate of frames follows the load. With time to spare a rest is two turns of the scheduler. While
edits wait, frames take a quarter of the loop's time; where that would be fewer than 10 a second to each stream, up to
half of it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

_RESTS: Final = 3.0
_LEAST_RESTS: Final = 1.0
_MOST_FRAME_SECONDS: Final = 0.1
_LITTLE_SECONDS: Final = 0.0002  # a few streams: at most a twentieth of the loop, where to look costs more than to tell
_LOOK_SECONDS: Final = 0.001
_WOKEN_AT_ONCE: Final = 16  # 2 ms for streams of the slow lane, which take 0.12 ms each


class _Steps(trio.abc.Instrument):
    """Counts the steps of all tasks: a task that yields, and finds that no other took one, was alone."""

    count = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.count += 1


class Pace:
    """One server's.

    Args:
        edits_wait: whether edits wait for the log, those that are being appended, too. Without these a turn would often
            begin while one record is being appended, when the loop has nothing to do for a moment, and would hold up
            all who wait for that record. With 64 connections in a closed loop, of which 1,000 see each edit, an edit
            took a tenth more of the processor so.
    """

    def __init__(self, edits_wait: Callable[[], bool] = lambda: False) -> None:
        self._edits_wait = edits_wait
        self._steps = _Steps()
        self._watches = False

    def watch(self, *, others: bool) -> None:
        """Know what other tasks do from now on, or no longer; who doesn't waits for nobody but edits. Idempotent.

        To know it costs each step of a task 0.5 us, and an edit that comes alone 5 us: nothing to those who are told
        of edits, but nobody should pay for it where nobody is told.
        """
        if others and not self._watches:
            trio.lowlevel.add_instrument(self._steps)
        elif self._watches and not others:
            trio.lowlevel.remove_instrument(self._steps)
        self._watches = others

    async def rest(self, turn_seconds: float, frame_seconds: float) -> None:
        """Let the others have their time; where little was taken, one turn of the scheduler.

        Args:
            turn_seconds: how long the turn before took.
            frame_seconds: how long all turns of a frame take, as far as is known.
        """
        if max(turn_seconds, frame_seconds) < _LITTLE_SECONDS:
            await trio.lowlevel.checkpoint()
            return
        rests = min(_RESTS, _MOST_FRAME_SECONDS / max(frame_seconds, turn_seconds, 1e-6) - 1)
        until = trio.current_time() + max(_LEAST_RESTS, rests) * turn_seconds
        # A second look at once: whoever had something to do when an edit came has mostly done it by then, and a sleep
        # costs more than a look. With a sleep there, frames to 1,000 streams cost a tenth more.
        is_quiet = await self._is_quiet() or await self._is_quiet()
        while not is_quiet and (now := trio.current_time()) < until:
            await trio.sleep_until(min(now + _LOOK_SECONDS, until))  # nothing tells when all is quiet
            is_quiet = await self._is_quiet()

    async def _is_quiet(self) -> bool:
        """Whether nobody else had anything to do in two turns of the scheduler, and no edits wait.

        In one turn the others may have come before us, and in the next behind us.
        """
        before = self._steps.count
        await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        return self._steps.count - before <= 2 and not self._edits_wait()


class Stopwatch:
    """Measures the turns of a frame, in seconds of CPU: another process on the core doesn't count as our turn.

    Attributes:
        frame_seconds: all turns of the last frame.
    """

    def __init__(self) -> None:
        self.frame_seconds = 0.0
        self._sum_seconds = 0.0
        self._began = 0.0

    def begin_frame(self) -> None:
        """The turns that come are of another frame."""
        self.frame_seconds, self._sum_seconds = self._sum_seconds, 0.0
        self.begin()

    def begin(self) -> None:
        """A turn begins."""
        self._began = time.thread_time()

    def end(self) -> float:
        """End a turn, and return how long it took."""
        took = time.thread_time() - self._began
        self._sum_seconds += took
        return took


class Waiters:
    """Tasks that wait for the same news, each on its own, woken a few at a time. Woken, they look again."""

    def __init__(self) -> None:
        self._waiting: dict[trio.Event, None] = {}
        self._come = trio.Event()

    async def wait(self) -> None:
        """Wait until it's our turn."""
        event = trio.Event()
        self._waiting[event] = None
        self._come.set()
        try:
            await event.wait()
        finally:
            self._waiting.pop(event, None)

    async def somebody(self) -> None:
        """Wait until somebody waits; at once, where somebody does."""
        while not self._waiting:
            self._come = trio.Event()
            await self._come.wait()

    def wake_all(self) -> None:
        """Wake all at once, as for the end."""
        for event in self._waiting:
            event.set()

    async def wake(self, pace: Pace) -> None:
        """Wake all who wait now, in turns; a turn is over when those whose it was have had theirs."""
        waiting, watch = list(self._waiting), Stopwatch()
        expected_seconds = 0.0
        for at in range(0, len(waiting), _WOKEN_AT_ONCE):
            watch.begin()
            for event in waiting[at : at + _WOKEN_AT_ONCE]:
                event.set()
            await trio.lowlevel.checkpoint()
            took = watch.end()
            expected_seconds = expected_seconds or took * len(waiting) / _WOKEN_AT_ONCE
            await pace.rest(took, expected_seconds)
