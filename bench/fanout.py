"""`fanout`: what it costs to send an edit to many subscribers, and how long they wait for it.

The server has one core; the subscribers and the clients that place edits have the other. The bench measures what the
edits cost while nobody watches, and subtracts that before it divides CPU time by delivered frames. Under load the
server merges edits into fewer frames: the bench counts frames as they arrive.
"""

from __future__ import annotations

import contextlib
import json
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import attrs
import click
import numpy as np
import trio

from bench.equipment.cores import allow_connections
from bench.equipment.http_client import connection
from bench.equipment.load_process import warnings
from bench.equipment.measure import reading
from bench.equipment.place import Place, opened, url_option
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.load.audience import Dialect, Show, audience, place_edits, present, read_every_option

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

LANES: Final = {"fast": "--fast-lane", "slow": "--no-fast-lane"}
_MEMORY: Final = Target(1024.0)  # bytes for an idle subscriber of the fast lane
_LATENESS: Final = Target(300.0)  # ms at p99
_NOBODY: Final = Target(1.0)


@attrs.frozen
class _Run:
    """One run of one server.

    Attributes:
        alone_cpu_seconds: CPU time of as many edits while nobody watches.
        bytes_each: anonymous memory for each subscriber.
    """

    show: Show
    alone_cpu_seconds: float
    bytes_each: float
    join_seconds: float

    @property
    def frame_ns(self) -> float:
        """CPU time for a delivered frame."""
        return 1e9 * (self.show.cpu_seconds - self.alone_cpu_seconds) / max(1, self.show.frames)


@click.command()
@url_option
@click.option("--subscribers", default=1_000, show_default=True, type=click.IntRange(1, 100_000))
@click.option(
    "--processes",
    default=1,
    show_default=True,
    type=click.IntRange(1, 16),
    help="Processes that the subscribers share.",
)
@click.option("--rate", default=10.0, show_default=True, type=click.FloatRange(0.1, 10_000), help="Edits a second.")
@click.option(
    "--seconds", default=10.0, show_default=True, type=click.FloatRange(0.1, 3_600), help="Length of each run."
)
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1, 100))
@click.option("--lane", "lanes", multiple=True, type=click.Choice(list(LANES)), default=("fast", "slow"))
@read_every_option
@json_option
def fanout(
    url: str | None,
    pid: int | None,
    subscribers: int,
    processes: int,
    rate: float,
    seconds: float,
    runs: int,
    lanes: tuple[str, ...],
    every_ms: float,
    json_path: Path | None,
) -> None:
    """Deliver edits to many subscribers in each lane: CPU time per frame, latency and memory. Linux only."""
    allow_connections(subscribers)
    names = lanes if url is None else ("server",)

    async def measure() -> dict[str, list[_Run]]:
        outcome: dict[str, list[_Run]] = {name: [] for name in names}
        with progress_bar("") as bar:
            task = bar.add_task("runs", total=runs * len(names))
            for _ in range(runs):  # lanes in turn, so that a busy moment of the machine hits both
                for name in names:
                    flags = [LANES[name]] if url is None else []
                    async with opened(url, *flags, pid=pid) as place:
                        outcome[name].append(await _run(place, subscribers, processes, rate, seconds, every_ms))
                    bar.advance(task)
        return outcome

    outcome = trio.run(measure)
    Report(
        bench="fanout",
        figures=_figures(outcome, subscribers),
        options={
            "url": url,
            "subscribers": subscribers,
            "processes": processes,
            "rate": rate,
            "seconds": seconds,
            "runs": runs,
            "lanes": list(names),
            "read_every_ms": every_ms,
        },
        details={name: [_as_json(run) for run in several] for name, several in outcome.items()},
        notes=warnings(run.show.busy for several in outcome.values() for run in several),
    ).publish(json_path)


