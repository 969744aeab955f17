"""`latency`: one edit at a time on an idle server, from POST to its answer, and to another client's stream.

The server answers a POST once the edit is in the log and fsync'd. The clock starts before the client writes the
request, so the latency includes both ways through the kernel, the server, the disk, and this client itself (about 0.1
ms).
"""

from __future__ import annotations

import contextlib
import random
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs
import click
import trio

from bench.equipment.http_client import Connection, connection
from bench.equipment.http_connection import UnexpectedAnswer
from bench.equipment.measure import quantiles, reading
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.equipment.server_process import running_server, serving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

_EDIT_SECONDS = 30.0  # one that takes longer is a fault, not a figure
_MAX_WAITS = 100  # for a charge to come back; after that the bench gives the edit up
_TARGETS = {"p50": Target(5.0), "p99": Target(25.0)}


@attrs.frozen
class _Place:
    """Where the server is; `pid` is set if the bench started it."""

    host: str
    port: int
    pid: int | None


@attrs.define
class _Run:
    """What one run measured: one value for each edit, in ms."""

    answered: list[float] = attrs.field(factory=list)
    seen: list[float] = attrs.field(factory=list)
    after: list[float] = attrs.field(factory=list)
    server_cpu: float = 0.0
    server_waited: float = 0.0


class Watcher:
    """The other client. It keeps its stream's version and the time when it got there; `follow` is its task."""

    def __init__(self) -> None:
        self.version = 0
        self.at = 0.0
        self._moved = trio.Event()

    async def follow(self, link: Connection, version: int) -> None:
        async for reached in link.follow(version):
            self.at = perf_counter()
            self.version = reached
            self._moved.set()
            self._moved = trio.Event()

    async def reached(self, version: int) -> float:
        """Wait for `version`; return when it arrived."""
        while self.version < version:
            await self._moved.wait()
        return self.at


@click.command()
@click.option("--url", help="A running server, http://host:port; otherwise the bench starts one.")
@click.option("--edits", default=500, show_default=True, type=click.IntRange(2, 100_000), help="Edits in each run.")
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1, 100))
@click.option(
    "--pause-ms", default=3.0, show_default=True, type=click.FloatRange(0, 1000), help="Pause between two edits."
)
@json_option
def latency(url: str | None, edits: int, runs: int, pause_ms: float, json_path: Path | None) -> None:
    """Time from POST to its durable answer, and to another client's stream, one edit at a time."""
    with progress_bar("edits") as bar:
        task = bar.add_task("placing", total=edits * runs)
        measured = trio.run(_measure, url, edits, runs, pause_ms / 1000, lambda: bar.advance(task))
    options = {"url": url, "edits": edits, "runs": runs, "pause_ms": pause_ms}
    Report(bench="latency", figures=_figures(measured, edits), options=options, details=_details(measured)).publish(
        json_path
    )


async def _measure(
    url: str | None, edits: int, runs: int, pause_seconds: float, advance: Callable[[], None]
) -> list[_Run]:
    async with _server(url) as place:
        # The first run warms everything up and doesn't count: a real server starts once, and takes edits for weeks.
        await _run(place, min(edits, 50), pause_seconds, lambda: None)
        return [await _run(place, edits, pause_seconds, advance) for _ in range(runs)]


@contextlib.asynccontextmanager
async def _server(url: str | None) -> AsyncGenerator[_Place]:
    if url is not None:
        parts = urlsplit(url)
        if not parts.hostname:
            raise click.BadParameter(f"{url!r}; allowed is http://host:port", param_hint="--url")
        yield _Place(parts.hostname, parts.port or 80, None)
        return
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder:
        async with running_server(serving(Path(folder))) as server:
            yield _Place(server.host, server.port, server.process.pid)


async def _run(place: _Place, edits: int, pause_seconds: float, advance: Callable[[], None]) -> _Run:
    run, watcher = _Run(), Watcher()
    async with (
        connection(place.host, place.port) as poster,
        connection(place.host, place.port) as stream,
        trio.open_nursery() as nursery,
    ):
        info = (await poster.request("GET", "/info")).json()
        nursery.start_soon(watcher.follow, stream, info["version"])
        begin = reading(place.pid)
        for _ in range(edits):
            await trio.sleep(pause_seconds)
            with trio.fail_after(_EDIT_SECONDS):
                await _edit(poster, watcher, info, run)
            advance()
        spent = reading(place.pid) - begin
        run.server_cpu, run.server_waited = spent.cpu, spent.waited
        nursery.cancel_scope.cancel()
    return run


async def _edit(poster: Connection, watcher: Watcher, info: dict[str, Any], run: _Run) -> None:
    x, y = random.randrange(info["width"]), random.randrange(info["height"])
    target = f"/edit?x={x}&y={y}&color={random.randrange(len(info['palette']))}"
    for _ in range(_MAX_WAITS):
        began = perf_counter()
        answer = await poster.request("POST", target)
        answered = perf_counter()
        if answer.status != 429:
            break
        await trio.sleep(answer.json()["retry_after_seconds"])
    if answer.status != 200:
        raise UnexpectedAnswer(f"POST {target} answered {answer.status} {answer.body!r}")
    seen = await watcher.reached(answer.json()["v"])
    run.answered.append((answered - began) * 1000)
    run.seen.append((seen - began) * 1000)
    run.after.append((seen - answered) * 1000)


def _figures(runs: list[_Run], edits: int) -> list[Figure]:
    figures = []
    for name, attribute in (("POST to seen on another stream", "seen"), ("POST to durable answer", "answered")):
        of_runs = [quantiles(getattr(run, attribute)) for run in runs]
        for key in ("p50", "p95", "p99"):
            target = _TARGETS.get(key) if attribute == "seen" else None
            figures.append(Figure(f"{name}, {key}", median(each[key] for each in of_runs), "ms", target))
    figures.append(Figure("durable answer to seen, p50", median(median(run.after) for run in runs), "ms"))
    if runs[0].server_cpu:
        cpu_ms, waited_ms = (
            median(getattr(run, name) for run in runs) / edits * 1000 for name in ("server_cpu", "server_waited")
        )
        figures.append(Figure("server's CPU time for one edit", cpu_ms, "ms"))
        figures.append(Figure("server waited for a core in one edit", waited_ms, "ms"))
    return figures


def _details(runs: list[_Run]) -> dict[str, Any]:
    return {"runs": [{name: quantiles(getattr(run, name)) for name in ("seen", "answered", "after")} for run in runs]}
