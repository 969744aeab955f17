"""`start`: the time from exec to an open port, and to the first 200 of /readyz, with a long log.

The first start has no snapshot: it replays the whole log, and saves a snapshot when it stops. Several starts with that
snapshot follow. Even these read the newest records again, `placed.tasks.recovery.FEED_RECORDS` of them, so that the
feed reaches back. Records of 1,000 edits are therefore the hard case.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import attrs
import click
import trio

from bench.equipment.http_client import connection
from bench.equipment.http_connection import UnexpectedAnswer
from bench.equipment.measure import NOTHING_SPENT, Spent, as_json, median_spent, reading
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.equipment.server_process import ROOT, running_server, seconds_logged, serving, users_environment
from bench.logs.edit_logs import fill, open_past_log

if TYPE_CHECKING:
    from collections.abc import Callable

_STEPS: Final = {
    "Python itself": "pass",
    "all imports": "import placed.commands.cli, placed.service.process",
}
_READY_SECONDS = 30.0


@attrs.frozen
class _Start:
    """One start. `listening` and `ready` begin at exec; `recovery_seconds` is the time that the server logged."""

    listening: Spent
    ready: Spent
    recovery_seconds: float


@attrs.frozen
class _Outcome:
    """Starts on one log, and the parts of a start that can run alone."""

    log_bytes: int
    without_snapshot: _Start
    with_snapshot: list[_Start]
    alone: dict[str, list[Spent]]


@click.command()
@click.option("--edits", default=10_000_000, show_default=True, type=click.IntRange(1), help="Edits in the log.")
@click.option("--record-edits", default=1_000, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1, 100))
@json_option
def start(edits: int, record_edits: int, runs: int, json_path: Path | None) -> None:
    """Time from exec to an open port, and to /readyz, with a snapshot and a long log."""
    outcome = trio.run(_measure, edits, record_edits, runs)
    options = {"edits": edits, "record_edits": record_edits, "runs": runs}
    Report(bench="start", figures=_figures(outcome), options=options, details=_details(outcome)).publish(json_path)


async def _measure(edits: int, record_edits: int, runs: int) -> _Outcome:
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder, progress_bar("") as bar:
        data = Path(folder)
        task = bar.add_task("making the log: edits", total=edits)
        async with open_past_log(data / "log") as log:
            await fill(log, edits=edits, record_edits=record_edits, advance=lambda count: bar.advance(task, count))
        task = bar.add_task("starting", total=2 + runs * (1 + len(_STEPS)))
        without = await _start(data)
        await _start(data)  # don't count the first start with a snapshot: it may have compiled a module
        bar.advance(task, 2)
        starts = await _times(runs, lambda: _start(data), lambda: bar.advance(task))
        alone = {name: [] for name in _STEPS}  # type: dict[str, list[Spent]]
        for _ in range(runs):
            for name, code in _STEPS.items():
                alone[name].append(await _run_alone(code))
                bar.advance(task)
        return _Outcome((data / "log" / "data.mdb").stat().st_size, without, starts, alone)


async def _times(runs: int, one: Callable[[], Any], advance: Callable[[], None]) -> list[_Start]:
    starts = []
    for _ in range(runs):
        starts.append(await one())
        advance()
    return starts


async def _start(data: Path) -> _Start:
    begin = attrs.evolve(NOTHING_SPENT, wall=reading().wall)
    async with running_server(serving(data)) as server:
        listening = reading(server.process.pid) - begin
        with trio.fail_after(_READY_SECONDS):
            async with connection(server.host, server.port) as link:
                answer = await link.request("GET", "/readyz")
        ready = reading(server.process.pid) - begin
        if answer.status != 200:
            raise UnexpectedAnswer(f"/readyz answered {answer.status}")
        return _Start(listening, ready, seconds_logged(server, "the log is read"))


async def _run_alone(code: str) -> Spent:
    """The time that `python -c code` takes; the child prints its own scheduler statistics as it ends."""
    epilogue = "\nfrom pathlib import Path\ntry: print(Path('/proc/self/schedstat').read_text())\nexcept OSError: pass"
    began = reading().wall
    done = await trio.run_process(
        [sys.executable, "-c", code + epilogue],
        capture_stdout=True,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=users_environment(),
    )
    wall = reading().wall - began
    fields = [int(field) / 1e9 for field in done.stdout.split()]
    return Spent(wall, *fields[:2]) if fields else Spent(wall, 0.0, 0.0)


def _figures(outcome: _Outcome) -> list[Figure]:
    listening = median_spent([each.listening for each in outcome.with_snapshot])
    ready = median_spent([each.ready for each in outcome.with_snapshot])
    alone = {name: median_spent(runs).unwaited for name, runs in outcome.alone.items()}
    recovery = median(each.recovery_seconds for each in outcome.with_snapshot)
    target = Target(1.0)
    return [
        Figure("with a snapshot, to an open port", listening.wall, "s", target),
        Figure("with a snapshot, to an open port, without waiting", listening.unwaited, "s", target),
        Figure("with a snapshot, to /readyz", ready.wall, "s", target),
        Figure("with a snapshot, to /readyz, without waiting", ready.unwaited, "s", target),
        Figure("of it: Python itself", alone["Python itself"], "s"),
        Figure("of it: imports", alone["all imports"] - alone["Python itself"], "s"),
        Figure("of it: snapshot and the newest records (wall)", recovery, "s"),
        Figure("of it: first request", ready.unwaited - listening.unwaited, "s"),
        Figure("without a snapshot, to an open port", outcome.without_snapshot.listening.wall, "s"),
        Figure(
            "without a snapshot, to an open port, without waiting", outcome.without_snapshot.listening.unwaited, "s"
        ),
        Figure("log on disk", outcome.log_bytes / 1e6, "MB"),
    ]


def _details(outcome: _Outcome) -> dict[str, Any]:
    return {
        "log_bytes": outcome.log_bytes,
        "listening": as_json([each.listening for each in outcome.with_snapshot]),
        "ready": as_json([each.ready for each in outcome.with_snapshot]),
        "recovery_seconds": [each.recovery_seconds for each in outcome.with_snapshot],
        "without_snapshot": as_json([outcome.without_snapshot.listening]),
        "alone": {name: as_json(runs) for name, runs in outcome.alone.items()},
    }
