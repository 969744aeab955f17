"""`ingest`: POST /edit over keep-alive connections: as fast as it is answered, and at a given rate.

Each answer is durable: fsync'd. The open loop's latency counts from when a request was due, so that waiting for a
server that stalls isn't hidden (what a closed loop does: it asks less of one that is slow).
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

import attrs
import click
import trio

from bench.audience import send
from bench.http_client import connection
from bench.load_process import busy_share, warnings
from bench.measure import reading
from bench.place import Place, opened, url_option
from bench.report import Figure, Report, json_option, progress_bar
from bench.senders import Answers, Load

if TYPE_CHECKING:
    from pathlib import Path


@attrs.frozen
class _Run:
    """One time of sending, and what it cost the server in CPU s."""

    answers: Answers
    cpu_seconds: float

    @property
    def placed(self) -> int:
        """Edits that were answered 200."""
        return self.answers.statuses.get("200", 0)

    @property
    def refused(self) -> int:
        """Requests that weren't."""
        return sum(self.answers.statuses.values()) - self.placed + self.answers.unanswered


@click.command()
@url_option
@click.option("--connections", default=64, show_default=True, type=click.IntRange(1, 1_000))
@click.option(
    "--rate", default=2_000.0, show_default=True, type=click.FloatRange(0.1, 50_000), help="Of the open loop."
)
@click.option("--seconds", default=5.0, show_default=True, type=click.FloatRange(0.1, 3_600), help="Of each loop.")
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1, 100))
@json_option
def ingest(
    url: str | None,
    pid: int | None,
    connections: int,
    rate: float,
    seconds: float,
    runs: int,
    json_path: Path | None,
) -> None:
    """POST /edit, durable, in a closed and in an open loop. Linux only."""

    async def measure() -> dict[str, list[_Run]]:
        loops: dict[str, list[_Run]] = {"closed loop": [], "open loop": []}
        with progress_bar("") as bar:
            task = bar.add_task("sending", total=2 * runs)
            async with opened(url, pid=pid) as place:
                load = await _load(place, connections)
                await _sent(place, attrs.evolve(load, seconds=min(1.0, seconds)))  # warms up
                for _ in range(runs):
                    for name, each in (("closed loop", 0.0), ("open loop", rate)):
                        loops[name].append(await _sent(place, attrs.evolve(load, rate=each, seconds=seconds)))
                        bar.advance(task)
        return loops

    loops = trio.run(measure)
    options = {"url": url, "connections": connections, "rate": rate, "seconds": seconds, "runs": runs}
    Report(
        bench="ingest",
        figures=[figure for name, several in loops.items() for figure in _figures(name, several)],
        options=options,
        details={name: [_as_json(run) for run in several] for name, several in loops.items()},
        notes=warnings(busy_share([run.answers.busy]) for several in loops.values() for run in several),
    ).publish(json_path)


async def _load(place: Place, connections: int) -> Load:
    async with connection(place.host, place.port) as link:
        info = (await link.request("GET", "/info")).json()
    colors = len(info["palette"])
    return Load(place.host, place.port, connections, width=info["width"], height=info["height"], colors=colors)


async def _sent(place: Place, load: Load) -> _Run:
    before = reading(place.pid).cpu if place.pid else float("nan")
    answers = await send(load)
    return _Run(answers, (reading(place.pid).cpu if place.pid else float("nan")) - before)


def _figures(name: str, runs: list[_Run]) -> list[Figure]:
    answers = [run.answers for run in runs]
    figures = [
        Figure(f"{name}: edits", median(run.placed / run.answers.seconds for run in runs), "per second"),
        *(
            Figure(f"{name}: POST to durable answer, {key}", median(each.latency_ms[key] for each in answers), "ms")
            for key in ("p50", "p99", "p99.9")
        ),
        Figure(f"{name}: requests refused or unanswered", float(sum(run.refused for run in runs)), ""),
        Figure(f"{name}: the client's core, busy", 100 * max(busy_share([each.busy]) for each in answers), "%"),
    ]
    cpu = median(1e6 * run.cpu_seconds / max(1, run.placed) for run in runs)
    return [*figures, Figure(f"{name}: CPU per edit", cpu, "us")] if cpu == cpu else figures  # NaN without a process


def _as_json(run: _Run) -> dict[str, Any]:
    return {**attrs.asdict(run.answers), "cpu_seconds": run.cpu_seconds}
