"""`compare`: placed and its peers, doing the same work in one run.

    fanout   edits are placed at a rate while subscribers watch: CPU time per frame that arrives
    ingest   POST /edit in a closed loop: placed answers once it is fsync'd, express with no log at all
    image    GET /canvas.png unchanged, in a closed loop, whole and as 304: express serves the same bytes from memory

The server has one core, its clients the other. The peers take turns, in the same order in each run, so that a busy
moment of the machine hits all of them. Each figure is a median over the runs.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import attrs
import click
import numpy as np
import trio

from bench.equipment.cores import allow_connections
from bench.equipment.http_client import connection
from bench.equipment.load_process import busy_share, warnings
from bench.equipment.measure import reading
from bench.equipment.place import until_history_is_read
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.load.audience import audience, place_edits, read_every_option, send
from bench.load.senders import Load
from bench.logs.edit_logs import lay_picture
from bench.peers import PEERS, NotHad

if TYPE_CHECKING:
    from bench.equipment.place import Place
    from bench.peers import Peer

_PARTS: Final = ("fanout", "ingest", "image")
_ALONE_SECONDS: Final = 2.0
_ENOUGH_FOR_MEMORY: Final = 1_000  # with fewer, memory that a server allocates only once would count as theirs
_FRAME_RATIOS: Final = {
    "C send() floor": Target(1.25),
    "nginx nchan": Target(0.9),
    "Node ws 8, express 4": Target(0.8),
    "Centrifugo 6": None,
    "placed, slow lane": None,
}
_EXPRESS: Final = "Node ws 8, express 4"
_TWICE: Final = Target(2.0, at_least=True)


@attrs.define
class _Outcome:
    """The values of all runs, by figure; and notes for the report."""

    values: dict[str, list[float]] = attrs.field(factory=dict)
    units: dict[str, str] = attrs.field(factory=dict)
    busy: list[float] = attrs.field(factory=list)
    notes: list[str] = attrs.field(factory=list)

    def add(self, name: str, value: float, unit: str) -> None:
        self.values.setdefault(name, []).append(value)
        self.units[name] = unit

    def of(self, name: str) -> float:
        """The median of a figure; NaN if it has no values."""
        return median(self.values.get(name, [np.nan]))


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice(_PARTS), default=_PARTS)
@click.option("--peer", "names", multiple=True, type=click.Choice(list(PEERS)), default=list(PEERS)[:-1])
@click.option("--subscribers", "crowds", multiple=True, default=(1_000, 10_000), type=click.IntRange(1, 100_000))
@click.option("--rate", "rates", multiple=True, default=(5.0, 10.0), type=click.FloatRange(0.1, 1_000))
@click.option(
    "--connections",
    default=64,
    show_default=True,
    type=click.IntRange(1, 1_000),
    help="Connections for POSTs and GETs.",
)
@click.option(
    "--seconds", default=4.0, show_default=True, type=click.FloatRange(0.1, 600), help="Length of each measurement."
)
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1, 100))
@read_every_option
@json_option
def compare(
    parts: tuple[str, ...],
    names: tuple[str, ...],
    crowds: tuple[int, ...],
    rates: tuple[float, ...],
    connections: int,
    seconds: float,
    runs: int,
    every_ms: float,
    json_path: Path | None,
) -> None:
    """Compare placed with a C program, nchan, Node's ws 8 and express 4, Centrifugo, and its slow lane. Linux only."""
    allow_connections(max(crowds))
    outcome = _Outcome()
    peers = _had([PEERS[name] for name in names], outcome)
    trio.run(_measure, outcome, peers, parts, crowds, rates, connections, seconds, runs, every_ms)
    options = {"parts": parts, "peers": [peer.name for peer in peers], "subscribers": crowds, "rates": rates}
    Report(
        bench="compare",
        figures=_figures(outcome, [peer.name for peer in peers], parts, crowds, rates),
        options={**options, "connections": connections, "seconds": seconds, "runs": runs, "read_every_ms": every_ms},
        details={"runs": outcome.values, "left out": outcome.notes},
        notes=[*outcome.notes, *warnings(outcome.busy)],
    ).publish(json_path)


def _had(peers: list[Peer], outcome: _Outcome) -> list[Peer]:
    had = []
    for peer in peers:
        try:
            peer.prepare()
        except NotHad as error:
            outcome.notes.append(f"{peer.name} is left out: {error}")
        else:
            had.append(peer)
    return had


async def _measure(
    outcome: _Outcome,
    peers: list[Peer],
    parts: tuple[str, ...],
    crowds: tuple[int, ...],
    rates: tuple[float, ...],
    connections: int,
    seconds: float,
    runs: int,
    every_ms: float,
) -> None:
    answering = [peer for peer in peers if peer.name in (_EXPRESS, "placed", "placed, slow lane")]
    fanouts = [(peer, crowd) for crowd in crowds for peer in peers] if "fanout" in parts else []
    loops = [(peer, part) for part in parts if part != "fanout" for peer in answering]
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder, progress_bar("") as bar:
        image = Path(folder) / "canvas.png"
        image.write_bytes(b"")
        task = bar.add_task("comparing", total=runs * (len(fanouts) + len(loops)))
        for _ in range(runs):
            for peer, crowd in fanouts:
                async with _running(peer, Path(folder), image) as place:
                    await _fanout(outcome, peer, place, crowd, rates, seconds, every_ms)
                bar.advance(task)
            for peer, part in loops:
                async with _running(peer, Path(folder), image, is_painted=part == "image") as place:
                    if part == "ingest":
                        await _ingest(outcome, peer, place, connections, seconds)
                    else:
                        await _image(outcome, peer, place, image, connections, seconds)
                bar.advance(task)


