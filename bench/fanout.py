"""`fanout`: what it costs to tell many subscribers of an edit, and how long they wait for it.

The server has one core, the subscribers and whoever places edits have the other. What the edits themselves cost, with
nobody watching, is taken off before CPU time is divided by delivered frames.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import attrs
import click
import trio

from bench.http_client import UnexpectedAnswer, connection
from bench.measure import quantiles, reading, resident_bytes
from bench.report import Figure, Report, json_option, progress_bar
from bench.server_process import ROOT, ServerProcess, running_server, serving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_LANES: Final = {"fast": "--fast-lane", "slow": "--no-fast-lane"}
_JOIN_SECONDS = 300.0  # for all subscribers
_SETTLE_SECONDS = 1.0  # for the last frames to arrive
_OTHER_DESCRIPTORS = 100


@attrs.frozen
class _Run:
    """One run's outcome; latencies in ms, from before a POST was sent."""

    edits: int
    frames: int
    ended: int
    cpu_seconds: float
    anonymous_bytes: int
    latencies: list[float]


@click.command()
@click.option("--subscribers", default=1_000, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--rate", default=10.0, show_default=True, type=click.FloatRange(0.1, 1_000), help="Edits a second.")
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(0.1, 3_600), help="Of each run.")
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1, 100))
@click.option("--lane", "lanes", multiple=True, type=click.Choice(list(_LANES)), default=("fast", "slow"))
@json_option
def fanout(
    subscribers: int, rate: float, seconds: float, runs: int, lanes: tuple[str, ...], json_path: Path | None
) -> None:
    """Deliver edits to many subscribers, in each lane: CPU per frame, latency and memory. Linux only."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if subscribers > hard - _OTHER_DESCRIPTORS:
        raise click.UsageError(f"--subscribers {subscribers}: allowed here are {hard - _OTHER_DESCRIPTORS}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    outcome = trio.run(_measure, subscribers, rate, seconds, runs, lanes)
    options = {"subscribers": subscribers, "rate": rate, "seconds": seconds, "runs": runs, "lanes": list(lanes)}
    details = {lane: [attrs.asdict(run) for run in several] for lane, several in outcome.items()}
    Report(bench="fanout", figures=_figures(outcome, subscribers), options=options, details=details).publish(json_path)


async def _measure(
    subscribers: int, rate: float, seconds: float, runs: int, lanes: tuple[str, ...]
) -> dict[str, list[_Run]]:
    outcome: dict[str, list[_Run]] = {lane: [] for lane in lanes}
    with progress_bar("") as bar:
        task = bar.add_task("runs", total=runs * len(lanes))
        for _ in range(runs):  # lanes in turn, so that a busy moment of the machine hits both
            for lane in lanes:
                outcome[lane].append(await _run(lane, subscribers, rate, seconds))
                bar.advance(task)
    return outcome


async def _run(lane: str, subscribers: int, rate: float, seconds: float) -> _Run:
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder:
        async with running_server(serving(Path(folder), _LANES[lane])) as server:
            cores = sorted(os.sched_getaffinity(0))
            _pin(server.process.pid, cores[:1])
            alone, _ = await _place(server, rate, seconds)
            empty = resident_bytes(server.process.pid)["RssAnon"]
            async with _readers(server, subscribers, cores[-1:]) as readers:
                anonymous = resident_bytes(server.process.pid)["RssAnon"] - empty
                spent, placed = await _place(server, rate, seconds)
                await trio.sleep(_SETTLE_SECONDS)
                told = await _end(readers)
    latencies = [1000 * (at - placed[version]) for version, at in told["seen"] if version in placed]
    return _Run(len(placed), told["frames"], told["ended"], spent - alone, anonymous, latencies)


def _pin(pid: int, cores: list[int]) -> None:
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(task.name), cores)


async def _place(server: ServerProcess, rate: float, seconds: float) -> tuple[float, dict[int, float]]:
    """Place edits; what the server's process spent in CPU s, and the moment of each edit by its version."""
    placed: dict[int, float] = {}
    async with connection(server.host, server.port) as link:
        before = reading(server.process.pid).cpu
        began = trio.current_time()
        for number in range(max(1, round(rate * seconds))):
            await trio.sleep_until(began + number / rate)
            moment = time.monotonic()
            target = f"/edit?x={number % 1000}&y={number // 1000 % 1000}&color={1 + number % 15}"
            answer = await link.request("POST", target)
            if answer.status != 200:
                raise UnexpectedAnswer(f"POST {target} answered {answer.status}")
            placed[json.loads(answer.body)["v"]] = moment
        return reading(server.process.pid).cpu - before, placed


@contextlib.asynccontextmanager
async def _readers(server: ServerProcess, subscribers: int, cores: list[int]) -> AsyncGenerator[trio.Process]:
    async with connection(server.host, server.port) as link:
        version = json.loads((await link.request("GET", "/info")).body)["version"]
    command = [
        sys.executable,
        "-m",
        "bench.stream_readers",
        server.host,
        str(server.port),
        str(subscribers),
        str(version),
    ]
    async with trio.open_nursery() as nursery:
        process: trio.Process = await nursery.start(
            partial(trio.run_process, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, check=False)
        )
        _pin(process.pid, cores)
        assert process.stdout is not None
        with trio.fail_after(_JOIN_SECONDS):
            told = await process.stdout.receive_some(100)
        if told != b"ready\n":
            raise UnexpectedAnswer(f"the subscribers' process said {told!r}")
        try:
            yield process
        finally:
            nursery.cancel_scope.cancel()


async def _end(readers: trio.Process) -> dict[str, Any]:
    assert readers.stdin is not None
    assert readers.stdout is not None
    await readers.stdin.aclose()
    text = b""
    with trio.fail_after(_JOIN_SECONDS):
        async for piece in readers.stdout:
            text += piece
    told: dict[str, Any] = json.loads(text)
    return told


def _figures(outcome: dict[str, list[_Run]], subscribers: int) -> list[Figure]:
    figures = []
    per_frame = {}
    for lane, runs in outcome.items():
        per_frame[lane] = median(1e6 * run.cpu_seconds / max(1, run.frames) for run in runs)
        latency = quantiles([one for run in runs for one in run.latencies] or [float("nan")])
        delivered = sum(run.frames for run in runs) / sum(run.edits * subscribers for run in runs)
        figures += [
            Figure(f"{lane} lane: CPU per delivered frame", per_frame[lane], "us"),
            Figure(f"{lane} lane: frames delivered, of one for each edit and subscriber", 100 * delivered, "%"),
            *(Figure(f"{lane} lane: POST to delivered, {name}", value, "ms") for name, value in latency.items()),
            Figure(f"{lane} lane: streams that were ended", float(sum(run.ended for run in runs)), ""),
            Figure(
                f"{lane} lane: anonymous memory per subscriber",
                median(run.anonymous_bytes for run in runs) / subscribers,
                "bytes",
            ),
        ]
    if {"fast", "slow"} <= per_frame.keys():
        figures.append(Figure("CPU per frame, slow lane / fast lane", per_frame["slow"] / per_frame["fast"], "times"))
    return figures
