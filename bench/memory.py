"""`memory`: how much memory a server uses, empty and in the course of a day's traffic.

The day is 24 hours of 333 edits a second, 28.8 million in all, by 1.1 million authors. The bench puts them into the log
of a whole server in minutes (`bench.logs.traffic`). Time runs hundreds of times faster there, so a charge comes back
that much faster, and as many authors owe charges at once as on a real day. With --charge-seconds 1, all authors of an
hour or more owe charges at once, and the cooldowns reach their bound of 200,000. Meanwhile one client follows the
stream, and another loads the page, the image and /metrics every hour of the day. A second server gets real POSTs.
Resident memory is Linux's VmRSS: anonymous memory, which is the process's own, and pages of mapped files, which rise
and fall by up to one step of the log's map.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click
import trio

from bench.equipment.http_client import Connection, connection
from bench.equipment.http_connection import UnexpectedAnswer
from bench.equipment.measure import resident_bytes
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.equipment.server_process import ServerFailed, ServerProcess, running_server, serving
from placed.storage.lmdb_environment import MAP_STEP_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

_DAY_EDITS: Final = 28_800_000
_HOURS: Final = 24
_LINE_SECONDS: Final = 120.0
_WARM_HOURS: Final = 2  # by then the feed, the tail and the cooldowns are at their bounds
_MAP_MB: Final = MAP_STEP_BYTES / 1e6
_GROWTH_MB: Final = 5.0  # the allocator's own noise is smaller than this


@attrs.frozen
class _Sample:
    """The memory of one process at one moment, in bytes."""

    edits: int
    resident: dict[str, int]

    @property
    def megabytes(self) -> float:
        """VmRSS."""
        return self.resident["VmRSS"] / 1e6


@attrs.define
class _Outcome:
    """Samples: of a plain server with an empty canvas, of the same after POSTs, and of a server through the day."""

    empty: list[_Sample] = attrs.field(factory=list)
    posted: list[_Sample] = attrs.field(factory=list)
    day: list[_Sample] = attrs.field(factory=list)


@click.command()
@click.option("--edits", default=_DAY_EDITS, show_default=True, type=click.IntRange(1), help="Edits of the day.")
@click.option(
    "--record-edits", default=16, show_default=True, type=click.IntRange(1, 1000), help="Edits in a record, on average."
)
@click.option(
    "--charge-seconds",
    default=0.01,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Charge time during the day. The day passes in minutes, so 0.01 s is about 1 s of a real day.",
)
@click.option(
    "--posts", default=5_000, show_default=True, type=click.IntRange(0, 1_000_000), help="Edits that are really posted."
)
@click.option("--runs", default=3, show_default=True, type=click.IntRange(1, 20), help="Starts of the empty server.")
@json_option
def memory(edits: int, record_edits: int, charge_seconds: float, posts: int, runs: int, json_path: Path | None) -> None:
    """Resident memory of an empty server, and of one during a day of traffic."""
    if not Path("/proc/self/status").exists():
        raise click.ClickException("memory is read from /proc, which only Linux has")
    outcome = _Outcome()
    with progress_bar("edits") as bar:
        task = bar.add_task("posting", total=posts)
        trio.run(_plain, outcome, posts, runs, lambda: bar.advance(task))
        task = bar.add_task("a day's traffic", total=edits)
        arguments = [str(edits), str(record_edits), str(charge_seconds)]
        trio.run(_day, outcome, edits, arguments, lambda done: bar.update(task, completed=done))
    options = {
        "edits": edits,
        "record_edits": record_edits,
        "charge_seconds": charge_seconds,
        "posts": posts,
        "runs": runs,
    }
    Report(bench="memory", figures=_figures(outcome), options=options, details=_details(outcome)).publish(json_path)


async def _plain(outcome: _Outcome, posts: int, runs: int, advance: Callable[[], None]) -> None:
    for _ in range(runs):
        with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder:
            async with running_server(serving(Path(folder))) as server:
                async with connection(server.host, server.port) as link:
                    await _look(link)  # measures an empty canvas that somebody looks at, not an idle process
                    outcome.empty.append(_Sample(0, resident_bytes(server.process.pid)))
                    for number in range(posts if not outcome.posted else 0):
                        await _post(link, number)
                        advance()
                    await _look(link)
                if not outcome.posted:
                    outcome.posted.append(_Sample(posts, resident_bytes(server.process.pid)))


async def _look(link: Connection) -> None:
    for target in ("/", "/info", "/canvas.png", "/metrics"):
        answer = await link.request("GET", target)
        if answer.status != 200:
            raise UnexpectedAnswer(f"GET {target} answered {answer.status}")


async def _post(link: Connection, number: int) -> None:
    answer = await link.request("POST", f"/edit?x={number % 1000}&y={number // 1000 % 1000}&color={number % 16}")
    if answer.status != 200:
        raise UnexpectedAnswer(f"POST /edit answered {answer.status} {answer.body!r}")


async def _day(outcome: _Outcome, edits: int, arguments: list[str], progress: Callable[[int], None]) -> None:
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder:
        command = [sys.executable, "-m", "bench.logs.traffic", folder, *arguments]
        async with (
            running_server(command) as server,
            connection(server.host, server.port) as link,
            connection(server.host, server.port) as stream,
            trio.open_nursery() as nursery,
        ):
            await _look(link)
            version = (await link.request("GET", "/info")).json()["version"]
            nursery.start_soon(_follow, stream, version)
            outcome.day.append(_Sample(0, resident_bytes(server.process.pid)))
            await _sample_hours(outcome, server, link, edits, progress)
            nursery.cancel_scope.cancel()


async def _sample_hours(
    outcome: _Outcome, server: ServerProcess, link: Connection, edits: int, progress: Callable[[int], None]
) -> None:
    assert server.process.stdin is not None
    await server.process.stdin.send_all(b"begin\n")
    hour = 1
    while hour <= _HOURS:
        with trio.fail_after(_LINE_SECONDS):
            done = await _newest_count(server)
        progress(done)
        if done >= edits * hour // _HOURS:
            await _look(link)
            outcome.day.append(_Sample(done, resident_bytes(server.process.pid)))
            hour = done * _HOURS // edits + 1


async def _newest_count(server: ServerProcess) -> int:
    """The newest number that `bench.logs.traffic` has printed since the last call; waits for one."""
    assert server.process.stdout is not None
    said = b""
    while not said.endswith(b"\n"):
        data = await server.process.stdout.receive_some()
        if not data:
            raise ServerFailed("the server ended amid the traffic")
        said += data
    return int(said.split()[-1])


async def _follow(stream: Connection, version: int) -> None:
    async for _ in stream.follow(version):
        pass
    raise UnexpectedAnswer("the stream ended amid the traffic")


def _figures(outcome: _Outcome) -> list[Figure]:
    empty = sorted(outcome.empty, key=lambda sample: sample.megabytes)[len(outcome.empty) // 2]
    first, last = outcome.day[0], outcome.day[-1]
    warm = outcome.day[min(_WARM_HOURS, len(outcome.day) - 1)]
    target = Target(120.0)
    since = f"growth from {_WARM_HOURS} h to {_HOURS} h"
    return [
        Figure("empty 1000 x 1000 canvas, resident", empty.megabytes, "MB", target),
        Figure("empty, of it anonymous", empty.resident["RssAnon"] / 1e6, "MB"),
        Figure("empty, of it files (libraries, the log's map)", empty.resident["RssFile"] / 1e6, "MB"),
        Figure(f"after {outcome.posted[0].edits:,} POSTs", outcome.posted[0].megabytes, "MB", target),
        Figure("the day's server, before its traffic", first.megabytes, "MB"),
        Figure(f"after {_WARM_HOURS} h, {warm.edits:,} edits", warm.megabytes, "MB", target),
        Figure(f"after {_HOURS} h, {last.edits:,} edits", last.megabytes, "MB", target),
        Figure("most in any hour", max(sample.megabytes for sample in outcome.day), "MB", target),
        Figure(f"{since}, of anonymous memory", _grown_mb(warm, last, "RssAnon"), "MB", Target(_GROWTH_MB)),
        Figure(f"{since}, of mapped files", _grown_mb(warm, last, "RssFile"), "MB", Target(_MAP_MB)),
    ]


def _grown_mb(since: _Sample, until: _Sample, part: str) -> float:
    return (until.resident[part] - since.resident[part]) / 1e6


def _details(outcome: _Outcome) -> dict[str, Any]:
    return attrs.asdict(outcome)
