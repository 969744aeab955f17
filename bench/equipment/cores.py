"""Cores: the server has the first one to itself, and the load the last one. Without a way to pin, nothing is pinned."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from pathlib import Path

import click

OTHER_DESCRIPTORS = 100  # descriptors of a process that aren't connections


def _all() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []


def server_cores() -> list[int]:
    """The cores for the server."""
    return _all()[:1]


def load_cores() -> list[int]:
    """The cores for its clients: another core, if there is one."""
    return _all()[-1:]


def pin(pid: int, cores: list[int]) -> None:
    """Keep a process, with all its present and future threads, on `cores`."""
    if not cores or sys.platform != "linux":
        return
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(task.name), cores)


def allow_connections(count: int) -> None:
    """Raise the limit of file descriptors so that this process and each that it starts may have `count` connections.

    Raises:
        click.UsageError: the system doesn't allow that many.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and count > hard - OTHER_DESCRIPTORS:
        raise click.UsageError(f"{count} connections; allowed are {hard - OTHER_DESCRIPTORS} in one process here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, count + OTHER_DESCRIPTORS)), hard))
