"""The progress of a long replay: a bar on a terminal; everywhere, a line at the end that says what was done."""

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
    columns = (
        TextColumn("reading the log"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("records"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("replay", total=None, start=False)
    reached = 0

    def advance(begin: int, at: int, end: int) -> None:
        nonlocal reached
        reached = max(0, at - begin)
        if not bar.live.is_started and bar.console.is_terminal and time.monotonic() > began + _WORTH_SHOWING_SECONDS:
            bar.start()
            bar.start_task(task)
        bar.update(task, completed=reached, total=max(0, end - begin))

    try:
        yield advance
    finally:
        if bar.live.is_started:  # elsewhere it would write an empty line
            bar.stop()
    seconds = time.monotonic() - began
    get_logger(__name__).info("the log is read", records=reached, seconds=round(seconds, 3))
