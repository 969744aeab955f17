"""Measuring: wall time, CPU time and time spent waiting for a core; memory; quantiles.

Linux's scheduler counts in /proc/PID/task/*/schedstat, in ns, how long each thread ran, and how long it was ready to
run but had no core. On other systems the second time counts as 0.
"""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@attrs.frozen
class Spent:
    """Time spent, in seconds.

    Attributes:
        wall: from begin to end.
        cpu: CPU time of all threads.
        waited: ready to run, without a core to run on.
    """

    wall: float
    cpu: float
    waited: float

    @property
    def unwaited(self) -> float:
        """The wall time that a core to itself would have given.

        Never less than the CPU time: two threads that are both ready wait twice while the clock runs once, and under
        the GIL they would not have run at once.
        """
        return max(self.wall - self.waited, self.cpu)

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.wall - other.wall, self.cpu - other.cpu, self.waited - other.waited)

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.wall + other.wall, self.cpu + other.cpu, self.waited + other.waited)


NOTHING_SPENT = Spent(0.0, 0.0, 0.0)


def reading(pid: int | None = None) -> Spent:
    """The time that this process, or `pid`, has spent so far; the difference of two readings is one part's time."""
    ran, waited = _scheduled(os.getpid() if pid is None else pid)
    cpu = time.process_time() if pid is None else ran
    return Spent(time.perf_counter(), cpu, waited)


def since(begin: Spent) -> Spent:
    """The time that this process has spent since `begin`."""
    return reading() - begin


def _scheduled(pid: int) -> tuple[float, float]:
    ran = waited = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            fields = path.read_text().split()
        except OSError:  # the thread has just ended
            continue
        ran += int(fields[0])
        waited += int(fields[1])
    return ran / 1e9, waited / 1e9


def resident_bytes(pid: int) -> dict[str, int]:
    """VmRSS of a process, and its parts RssAnon, RssFile and RssShmem; Linux only.

    Raises:
        FileNotFoundError: no such process, or not Linux.
    """
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    pairs = (line.split(":") for line in lines if line.startswith(("VmRSS", "Rss")))
    return {name: int(value.split()[0]) * 1024 for name, value in pairs}


def median_spent(runs: Sequence[Spent]) -> Spent:
    """The median of each time."""
    return Spent(*(statistics.median(values) for values in zip(*map(attrs.astuple, runs), strict=True)))


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 and max of at least one value."""
    p50, p95, p99, top = np.percentile(values, [50, 95, 99, 100]).tolist()
    return {"p50": p50, "p95": p95, "p99": p99, "max": top}


def as_json(runs: Sequence[Spent]) -> list[dict[str, Any]]:
    """The runs, for a report's details."""
    return [attrs.asdict(run) | {"unwaited": run.unwaited} for run in runs]
