"""Cores: the server has the first to itself, and whoever loads it the last. Where none can be pinned, none is."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from pathlib import Path

import click

OTHER_DESCRIPTORS = 100  # of a process that also has so many connections


def _all() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []


def server_cores() -> list[int]:
    """Where the server runs."""
    return _all()[:1]


def load_cores() -> list[int]:
    """Where its clients run: another core, if there is one."""
    return _all()[-1:]


def pin(pid: int, cores: list[int]) -> None:
    """Keep a process, with all the threads it has and will have, on `cores`."""
    if not cores or sys.platform != "linux":
        return
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(task.name), cores)


def allow_connections(count: int) -> None:
    """Raise this process's limit of file descriptors, which those it starts inherit, so that each may have `count`.

    Raises:
        click.UsageError: the system doesn't allow as many.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and count > hard - OTHER_DESCRIPTORS:
        raise click.UsageError(f"{count} connections; allowed are {hard - OTHER_DESCRIPTORS} in one process here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, count + OTHER_DESCRIPTORS)), hard))
