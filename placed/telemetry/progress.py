"""Shows the progress of long work: a bar on a terminal; for a replay also log lines, the last one with its result."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import attrs
from rich.console import Console

from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WORTH_SHOWING_SECONDS = 0.5
_WORTH_A_LINE_SECONDS = 1.0
_LINE_EVERY_SECONDS = 30.0  # for an operator who looks at the journal, and wonders whether the start hangs


@attrs.define
class Reading:
    """How far a start has come in its log; the task that reads the log writes this.

    Attributes:
        read: how many offsets, of records or gaps, have been read.
        of: how many there are to read; 0 before that is known.
    """

    read: int = 0
    of: int = 0


@contextlib.contextmanager
def replay_progress(reading: Reading) -> Iterator[Callable[[int, int, int], None]]:
    """Give the callback for `placed.tasks.recovery`, called with begin, offset and end, which updates `reading`."""
    began = time.monotonic()
    line_at = began + _WORTH_A_LINE_SECONDS
    logger = get_logger(__name__)
    has_bar = Console(stderr=True).is_terminal
    with progress_bar("reading the log", "records") as show:

        def advance(begin: int, at: int, end: int) -> None:
            nonlocal line_at
            reading.read, reading.of = max(0, at - begin), max(0, end - begin)
            show(begin, at, end)
            if not has_bar and time.monotonic() > line_at and at < end:
                line_at = time.monotonic() + _LINE_EVERY_SECONDS
                logger.info("the log is being read", records=reading.read, of=reading.of)

        yield advance
    seconds = time.monotonic() - began
    logger.info("the log is read", records=reading.read, seconds=round(seconds, 3))


@contextlib.contextmanager
def progress_bar(doing: str, unit: str) -> Iterator[Callable[[int, int, int], None]]:
    """Give a callback that shows a bar on a terminal, once the work takes a while; called with begin, now and end."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _nowhere
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # 6 ms

    began: float | None = None
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task(doing, total=None, start=False)

    def advance(begin: int, at: int, end: int) -> None:
        nonlocal began
        began = time.monotonic() if began is None else began
        if not bar.live.is_started and time.monotonic() > began + _WORTH_SHOWING_SECONDS:
            bar.start()
            bar.start_task(task)
        bar.update(task, completed=max(0, at - begin), total=max(0, end - begin))
        if at >= end and bar.live.is_started:
            bar.stop()

    try:
        yield advance
    finally:
        if bar.live.is_started:  # to stop a bar that never started would write an empty line
            bar.stop()


def _nowhere(_begin: int, _at: int, _end: int) -> None:
    """Show nothing."""
