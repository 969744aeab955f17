"""`soak`: an event's load for an hour, and whether anything grows: the server's memory, descriptors, threads, latency.

People come, load the page, follow, paint and go again (`bench.people.crowd`), so that a leak for each person who left
would show. Meanwhile one client places an edit a second, and waits until its own stream shows that edit.

The rule: the first sixth is warm-up. `bench.equipment.trend` fits a line through the rest of each series. A series is
flat if its line rises from start to end by no more than `_RULES` allows. All series have to be flat.

On a machine with other work, latency mostly shows that other work. To avoid this, give the server and its load
priority: `chrt --rr 1 python -m bench soak`, as root. `nice` isn't enough where the kernel groups processes by session,
because it only works within its own session.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click
import numpy as np
import trio

from bench.equipment.cores import allow_connections
from bench.equipment.http_client import connection
from bench.equipment.load_process import LoadProcess, load_process
from bench.equipment.measure import reading, resident_bytes
from bench.equipment.report import Figure, Report, Series, Target, json_option, progress_bar
from bench.equipment.server_process import running_server, serving
from bench.equipment.trend import Allowance, Trend, trend
from bench.logs.edit_logs import random_edits
from bench.people.crowd import Event
from bench.people.edit_rate import placed_figures, rate_option

if TYPE_CHECKING:
    from bench.equipment.server_process import ServerProcess

_SIDE_PX: Final = 1000
_COLORS: Final = 16
_WARM_UP_SHARE: Final = 1 / 6
_PROBE_SECONDS: Final = 1.0
_PROBE_LIMIT_SECONDS: Final = 30.0
_ARRIVAL_SECONDS: Final = 20.0
_MEGABYTE: Final = 1e6

# Memory may breathe: the server encodes images and saves snapshots. Descriptors come and go with people. Latency also
# depends on other work on the machine: a rise by half would be a trend, and less than 5 ms is noise.
_RULES: Final = {
    "memory": ("anonymous memory", "MB", Allowance(0.05, 4.0)),
    "descriptors": ("file descriptors beyond one for each person", "", Allowance(0.05, 20.0)),
    "threads": ("threads", "", Allowance(0.0, 1.0)),
    "edit_p50_ms": ("an edit is answered, p50", "ms", Allowance(0.5, 5.0)),
    "edit_p99_ms": ("an edit is answered, p99", "ms", Allowance(0.5, 20.0)),
    "seen_p50_ms": ("an edit is seen by another client, p50", "ms", Allowance(0.5, 20.0)),
}


@attrs.define
class _Sample:
    """The state at one moment, and the latencies since the previous sample.

    Attributes:
        cores: cores that the server used.
        waited: cores that the server was ready to use and didn't get.
        load: load of the machine in the last minute.
    """

    seconds: float
    memory: float
    resident: float
    descriptors: int
    threads: int
    following: int
    edit_p50_ms: float
    edit_p99_ms: float
    seen_p50_ms: float
    seen_p99_ms: float
    cores: float
    waited: float
    load: float


@attrs.define
class _Run:
    """The results of a soak."""

    samples: list[_Sample] = attrs.field(factory=list)
    told: dict[str, Any] = attrs.field(factory=dict)
    exit_code: int = -1


@click.command()
@click.option("--minutes", default=60.0, show_default=True, type=click.FloatRange(0.1, 10_080))
@click.option("--people", default=1_000, show_default=True, type=click.IntRange(1, 100_000))
@click.option(
    "--stay-seconds",
    default=120.0,
    show_default=True,
    type=click.FloatRange(1),
    help="How long a person stays, on average.",
)
@rate_option
@click.option(
    "--frames", default=10, show_default=True, type=click.IntRange(1, 1_000), help="Frames a second to each stream."
)
@click.option("--sample-seconds", default=10.0, show_default=True, type=click.FloatRange(0.5, 600))
@json_option
def soak(
    minutes: float,
    people: int,
    stay_seconds: float,
    rate: float,
    frames: int,
    sample_seconds: float,
    json_path: Path | None,
) -> None:
    """Load a server like an event for an hour, and see what grows. Exit code 1: something grows. Linux only."""
    allow_connections(people)
    if minutes * 60 < 8 * sample_seconds:
        raise click.BadParameter(
            f"{sample_seconds:g}; allowed is an eighth of the run at most", param_hint="--sample-seconds"
        )
    run = trio.run(_soak, minutes * 60, people, stay_seconds, rate, frames, sample_seconds)
    trends = _trends(run.samples)
    Report(
        bench="soak",
        figures=_figures(run, trends),
        options={
            "minutes": minutes,
            "people": people,
            "stay_seconds": stay_seconds,
            "rate": rate,
            "frames": frames,
            "sample_seconds": sample_seconds,
        },
        details={"samples": [attrs.asdict(sample) for sample in run.samples], "told": run.told},
        notes=[_verdict(run, trends)],
        series=_series(run.samples),
    ).publish(json_path)
    if not _sound(run) or not all(each.flat for each in trends.values()):
        raise SystemExit(1)


async def _soak(
    seconds: float, people: int, stay_seconds: float, rate: float, frames: int, sample_seconds: float
) -> _Run:
    run = _Run()
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder:
        edits = Path(folder) / "edits.npy"
        np.save(edits, random_edits(np.random.default_rng(2017), max(1, round(rate * seconds))))
        size = ("--width", str(_SIDE_PX), "--height", str(_SIDE_PX))
        flags = (*size, "--trusted-proxy", "127.0.0.1", "--max-frames-per-second", str(frames))
        async with running_server(serving(Path(folder) / "data", *flags)) as server:
            about = Event(
                *(server.host, server.port, people, _ARRIVAL_SECONDS, seconds, str(edits)),
                *(0.0, _SIDE_PX, _SIDE_PX, _COLORS, stay_seconds),
            )
            async with load_process("bench.people.crowd", about) as crowd:
                with progress_bar("s") as bar:
                    task = bar.add_task("soaking", total=round(seconds))
                    sampler = _Sampler(server, crowd, run)
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(sampler.probe)
                        while sampler.elapsed < seconds:
                            await trio.sleep(sample_seconds)
                            await sampler.sample()
                            bar.update(task, completed=round(sampler.elapsed))
                        nursery.cancel_scope.cancel()
            run.exit_code = await server.stop()
    return run


class _Sampler:
    """Looks at the server from outside, and places one edit a second."""

    def __init__(self, server: ServerProcess, crowd: LoadProcess, run: _Run) -> None:
        self._server = server
        self._crowd = crowd
        self._run = run
        self._began = trio.current_time()
        self._spent = reading(server.process.pid)
        self._seen_ms: list[float] = []

    @property
    def elapsed(self) -> float:
        """Seconds since the begin."""
        return trio.current_time() - self._began

    async def sample(self) -> None:
        """Take one sample."""
        pid = self._server.process.pid
        told = self._run.told = await self._crowd.ask()
        spent, before = reading(pid), self._spent
        self._spent = spent
        past = spent - before
        resident = resident_bytes(pid)
        seen, self._seen_ms = self._seen_ms or [np.nan], []
        edit_ms = told["edit_ms"]
        following = told["following"]
        self._run.samples.append(
            _Sample(
                seconds=self.elapsed,
                memory=resident["RssAnon"] / _MEGABYTE,
                resident=resident["VmRSS"] / _MEGABYTE,
                descriptors=len(os.listdir(f"/proc/{pid}/fd")) - following,  # noqa: PTH208 - only how many
                threads=len(os.listdir(f"/proc/{pid}/task")),  # noqa: PTH208
                following=following,
                edit_p50_ms=edit_ms.get("p50", np.nan),
                edit_p99_ms=edit_ms.get("p99", np.nan),
                seen_p50_ms=float(np.median(seen)),
                seen_p99_ms=float(np.percentile(seen, 99)),
                cores=_share(past.cpu, past.wall),
                waited=_share(past.waited, past.wall),
                load=os.getloadavg()[0],
            )
        )

    async def probe(self) -> None:
        """Place an edit a second, and note how long it takes until a stream shows it."""
        host, port = self._server.host, self._server.port
        versions = _Versions()
        async with connection(host, port) as painter, connection(host, port) as viewer, trio.open_nursery() as nursery:
            version = (await painter.request("GET", "/info")).json()["version"]
            nursery.start_soon(versions.follow, viewer.follow(version))
            for number in range(1 << 31):
                began = trio.current_time()
                x, y = number % _SIDE_PX, number // _SIDE_PX % _SIDE_PX
                answer = await painter.request("POST", f"/edit?x={x}&y={y}&color={number % _COLORS}")
                if answer.status == 200:
                    with trio.fail_after(_PROBE_LIMIT_SECONDS):
                        await versions.reach(answer.json()["v"])
                    self._seen_ms.append(1000 * (trio.current_time() - began))
                await trio.sleep_until(began + _PROBE_SECONDS)


def _share(spent: float, wall: float) -> float:
    """The share of a core; NaN where a thread has ended, because its time is missing in the sum then."""
    return spent / wall if spent >= 0 else np.nan


class _Versions:
    """The version that a stream has reached."""

    def __init__(self) -> None:
        self._newest = 0
        self._moved = trio.Event()

    async def follow(self, versions: Any) -> None:
        async for version in versions:
            self._newest = version
            self._moved.set()
            self._moved = trio.Event()

    async def reach(self, version: int) -> None:
        while self._newest < version:
            await self._moved.wait()


def _trends(samples: list[_Sample]) -> dict[str, Trend]:
    warm = samples[round(len(samples) * _WARM_UP_SHARE) :]
    times = [sample.seconds for sample in warm]
    return {
        name: trend(times, [float(getattr(sample, name)) for sample in warm], allowance)
        for name, (_, _, allowance) in _RULES.items()
    }


def _sound(run: _Run) -> bool:
    """Whether nothing broke apart from trends: everybody's canvas is right, and the server stopped when asked to."""
    return run.exit_code == 0 and run.told["conflicts"] == 0