@contextlib.asynccontextmanager
async def _running(peer: Peer, folder: Path, image: Path, *, is_painted: bool = False) -> Any:
    with tempfile.TemporaryDirectory(dir=folder) as own:
        has_past = is_painted and peer.name.startswith("placed")
        if has_past:
            await lay_picture(Path(own))
        async with peer.running(Path(own), image) as place:
            if has_past:
                await until_history_is_read(place.host, place.port)
            yield place


async def _fanout(
    outcome: _Outcome, peer: Peer, place: Place, crowd: int, rates: tuple[float, ...], seconds: float, every_ms: float
) -> None:
    for_each = {rate: await _cost_alone(place, peer, rate) for rate in rates}
    async with audience(place, peer.dialect, crowd, every_ms=every_ms) as people:
        if crowd >= _ENOUGH_FOR_MEMORY:
            outcome.add(f"{crowd:,} subscribers: memory for each, {peer.name}", people.bytes_each, "bytes")
        await people.show(max(rates), 1.0)  # warms up
        for rate in rates:
            show = await people.show(rate, seconds)
            per_frame = 1e9 * (show.cpu_seconds - for_each[rate] * show.edits) / max(1, show.frames)
            outcome.add(f"{crowd:,} subscribers, {rate:g} frames/s: {peer.name}", per_frame, "ns of CPU per frame")
            late = np.percentile(show.latencies_ms, 99) if len(show.latencies_ms) else np.nan
            outcome.add(f"{crowd:,} subscribers, {rate:g} frames/s: p99, {peer.name}", float(late), "ms to delivered")
            share = show.frames / max(1, show.edits * crowd)
            outcome.add(f"{crowd:,} subscribers, {rate:g} frames/s: came, {peer.name}", 100 * share, "% of frames")
            outcome.busy.append(show.busy)


async def _cost_alone(place: Place, peer: Peer, rate: float) -> float:
    """CPU s of one edit at this rate while nobody watches: the rarer the edits, the colder the caches."""
    before = reading(place.pid).cpu
    alone = await place_edits(place, peer.dialect, rate, _ALONE_SECONDS)
    return (reading(place.pid).cpu - before) / max(1, len(alone.moments))


async def _ingest(outcome: _Outcome, peer: Peer, place: Place, connections: int, seconds: float) -> None:
    await send(Load(place.host, place.port, connections=connections, seconds=1.0))  # warms up
    answers = await send(Load(place.host, place.port, connections=connections, seconds=seconds))
    outcome.add(f"POST /edit: {peer.name}", answers.statuses.get("200", 0) / answers.seconds, "answered per second")
    outcome.add(f"POST /edit: p99, {peer.name}", answers.latency_ms["p99"], "ms to answered")
    outcome.busy.append(busy_share([answers.busy]))


async def _image(outcome: _Outcome, peer: Peer, place: Place, image: Path, connections: int, seconds: float) -> None:
    async with connection(place.host, place.port) as link:
        answer = await link.request("GET", "/canvas.png")
    if peer.name == "placed":
        await trio.Path(image).write_bytes(answer.body)  # for the peers that run after this one
    etag = answer.headers.get("etag", answer.headers.get("ETag", ""))
    for status, headers, what in (("200", "", "whole"), ("304", f"If-None-Match: {etag}\r\n", "304")):
        load = Load(place.host, place.port, connections, 0.0, seconds, "GET", "/canvas.png", headers=headers)
        answers = await send(load)
        count = answers.statuses.get(status, 0)
        outcome.add(f"GET /canvas.png, {what}: {peer.name}", count / answers.seconds, "answered per second")
        outcome.busy.append(busy_share([answers.busy]))


def _figures(
    outcome: _Outcome, names: list[str], parts: tuple[str, ...], crowds: tuple[int, ...], rates: tuple[float, ...]
) -> list[Figure]:
    figures = [Figure(name, outcome.of(name), outcome.units[name]) for name in outcome.values]
    for other, target in _FRAME_RATIOS.items():
        if other in names and "placed" in names and "fanout" in parts:
            for crowd in crowds:
                for rate in rates:
                    what = f"{crowd:,} subscribers, {rate:g} frames/s"
                    ratio = outcome.of(f"{what}: placed") / outcome.of(f"{what}: {other}")
                    figures.append(Figure(f"{what}: placed / {other}", ratio, "times", target))
    if {"placed", _EXPRESS} <= set(names):
        for what in ("POST /edit", "GET /canvas.png, whole", "GET /canvas.png, 304"):
            if f"{what}: placed" in outcome.values:
                ratio = outcome.of(f"{what}: placed") / outcome.of(f"{what}: {_EXPRESS}")
                figures.append(Figure(f"{what}: placed / express", ratio, "times", _TWICE))
    return figures
