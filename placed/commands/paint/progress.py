"""Shows the progress of painting: a bar on a terminal, plain lines elsewhere; both on standard error.

Imports rich and click; knows nothing of the network.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE_EVERY_SECONDS = 10.0  # a log of an hour's painting stays readable


class Progress(Protocol):
    """Takes the painter's reports."""

    def note(self, line: str) -> None:
        """Show a line for people."""

    def update(self, right: int, total: int, left_seconds: float | None) -> None:
        """Show how many of the picture's pixels are right, and about how long the rest takes; None: not known yet."""


def duration(seconds: float) -> str:
    """A time for people: "8 s", "12 min", "3 h 20 min"."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


class _Lines:
    """Plain lines, at most one every `_LINE_EVERY_SECONDS`, not counting the notes."""

    def __init__(self) -> None:
        self._next_at = time.monotonic() + _LINE_EVERY_SECONDS

    def note(self, line: str) -> None:
        click.echo(line, err=True)

    def update(self, right: int, total: int, left_seconds: float | None) -> None:
        now = time.monotonic()
        if now < self._next_at:
            return
        self._next_at = now + _LINE_EVERY_SECONDS
        left = "" if left_seconds is None else f", about {duration(left_seconds)} left"
        click.echo(f"{right:,} of {total:,} pixels are right{left}", err=True)


class _Terminal:
    """A progress bar."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._task = bar.add_task("painting", total=None, left="")

    def note(self, line: str) -> None:
        self._bar.console.print(line, markup=False, highlight=False)

    def update(self, right: int, total: int, left_seconds: float | None) -> None:
        left = "" if left_seconds is None else f"{duration(left_seconds)} left"
        self._bar.update(self._task, completed=right, total=total, left=left)


@contextmanager
def shown() -> Iterator[Progress]:
    """The kind of progress that suits standard error; it is shown until the context ends."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    columns = (BarColumn(), TaskProgressColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Bar(*columns, console=Console(stderr=True)) as bar:
        yield _Terminal(bar)
