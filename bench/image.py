"""`image`: GET /canvas.png on keep-alive connections while nobody paints: the image, or 304 to a client that has it."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

import attrs
import click
import trio

from bench.equipment.http_client import connection
from bench.equipment.http_connection import UnexpectedAnswer
from bench.equipment.load_process import busy_share, warnings
from bench.equipment.measure import reading
from bench.equipment.place import Place, opened, until_history_is_read, url_option
from bench.equipment.report import Figure, Report, json_option, progress_bar
from bench.load.audience import send
from bench.load.senders import Answers, Load
from bench.logs.edit_logs import lay_picture

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@url_option
@click.option("--connections", default=64, show_default=True, type=click.IntRange(1, 1_000))
@click.option(
    "--seconds", default=3.0, show_default=True, type=click.FloatRange(0.1, 3_600), help="Length of each run."
)
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1, 100))
@json_option
def image(
    url: str | None, pid: int | None, connections: int, seconds: float, runs: int, json_path: Path | None
) -> None:
    """GET /canvas.png in a closed loop, while nobody paints. Linux only."""

    async def measure() -> tuple[int, dict[str, list[dict[str, Any]]]]:
        loops: dict[str, list[dict[str, Any]]] = {"200": [], "304": []}
        with progress_bar("") as bar:
            task = bar.add_task("asking", total=2 * runs)
            async with opened(url, pid=pid, prepare=lay_picture) as place:
                await until_history_is_read(place.host, place.port)
                size, etag = await _image(place)
                load = Load(place.host, place.port, connections, 0.0, seconds, "GET", "/canvas.png")
                for _ in range(runs):
                    for status, headers in (("200", ""), ("304", f"If-None-Match: {etag}\r\n")):
                        loops[status].append(await _asked(place, attrs.evolve(load, headers=headers), status))
                        bar.advance(task)
        return size, loops

    size, loops = trio.run(measure)
    Report(
        bench="image",
        figures=[
            Figure("the image", float(size), "bytes"),
            *(figure for status, runs_ in loops.items() for figure in _figures(status, runs_)),
        ],
        options={"url": url, "connections": connections, "seconds": seconds, "runs": runs},
        details=loops,
        notes=warnings(run["share"] for several in loops.values() for run in several),
    ).publish(json_path)


async def _image(place: Place) -> tuple[int, str]:
    async with connection(place.host, place.port) as link:
        answer = await link.request("GET", "/canvas.png")
    if answer.status != 200 or "etag" not in answer.headers:
        raise UnexpectedAnswer(f"GET /canvas.png answered {answer.status} without an ETag")
    return len(answer.body), answer.headers["etag"]


async def _asked(place: Place, load: Load, status: str) -> dict[str, Any]:
    before = reading(place.pid).cpu if place.pid else float("nan")
    answers: Answers = await send(load)
    if set(answers.statuses) != {status}:
        raise UnexpectedAnswer(f"GET /canvas.png answered {answers.statuses}, rather than {status}")
    cpu = (reading(place.pid).cpu if place.pid else float("nan")) - before
    return {**attrs.asdict(answers), "cpu_seconds": cpu, "share": busy_share([answers.busy])}


def _figures(status: str, runs: list[dict[str, Any]]) -> list[Figure]:
    def rate(run: dict[str, Any]) -> float:
        return float(run["statuses"][status] / run["seconds"])

    figures = [
        Figure(f"{status}: answers", median(map(rate, runs)), "per second"),
        Figure(f"{status}: latency, p99", median(run["latency_ms"]["p99"] for run in runs), "ms"),
        Figure(f"{status}: the client's core, busy", 100 * max(run["share"] for run in runs), "%"),
    ]
    cpu = median(1e6 * run["cpu_seconds"] / run["statuses"][status] for run in runs)
    return [*figures, Figure(f"{status}: CPU per answer", cpu, "us")] if cpu == cpu else figures
