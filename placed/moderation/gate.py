"""Opens and closes the canvas when a plan's time has come. This task reads the clock, because the fold has none.

Each server appends the act when the time has come by its own clock; the first of these acts counts. The task tries
again after a failure: a plan whose time passed during an outage, or while no server ran, comes true late rather than
never.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import trio

from placed.backends import LogError
from placed.canvas.acts.gate import plans_of
from placed.canvas.clock import wall_clock_ms
from placed.canvas.events import Act
from placed.tasks.writer import WriterClosed, WriterFull
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from placed.canvas.acts.gate import Plan
    from placed.tasks.writer import Writer

_LOOK_SECONDS: Final = 0.25  # while there are plans: the wall clock may be set, and failed appends are tried again


class Gatekeeper:
    """The one task of a server that makes plans come true.

    Args:
        writer: appends the acts.
        acts: gives the state that acts have set, as far as the server has read the log.
        now_ms: the wall clock.
    """

    def __init__(
        self, writer: Writer, acts: Callable[[], Mapping[str, Any]], now_ms: Callable[[], int] = wall_clock_ms
    ) -> None:
        self._writer = writer
        self._acts = acts
        self._now_ms = now_ms
        self._appended: set[int] = set()  # plans whose act is in the log, and hasn't been read back yet
        self._changed = trio.Event()

    def look(self) -> None:
        """Have `run` look at the plans soon, because acts have changed something."""
        self._changed.set()

    async def run(self) -> None:
        """Make plans come true, for ever."""
        while True:
            self._changed = trio.Event()
            plans = plans_of(self._acts())
            self._appended &= {plan.act for plan in plans}
            for plan in plans:
                if plan.at_ms <= self._now_ms() and plan.act not in self._appended:
                    await self._come_true(plan)
            waits = [plan.at_ms - self._now_ms() for plan in plans if plan.act not in self._appended]
            seconds = min([_LOOK_SECONDS, *(ms / 1_000 for ms in waits if ms > 0)]) if waits else math.inf
            with trio.move_on_after(seconds):
                await self._changed.wait()

    async def _come_true(self, plan: Plan) -> None:
        try:
            record = self._writer.add(Act(plan.kind, plan.by, {"plan": plan.act}))
            await record.wait()
            record.version()
        except (WriterFull, WriterClosed, LogError):
            return  # the next look tries again; an act that is in the log twice does the same as once
        self._appended.add(plan.act)
        get_logger(__name__).info("a plan's time has come", kind=plan.kind, plan=plan.act)
