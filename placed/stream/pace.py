"""Sets the pace of frames: streams get their frames when the clients that paint have had their turn.

One loop serves everybody, and to send one edit to a thousand streams takes it as long as to accept 150 edits. So code
that sends to many streams does it in turns. After each turn it rests until no other task has anything to do and no
edits wait for the log. A rest is at most `_RESTS` times as long as its turn, and shorter where all turns and rests of a
frame would take more than `_MOST_FRAME_SECONDS`. So the rate of frames follows the load. With time to spare a rest is
two turns of the scheduler. While edits wait, frames take a quarter of the loop's time; where that would be fewer than
10 frames a second to each stream, up to half of it.
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
# A few streams: at most a twentieth of the loop. To look for other tasks would cost more than to send the frames.
_LITTLE_SECONDS: Final = 0.0002
_LOOK_SECONDS: Final = 0.001
_WOKEN_AT_ONCE: Final = 16  # 2 ms for streams of the slow lane, which take 0.12 ms each


class _Steps(trio.abc.Instrument):
    """Counts the steps of all tasks: a task that yields, and finds that no other took one, was alone."""

    count = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.count += 1


class Pace:
    """The pace of one server's frames.

    Args:
        edits_wait: whether edits wait for the log. Edits that are being appended count, too: otherwise a turn would
            often begin during an append, when the loop is idle for a moment, and hold up all clients that wait for that
            record. With 64 connections that paint in a closed loop and 1,000 streams, an edit then took a tenth more of
            the processor.
    """

    def __init__(self, edits_wait: Callable[[], bool] = lambda: False) -> None:
        self._edits_wait = edits_wait
        self._steps = _Steps()
        self._watches = False

    def watch(self, *, others: bool) -> None:
        """Begin or stop to count other tasks' steps; without the count, `rest` waits for edits alone. Idempotent.

        Counting costs each step of a task 0.5 us, and an edit that comes alone 5 us. Beside the cost of sending that is
        nothing, but a server without subscribers shouldn't pay it.
        """
        if others and not self._watches:
            trio.lowlevel.add_instrument(self._steps)
        elif self._watches and not others:
            trio.lowlevel.remove_instrument(self._steps)
        self._watches = others

    async def rest(self, turn_seconds: float, frame_seconds: float) -> None:
        """Give the other tasks their time; after a very short turn, one turn of the scheduler.

        Args:
            turn_seconds: how long the last turn took.
            frame_seconds: how long all turns of a frame take, as far as is known.
        """
        if max(turn_seconds, frame_seconds) < _LITTLE_SECONDS:
            await trio.lowlevel.checkpoint()
            return
        rests = min(_RESTS, _MOST_FRAME_SECONDS / max(frame_seconds, turn_seconds, 1e-6) - 1)
        until = trio.current_time() + max(_LEAST_RESTS, rests) * turn_seconds
        # Look a second time at once: tasks that had something to do when an edit came have mostly done it by then, and
        # a sleep costs more than a look. With a sleep here, frames to 1,000 streams took a tenth more of the processor.
        is_quiet = await self._is_quiet() or await self._is_quiet()
        while not is_quiet and (now := trio.current_time()) < until:
            await trio.sleep_until(min(now + _LOOK_SECONDS, until))  # Trio has no event for "no task has work"
            is_quiet = await self._is_quiet()

    async def _is_quiet(self) -> bool:
        """Whether no other task had anything to do in two turns of the scheduler, and no edits wait.

        Two turns, because Trio's order of tasks is random: in one turn a task may run before this one, and in the next
        one after it, so that this one would see no step in between.
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
        """Begin another frame, and its first turn."""
        self.frame_seconds, self._sum_seconds = self._sum_seconds, 0.0
        self.begin()

    def begin(self) -> None:
        """Begin a turn."""
        self._began = time.thread_time()

    def end(self) -> float:
        """End a turn, and return how long it took."""
        took = time.thread_time() - self._began
        self._sum_seconds += took
        return took


class Waiters:
    """Tasks that wait for the same news. They are woken a few at a time, and then look whether it concerns them."""

    def __init__(self) -> None:
        self._waiting: dict[trio.Event, None] = {}
        self._come = trio.Event()

    async def wait(self) -> None:
        """Wait until `wake` or `wake_all` comes to this task."""
        event = trio.Event()
        self._waiting[event] = None
        self._come.set()
        try:
            await event.wait()
        finally:
            self._waiting.pop(event, None)

    async def somebody(self) -> None:
        """Wait until at least one task waits; return at once if one does already."""
        while not self._waiting:
            self._come = trio.Event()
            await self._come.wait()

    def wake_all(self) -> None:
        """Wake all waiting tasks at once, for the end."""
        for event in self._waiting:
            event.set()

    async def wake(self, pace: Pace) -> None:
        """Wake the tasks that wait now, a few in each turn. A turn ends when these tasks have run once."""
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
