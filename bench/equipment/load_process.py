"""A process that makes load: it starts on the clients' core, and talks in lines of JSON over its pipes."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from bench.equipment.cores import load_cores, pin
from bench.equipment.server_process import ROOT, kill

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

_ANSWER_SECONDS: Final = 900.0  # for each line: a day of an event takes minutes
_BUSY: Final = 0.9


class LoadFailed(Exception):
    """The process ended early; its standard error has the reason."""


@attrs.define
class LoadProcess:
    """One load process."""

    process: trio.Process
    _rest: bytes = b""

    async def answer(self) -> Any:
        """Read the next line of its output, decoded.

        Raises:
            LoadFailed: there is none.
        """
        assert self.process.stdout is not None
        with trio.fail_after(_ANSWER_SECONDS):
            while b"\n" not in self._rest:
                data = await self.process.stdout.receive_some()
                if not data:
                    raise LoadFailed(f"{self.process.args!r} ended")
                self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    async def ask(self) -> Any:
        """Send an empty line, and return the answer to it."""
        assert self.process.stdin is not None
        await self.process.stdin.send_all(b"\n")
        return await self.answer()


@contextlib.asynccontextmanager
async def load_process(module: str, spec: attrs.AttrsInstance) -> AsyncGenerator[LoadProcess]:
    """Run `python -m MODULE SPEC`, with `spec` as JSON; kill it at the end."""
    command = [sys.executable, "-m", module, json.dumps(attrs.asdict(spec))]
    async with trio.open_nursery() as nursery:
        start = partial(
            trio.run_process,
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            check=False,
            deliver_cancel=kill,
        )
        process: trio.Process = await nursery.start(start)
        pin(process.pid, load_cores())
        try:
            yield LoadProcess(process)
        finally:
            nursery.cancel_scope.cancel()


@attrs.frozen
class Busy:
    """How much of its core a load process used between two readings.

    Attributes:
        cpu_seconds: its CPU time.
        wall_seconds: the time that passed.
    """

    cpu_seconds: float
    wall_seconds: float


class Stopwatch:
    """A stopwatch for a load process, which reads it for each report."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.monotonic()

    def lap(self) -> Busy:
        """The time that this process has used since the last lap."""
        cpu, wall = time.process_time(), time.monotonic()
        busy = Busy(cpu - self._cpu, wall - self._wall)
        self._cpu, self._wall = cpu, wall
        return busy


def busy_share(several: Iterable[Busy]) -> float:
    """The share of the clients' core that processes used at the same time; 1.0 is all of it."""
    return sum(busy.cpu_seconds / busy.wall_seconds for busy in several if busy.wall_seconds > 0)


def warnings(shares: Iterable[float]) -> list[str]:
    """A warning sentence if the clients were as busy as a core allows."""
    highest = max(shares, default=0.0)
    if highest < _BUSY:
        return []
    return [f"WARNING: the load generator took {100 * highest:.0f} % of its core: it may limit these figures."]