def _verdict(run: _Run, trends: dict[str, Trend]) -> str:
    grown = [_RULES[name][0] for name, each in trends.items() if not each.flat]
    if not _sound(run):
        return f"BROKEN: exit code {run.exit_code}, {run.told['conflicts']} canvases in conflict"
    return f"NOT FLAT: {', '.join(grown)}" if grown else "FLAT: nothing grew by more than the rule allows"


def _figures(run: _Run, trends: dict[str, Trend]) -> list[Figure]:
    told, samples = run.told, run.samples
    figures = [
        *placed_figures(told["placed"]),
        Figure("people who came", float(told["arrived"]), ""),
        Figure("people who left", float(told["left"]), ""),
        Figure("people at once, median", float(np.median([sample.following for sample in samples])), ""),
        Figure("frames delivered", float(told["frames"]), ""),
        Figure("streams that the server ended", float(told["reconnects"]), "", Target(1.0)),
        Figure("canvases in conflict", float(told["conflicts"]), "", Target(1.0)),
        Figure("cores that the server used, mean", float(np.nanmean([sample.cores for sample in samples])), ""),
        Figure("cores that it waited for, mean", float(np.nanmean([sample.waited for sample in samples])), ""),
    ]
    for name, each in trends.items():
        title, unit, _ = _RULES[name]
        figures.append(Figure(f"{title}: median", each.median, unit))
        figures.append(Figure(f"{title}: growth", each.growth, unit, Target(each.allowed, inclusive=True)))
    return figures


def _series(samples: list[_Sample]) -> list[Series]:
    minutes = [sample.seconds / 60 for sample in samples]

    def of(title: str, unit: str, **lines: str) -> Series:
        values = {name: [float(getattr(sample, field)) for sample in samples] for field, name in lines.items()}
        return Series(title, unit, minutes, values)

    return [
        of("memory", "MB", memory="anonymous", resident="resident, with the log's pages"),
        of("people", "", following="who follow"),
        of("file descriptors, threads", "", descriptors="descriptors beyond one a person", threads="threads"),
        of("an edit is answered", "ms", edit_p50_ms="p50", edit_p99_ms="p99"),
        of("an edit is seen by another client", "ms", seen_p50_ms="p50", seen_p99_ms="p99"),
        of("cores", "", cores="used by the server", waited="waited for"),
    ]
