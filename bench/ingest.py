"""`ingest`: POST /edit over keep-alive connections: as fast as the server answers, and at a given rate.

Each answer is durable: fsync'd. With subscribers, both loops run in turn with nobody watching and with everybody
watching: the difference is what the watchers cost the painters. The bench compares people who have signed in, each with
a session, with people known by their address in the same way. The open loop measures latency from the moment when a
request was due, so that a server that stalls can't hide the waiting. (A closed loop hides it: it sends a slow server
fewer requests.)
"""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Any

import attrs
import click
import trio

from bench.equipment.cores import allow_connections
from bench.equipment.http_client import connection
from bench.equipment.load_process import busy_share, warnings
from bench.equipment.measure import reading
from bench.equipment.place import Place, opened, url_option
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.load.audience import audience, present, read_every_option, send
from bench.load.senders import Answers, Load
from placed.http.askers import COOKIE
from placed.people.sessions import DAY_MS, Sessions
from placed.storage.author_key import author_key

if TYPE_CHECKING:
    from pathlib import Path

_LEFT = Target(0.6, at_least=True)
_SIGNED_IN = Target(0.9, at_least=True)  # issue 19


@attrs.frozen
class _Run:
    """One time of sending, and the CPU time that it cost the server, in s."""

    answers: Answers
    cpu_seconds: float

    @property
    def placed(self) -> int:
        """How many edits were answered 200."""
        return self.answers.statuses.get("200", 0)

    @property
    def per_second(self) -> float:
        """Edits answered 200, per second."""
        return self.placed / self.answers.seconds

    @property
    def refused(self) -> int:
        """How many requests weren't answered 200."""
        return sum(self.answers.statuses.values()) - self.placed + self.answers.unanswered


@click.command()
@url_option
@click.option("--connections", default=64, show_default=True, type=click.IntRange(1, 1_000))
@click.option(
    "--rate",
    default=2_000.0,
    show_default=True,
    type=click.FloatRange(0.1, 50_000),
    help="Edits a second in the open loop.",
)
@click.option(
    "--seconds", default=5.0, show_default=True, type=click.FloatRange(0.1, 3_600), help="Length of each loop."
)
@click.option(
    "--subscribers",
    default=0,
    show_default=True,
    type=click.IntRange(0, 100_000),
    help="Also measure with this many subscribers watching.",
)
@click.option(
    "--people",
    default=0,
    show_default=True,
    type=click.IntRange(0, 1_000),
    help="Signed-in people who paint, in every second run; not with --url.",
)
@read_every_option
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1, 100))
@json_option
def ingest(
    url: str | None,
    pid: int | None,
    connections: int,
    rate: float,
    seconds: float,
    subscribers: int,
    people: int,
    every_ms: float,
    runs: int,
    json_path: Path | None,
) -> None:
    """POST /edit in a closed and in an open loop, with nobody and with many watching. Linux only."""
    allow_connections(subscribers + connections)
    watched, signed_in = f", {subscribers:,} watching", f", {people:,} signed in"
    if people and url is not None:
        raise click.UsageError("--people needs a server of our own, to make sessions for it; leave out --url")
    keys: list[bytes] = []

    async def keep_key(data: Path) -> None:
        keys.append(author_key(data, None))

    async def measure() -> dict[str, list[_Run]]:
        loops: dict[str, list[_Run]] = defaultdict(list)
        with progress_bar("") as bar:
            task = bar.add_task("sending", total=2 * runs * (1 + bool(subscribers) + bool(people)))
            async with opened(url, pid=pid, prepare=keep_key) as place:
                load = await _load(place, connections)
                await _sent(place, attrs.evolve(load, seconds=min(1.0, seconds)))  # warms up

                async def send_both(suffix: str, load: Load = load) -> None:
                    for name, each in (("closed loop", 0.0), ("open loop", rate)):
                        loops[name + suffix].append(await _sent(place, attrs.evolve(load, rate=each, seconds=seconds)))
                        bar.advance(task)

                for _ in range(runs):
                    await send_both("")
                    if people:
                        await send_both(signed_in, attrs.evolve(load, people=_sessions(keys[0], people)))
                    if subscribers:
                        async with audience(place, await present(place), subscribers, every_ms=every_ms):
                            await send_both(watched)
        return loops

    loops = trio.run(measure)
    options = {"url": url, "connections": connections, "rate": rate, "seconds": seconds, "runs": runs}
    options |= {"subscribers": subscribers, "people": people, "read_every_ms": every_ms}
    Report(
        bench="ingest",
        figures=[figure for name, several in loops.items() for figure in _figures(name, several)]
        + ([_left(loops, watched, _LEFT)] if subscribers else [])
        + ([_left(loops, signed_in, _SIGNED_IN)] if people else []),
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
        Figure(f"{name}: edits", median(run.per_second for run in runs), "per second"),
        *(
            Figure(f"{name}: POST to durable answer, {key}", median(each.latency_ms[key] for each in answers), "ms")
            for key in ("p50", "p99", "p99.9")
        ),
        Figure(f"{name}: requests refused or unanswered", float(sum(run.refused for run in runs)), ""),
        Figure(f"{name}: the client's core, busy", 100 * max(busy_share([each.busy]) for each in answers), "%"),
    ]
    cpu = median(1e6 * run.cpu_seconds / max(1, run.placed) for run in runs)
    return [*figures, Figure(f"{name}: CPU per edit", cpu, "us")] if cpu == cpu else figures  # NaN without a process


def _left(loops: dict[str, list[_Run]], suffix: str, target: Target) -> Figure:
    """The share of the closed loop's edits left under `suffix`; each run is compared with the plain run before it."""
    pairs = zip(loops["closed loop"], loops["closed loop" + suffix], strict=True)
    shares = [beside.per_second / alone.per_second for alone, beside in pairs]
    return Figure(f"closed loop{suffix}: edits, of those without", median(shares), "", target)


def _sessions(key: bytes, people: int) -> tuple[str, ...]:
    """The header line of each person's session."""
    sessions = Sessions(key, {}, DAY_MS)
    return tuple(f"Cookie: {COOKIE}={sessions.begin(author)}\r\n" for author in range(1, people + 1))


def _as_json(run: _Run) -> dict[str, Any]:
    return {**attrs.asdict(run.answers), "cpu_seconds": run.cpu_seconds}
