"""The progress of what takes long: a bar on a terminal; of a replay, everywhere, a line that says what was done."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from placed.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WORTH_SHOWING_SECONDS = 0.5


@contextlib.contextmanager
def replay_progress() -> Iterator[Callable[[int, int, int], None]]:
    """What `placed.recovery.recover` calls with begin, the offset reached, and end."""
    began = time.monotonic()
    reached = 0
    with progress_bar("reading the log", "records") as show:

        def advance(begin: int, at: int, end: int) -> None:
            nonlocal reached
            reached = max(0, at - begin)
            show(begin, at, end)

        yield advance
    seconds = time.monotonic() - began
    get_logger(__name__).info("the log is read", records=reached, seconds=round(seconds, 3))


@contextlib.contextmanager
def progress_bar(doing: str, unit: str) -> Iterator[Callable[[int, int, int], None]]:
    """A bar, on a terminal, once it takes a while; called with begin, where it has come to, and end."""
    began: float | None = None
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(doing, total=None, start=False)

    def advance(begin: int, at: int, end: int) -> None:
        nonlocal began
        began = time.monotonic() if began is None else began
        if not bar.live.is_started and bar.console.is_terminal and time.monotonic() > began + _WORTH_SHOWING_SECONDS:
            bar.start()
            bar.start_task(task)
        bar.update(task, completed=max(0, at - begin), total=max(0, end - begin))
        if at >= end and bar.live.is_started:
            bar.stop()

    try:
        yield advance
    finally:
        if bar.live.is_started:  # elsewhere it would write an empty line
            bar.stop()