@contextlib.asynccontextmanager
async def _asked(place: Place) -> AsyncGenerator[dict[str, Any]]:
    async with connection(place.host, place.port) as link:
        yield json.loads((await link.request("GET", "/info")).body)


async def _run(place: Place, subscribers: int, processes: int, rate: float, seconds: float, every_ms: float) -> _Run:
    async with _asked(place) as info:
        bounds = (info["width"], info["height"], len(info["palette"]))
    alone = 0.0
    before = reading(place.pid).cpu
    answers = await place_edits(place, Dialect(""), rate, seconds, bounds)
    if place.pid is not None:
        alone = reading(place.pid).cpu - before
    async with audience(place, await present(place), subscribers, processes=processes, every_ms=every_ms) as people:
        show = await people.show(rate, seconds, bounds)
    return _Run(show, alone * show.edits / max(1, len(answers.moments)), people.bytes_each, people.join_seconds)


def _as_json(run: _Run) -> dict[str, Any]:
    several = {
        field.name: getattr(run.show, field.name) for field in attrs.fields(Show) if field.name != "latencies_ms"
    }
    rest = {"bytes_each": run.bytes_each, "join_seconds": run.join_seconds, "frame_ns": run.frame_ns}
    return {**several, "alone_cpu_seconds": run.alone_cpu_seconds, **rest}


def _figures(outcome: dict[str, list[_Run]], subscribers: int) -> list[Figure]:
    figures = []
    for name, runs in outcome.items():
        lane = f"{name} lane" if name in LANES else name
        shows = [run.show for run in runs]
        late = [np.percentile(show.latencies_ms, [50, 99, 99.9]) for show in shows if len(show.latencies_ms)]
        p50, p99, p999 = np.median(late, axis=0).tolist() if late else [np.nan] * 3
        worst = max((float(run[1]) for run in late), default=np.nan)
        figures += [
            Figure(f"{lane}: frames for each edit and subscriber", _frames_each(shows, subscribers), ""),
            Figure(f"{lane}: POST to delivered, p50", p50, "ms"),
            Figure(f"{lane}: POST to delivered, p99", p99, "ms", _LATENESS if name == "fast" else None),
            Figure(f"{lane}: POST to delivered, p99.9", p999, "ms"),
            Figure(f"{lane}: POST to delivered, p99, worst run", worst, "ms"),
            Figure(f"{lane}: POST to its answer, p50", median(show.answered_ms["p50"] for show in shows), "ms"),
            Figure(f"{lane}: POST to its answer, p99", median(show.answered_ms["p99"] for show in shows), "ms"),
            Figure(f"{lane}: edits refused", float(sum(show.refused for show in shows)), ""),
            Figure(f"{lane}: edits that some stream lacks", float(sum(show.missing for show in shows)), "", _NOBODY),
            Figure(f"{lane}: streams that were ended", float(sum(show.ended for show in shows)), "", _NOBODY),
            Figure(f"{lane}: all subscribers joined in", median(run.join_seconds for run in runs), "s"),
            Figure(f"{lane}: the clients' core, busy", 100 * max(show.busy for show in shows), "%"),
        ]
        if not np.isnan(runs[0].bytes_each):
            memory = median(run.bytes_each for run in runs)
            per_frame = median(run.frame_ns for run in runs)
            figures.append(Figure(f"{lane}: CPU per delivered frame", per_frame, "ns"))
            limit = _MEMORY if name == "fast" and subscribers >= 1_000 else None
            figures.append(Figure(f"{lane}: anonymous memory per subscriber", memory, "bytes", limit))
    if {"fast", "slow"} <= outcome.keys():
        slow, fast = (median(run.frame_ns for run in outcome[name]) for name in ("slow", "fast"))
        figures.append(Figure("CPU per frame, slow lane / fast lane", slow / fast, "times"))
    return figures


def _frames_each(shows: list[Show], subscribers: int) -> float:
    return sum(show.frames for show in shows) / max(1, sum(show.edits * subscribers for show in shows))
