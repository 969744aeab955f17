"""`rplace`: a whole event, all edits of r/place 2017 or of a generated one, through the log and the projection.

The bench appends the edits to an LMDB log one record after the other, each durable before the next, as the writer does.
Then it opens the log again and reads it from the beginning. It cuts batches where a state ends, and compares the
projection there with the canvas as it really was. Any difference makes the exit code 1.
"""

from __future__ import annotations

import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import attrs
import click
import numpy as np
import trio

from bench.equipment.measure import NOTHING_SPENT, Spent, as_json, median_spent, reading, since
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.logs.chosen_event import (
    chosen_event,
    edits_option,
    record_edits_option,
    source_of,
    states_option,
    trace_option,
)
from placed.backends.lmdb.log import open_lmdb_log
from placed.canvas.batch import Batch
from placed.canvas.clock import steady_clock_ms
from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.events import Canvas, Edits
from placed.canvas.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.logs.trace import Trace
    from placed.backends import Log

_RULE: Final = Rule(charges=1, charge_ms=300_000)  # Reddit's: one in five minutes


@attrs.frozen
class _Run:
    """One pass of the whole event.

    Attributes:
        expanding: making edits from the trace, which isn't placed's work.
        appending: appending them to the log.
        replaying: reading the log into the projection, without the comparison.
        log_bytes: size of the log's file.
        records: records in the log.
        wrong_pixels: how many pixels differ, summed over all states.
        wrong_states: the states in which a pixel differs.
    """

    expanding: Spent
    appending: Spent
    replaying: Spent
    log_bytes: int
    records: int
    wrong_pixels: int
    wrong_states: list[int]

    @property
    def whole(self) -> Spent:
        """The time for both: into the log, and back into the projection."""
        return self.appending + self.replaying


@click.command()
@trace_option
@states_option
@edits_option
@record_edits_option
@click.option("--runs", default=1, show_default=True, type=click.IntRange(1, 20))
@json_option
def rplace(trace: Path | None, states: int, edits: int, record_edits: int, runs: int, json_path: Path | None) -> None:
    """Send a whole event through the log and the projection, and compare the canvas with the real one at each state."""
    event = chosen_event(trace, states=states, edits=edits)
    with progress_bar("edits") as bar:
        task = bar.add_task("appending and reading back", total=2 * event.total_edits * runs)
        outcomes = [
            trio.run(_measure, event, record_edits, lambda count: bar.advance(task, count)) for _ in range(runs)
        ]
    _report(event, outcomes, {"trace": source_of(trace), "record_edits": record_edits, "runs": runs}).publish(json_path)
    if any(outcome.wrong_states for outcome in outcomes):
        sys.exit(1)


async def _measure(event: Trace, record_edits: int, advance: Callable[[int], None]) -> _Run:
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder:
        path = Path(folder)
        appending = _Appending(event, record_edits, advance)
        async with open_lmdb_log(path, clock_ms=lambda: appending.now_ms) as log:
            await appending.run(log)
        begin = reading()
        async with open_lmdb_log(path) as log:
            opening = since(begin)
            replaying = _Replaying(event, appending.ends, advance)
            await replaying.run(log)
        return _Run(
            appending.expanding,
            appending.spent,
            opening + replaying.spent,
            (path / "data.mdb").stat().st_size,
            appending.ends[-1],
            replaying.wrong_pixels,
            replaying.wrong_states,
        )


class _Appending:
    """Puts a trace into a log. `ends` has the log's next offset after each state."""

    def __init__(self, event: Trace, record_edits: int, advance: Callable[[int], None]) -> None:
        self._event = event
        self._record_edits = record_edits
        self._advance = advance
        self.now_ms = int(event.seconds[0]) * 1000
        self.ends: list[int] = []
        self.expanding = self.spent = NOTHING_SPENT

    async def run(self, log: Log) -> None:
        last = await log.append(Canvas(self._event.definition).encode())
        states = self._event.states()
        while True:
            begin = reading()
            state = next(states, None)
            self.expanding += since(begin)
            if state is None:
                return
            self.now_ms = state.seconds * 1000
            begin = reading()
            for at in range(0, len(state.edits), self._record_edits):
                last = await log.append(Edits(state.edits[at : at + self._record_edits]).encode())
            self.spent += since(begin)
            self.ends.append(last + 1)
            self._advance(len(state.edits))


class _Replaying:
    """Reads a log back into a projection, and compares it with the trace at the end of each state."""

    def __init__(self, event: Trace, ends: list[int], advance: Callable[[int], None]) -> None:
        self._ends = ends
        self._advance = advance
        self._projection = Projection(event.definition, 0, Cooldowns(_RULE))
        self._canvases = (state.canvas for state in event.states())
        self._state = self._advanced = 0
        self.wrong_pixels = 0
        self.wrong_states: list[int] = []
        self.spent = NOTHING_SPENT

    async def run(self, log: Log) -> None:
        begin = reading()
        async with log.read(0) as batches:
            async for batch in batches:
                for part in _cut(batch, self._ends):
                    self._projection.apply(part, steady_clock_ms())
                    if part.next_offset == self._ends[self._state]:
                        self.spent += since(begin)
                        self._compare()
                        begin = reading()
                if self._state == len(self._ends):
                    return

    def _compare(self) -> None:
        wrong = int(np.count_nonzero(self._projection.canvas != next(self._canvases)))
        if wrong:
            self.wrong_pixels += wrong
            self.wrong_states.append(self._state)
        self._state += 1
        self._advance(self._projection.edits - self._advanced)
        self._advanced = self._projection.edits


def _cut(batch: Batch, ends: list[int]) -> list[Batch]:
    """Cut the batch so that no piece crosses an end; an end is the offset after a state's last record."""
    inside = np.searchsorted(batch.offsets, [end for end in ends if batch.offsets[0] < end < batch.next_offset])
    edges = [0, *inside.tolist(), len(batch.values)]
    return [Batch(batch.offsets[a:b], batch.times_ms[a:b], batch.values[a:b]) for a, b in pairwise(edges)]


def _report(event: Trace, runs: list[_Run], options: dict[str, object]) -> Report:
    total = event.total_edits
    whole, appending, replaying = (
        median_spent([getattr(run, name) for run in runs]) for name in ("whole", "appending", "replaying")
    )
    log_bytes = median(run.log_bytes for run in runs)
    figures = [
        Figure("states compared", len(event.seconds) * len(runs), ""),
        Figure("states that differ", sum(len(run.wrong_states) for run in runs), "", Target(1)),
        Figure("pixels that differ, over all states", sum(run.wrong_pixels for run in runs), "", Target(1)),
        Figure("edits", total, ""),
        Figure("records", runs[0].records, ""),
        Figure("end to end", whole.wall, "s"),
        Figure("end to end, without waiting", whole.unwaited, "s"),
        Figure("end to end, edits", total / whole.wall, "per second"),
        Figure("appending, each record durable before the next", appending.wall, "s"),
        Figure("appending, records", runs[0].records / appending.wall, "per second"),
        Figure("opening and reading back, feed included", replaying.wall, "s"),
        Figure("opening and reading back, feed included", total / replaying.wall, "edits per second"),
        Figure("log on disk", log_bytes / 1e6, "MB"),
        Figure("log on disk", log_bytes / total, "bytes per edit"),
    ]
    details = {
        "log_bytes": log_bytes,
        "wrong_states": [run.wrong_states for run in runs],
        **{name: as_json([getattr(run, name) for run in runs]) for name in ("expanding", "appending", "replaying")},
    }
    return Report(bench="rplace", figures=figures, options=options, details=details)
