"""`visitors`: what it costs the server when people open the page, and how much a crowd slows down people who paint.

Everybody comes for the first time, and loads the page, all files that it needs at first or once the canvas is live,
`/info` and the image. Meanwhile edits are due at a fixed rate, whether or not earlier ones were answered (an open
loop), so that a server that is busy with the page can't hide it. The lanes take turns.
"""

from __future__ import annotations

import posixpath
import re
from statistics import median
from typing import TYPE_CHECKING, Final

import attrs
import click
import numpy as np
import trio

from bench.equipment.cores import allow_connections
from bench.equipment.http_client import connection
from bench.equipment.load_process import Busy, busy_share, load_process, warnings
from bench.equipment.measure import reading
from bench.equipment.place import opened
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.fanout import LANES
from bench.load.audience import send
from bench.load.page_loads import Loaded, Visit
from bench.load.senders import Answers, Load

if TYPE_CHECKING:
    from pathlib import Path

    from bench.equipment.load_process import LoadProcess
    from bench.equipment.place import Place

_LOADS: Final = 20  # page loads of one visitor, one after another
_PAINTERS: Final = 64  # connections that place edits
_NAMED: Final = re.compile(r'"(static/[0-9a-f]+/[^"]+)"')
_IMPORT: Final = re.compile(r"\b(?:from|import)\s*'(\.[^']+)'")
_FIRST, _LATER = "main.js", "interaction.js"  # the second loads once the canvas is live, see docs/client.md
_NONE: Final = Target(0.0, inclusive=True)


@attrs.frozen
class _Run:
    """The results for one lane.

    Attributes:
        load_ms: CPU time of the server for one page load.
        alone, beside: p50 and p99 of edits, in ms, without the crowd and with it.
        crowd: how many opened the page.
        wrong: answers other than 200, and missing ones, to edits and page loads.
    """

    load_ms: float
    alone: dict[str, float]
    beside: dict[str, float]
    crowd: Loaded
    wrong: int


@click.command()
@click.option(
    "--visitors", default=200, show_default=True, type=click.IntRange(1, 2_000), help="How many come at once."
)
@click.option("--rate", default=100.0, show_default=True, type=click.FloatRange(0.1, 5_000), help="Edits a second.")
@click.option(
    "--seconds", default=2.0, show_default=True, type=click.FloatRange(0.1, 60), help="Length of each run, in s."
)
@click.option("--lane", "lanes", multiple=True, type=click.Choice(list(LANES)), default=("fast", "slow"))
@click.option("--runs", default=3, show_default=True, type=click.IntRange(1, 100))
@json_option
def visitors(
    visitors: int, rate: float, seconds: float, lanes: tuple[str, ...], runs: int, json_path: Path | None
) -> None:
    """A crowd opens the page while others paint: its cost, and the latency of the edits. Linux only."""
    allow_connections(7 * visitors + _PAINTERS)
    found: dict[str, list[_Run]] = {lane: [] for lane in lanes}

    async def measure() -> int:
        with progress_bar("") as bar:
            task = bar.add_task("visiting", total=runs * len(lanes))
            for _ in range(runs):
                for lane in lanes:
                    async with opened(None, LANES[lane], "--max-connections-per-client", "0") as place:
                        targets = await _targets(place)
                        found[lane].append(await _run(place, targets, visitors, rate, seconds))
                    bar.advance(task)
        return len(targets)

    targets = trio.run(measure)
    Report(
        bench="visitors",
        figures=[
            Figure("requests of a page load", 1.0 + targets, ""),
            *(figure for lane, several in found.items() for figure in _figures(f"{lane} lane", visitors, several)),
        ],
        options={"visitors": visitors, "rate": rate, "seconds": seconds, "lanes": lanes, "runs": runs},
        details={lane: [attrs.asdict(run) for run in several] for lane, several in found.items()},
        notes=warnings(busy_share([run.crowd.busy]) for several in found.values() for run in several),
    ).publish(json_path)


async def _targets(place: Place) -> tuple[str, ...]:
    """The targets that a browser requests after the page, in about its order."""
    async with connection(place.host, place.port) as link:
        found = dict.fromkeys(_NAMED.findall((await link.request("GET", "/")).body.decode()))
        reached = [next(file.removesuffix(_FIRST) + _LATER for file in found if file.endswith(f"/{_FIRST}"))]
        while reached:
            file = reached.pop(0)
            if file not in found:
                found[file] = None
                script = (await link.request("GET", f"/{file}")).body.decode()
                reached += [posixpath.normpath(posixpath.join(file, "..", name)) for name in _IMPORT.findall(script)]
    return tuple(f"/{file}" for file in (*found, "info", "canvas.png"))


async def _run(place: Place, targets: tuple[str, ...], visitors: int, rate: float, seconds: float) -> _Run:
    painting = Load(place.host, place.port, _PAINTERS, rate, seconds)
    async with load_process("bench.load.page_loads", Visit(place.host, place.port, 1, targets)) as one:
        await one.answer()
        await _open(one)  # warms up
        before = reading(place.pid).cpu
        for _ in range(_LOADS):
            await _open(one)
        load_ms = 1_000 * (reading(place.pid).cpu - before) / _LOADS
    alone = await send(painting)
    async with load_process("bench.load.page_loads", Visit(place.host, place.port, visitors, targets)) as crowd:
        await crowd.answer()
        loaded: list[Loaded] = []

        async def come() -> None:
            loaded.append(await _open(crowd))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(come)
            beside = await send(painting)
    wrong = loaded[0].wrong + sum(map(_unplaced, (alone, beside)))
    return _Run(load_ms, alone.latency_ms, beside.latency_ms, loaded[0], wrong)


def _unplaced(answers: Answers) -> int:
    return answers.unanswered + sum(count for status, count in answers.statuses.items() if status != "200")


async def _open(crowd: LoadProcess) -> Loaded:
    told = await crowd.ask()
    return Loaded(**{**told, "busy": Busy(**told["busy"])})


def _figures(lane: str, visitors: int, runs: list[_Run]) -> list[Figure]:
    crowd = f"{lane}: {visitors:,} at once"
    each = [np.percentile(run.crowd.each_ms or [np.nan], [50, 99]) for run in runs]
    return [
        Figure(f"{lane}: a page load, the server's CPU", median(run.load_ms for run in runs), "ms"),
        Figure(f"{crowd}: until they have the page, p50", float(median(p50 for p50, _ in each)), "ms"),
        Figure(f"{crowd}: until they have the page, p99", float(median(p99 for _, p99 in each)), "ms"),
        *(
            Figure(f"{lane}: POST to its answer, {when}, {key}", median(getattr(run, name)[key] for run in runs), "ms")
            for name, when in (("alone", "alone"), ("beside", "beside them"))
            for key in ("p50", "p99")
        ),
        Figure(f"{crowd}: answers that were wrong or missing", float(sum(run.wrong for run in runs)), "", _NONE),
    ]
