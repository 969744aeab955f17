"""`upgrade`: how long nobody answers while a server hands over to a new process (SIGUSR2), and which clients notice.

Some clients open a new connection for each request, so that a request is always under way: the longest pause between
two answers is the time in which nobody answered. Others place edits on a connection that they keep, and count the
answers other than 200. Others follow the stream, and come back at once when it ends; a browser would wait some seconds.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Final

import attrs
import click
import trio

from bench.equipment.http_client import connection
from bench.equipment.http_connection import UnexpectedAnswer
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.equipment.server_process import running_server, serving
from bench.logs.edit_logs import fill, open_past_log
from placed.storage.folder_lock import LOCK_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

_VISITORS: Final = 4
_PAUSE_SECONDS: Final = 0.002
_SETTLE_SECONDS: Final = 1.0  # before and after, so that a pause at either end is seen
_LIMIT_SECONDS: Final = 120.0
_CUT: Final = (OSError, UnexpectedAnswer, trio.BrokenResourceError)


@attrs.define
class _Seen:
    """What clients saw during one handover; times by `perf_counter`, in s."""

    answered: list[float] = attrs.field(factory=list)
    broken: int = 0
    placed: int = 0
    refused: int = 0
    unanswered: int = 0
    away_seconds: list[float] = attrs.field(factory=list)
    reloads: int = 0
    handover_seconds: float = 0.0

    @property
    def silent_seconds(self) -> float:
        """The longest pause between two answers."""
        return max(later - earlier for earlier, later in pairwise(sorted(self.answered)))


@click.command()
@click.option("--edits", default=1_000_000, show_default=True, type=click.IntRange(1), help="Edits in the log.")
@click.option("--viewers", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--painters", default=4, show_default=True, type=click.IntRange(1, 100))
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1, 100))
@json_option
def upgrade(edits: int, viewers: int, painters: int, runs: int, json_path: Path | None) -> None:
    """Time without an answer while a server hands over to a new process, and what clients notice of it."""
    with progress_bar("") as bar:
        task = bar.add_task("handing over", total=runs)
        seen = trio.run(_measure, edits, viewers, painters, runs, lambda: bar.advance(task))
    options = {"edits": edits, "viewers": viewers, "painters": painters, "runs": runs}
    details = {"runs": [attrs.asdict(one) | {"answered": len(one.answered)} for one in seen]}
    Report(bench="upgrade", figures=_figures(seen), options=options, details=details).publish(json_path)


def _figures(seen: list[_Seen]) -> list[Figure]:
    silent = [one.silent_seconds for one in seen]
    away = [seconds for one in seen for seconds in one.away_seconds]
    return [
        Figure("nobody answers, median", median(silent), "s"),
        Figure("nobody answers, longest", max(silent), "s"),
        Figure("from the signal to the old process's end, median", median(one.handover_seconds for one in seen), "s"),
        Figure("a stream is away, median", median(away), "s"),
        Figure("a stream is away, longest", max(away), "s", Target(5.0)),
        Figure("connections refused or cut", sum(one.broken for one in seen), "", Target(0, inclusive=True)),
        Figure("streams told to reload", sum(one.reloads for one in seen), "", Target(0, inclusive=True)),
        Figure("edits placed meanwhile", sum(one.placed for one in seen), ""),
        Figure("edits answered 503", sum(one.refused for one in seen), ""),
        Figure("edits without an answer", sum(one.unanswered for one in seen), ""),
    ]


async def _measure(edits: int, viewers: int, painters: int, runs: int, advance: Callable[[], None]) -> list[_Seen]:
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder:
        data = Path(folder)
        async with open_past_log(data / "log") as log:
            await fill(log, edits=edits, record_edits=min(edits, 1_000), advance=lambda _count: None)
        async with running_server(serving(data, "--log-level", "error")) as server:
            pid = server.process.pid
            try:
                return [
                    await _hand_over(server.host, server.port, data, viewers, painters, advance) for _ in range(runs)
                ]
            finally:
                with contextlib.suppress(ProcessLookupError):
                    if (last := _holder(data)) != pid:
                        os.kill(last, signal.SIGTERM)
                        await _ended(last)


def _holder(data: Path) -> int:
    """The id of the process that serves the folder."""
    return int((data / LOCK_NAME).read_text().partition("\n")[0])


async def _hand_over(
    host: str, port: int, data: Path, viewers: int, painters: int, advance: Callable[[], None]
) -> _Seen:
    seen = _Seen()
    async with trio.open_nursery() as nursery:
        for _ in range(_VISITORS):
            nursery.start_soon(_visit, host, port, seen)
        for number in range(painters):
            nursery.start_soon(_paint, host, port, number, seen)
        for _ in range(viewers):
            await nursery.start(_watch, host, port, seen)
        await trio.sleep(_SETTLE_SECONDS)
        old, began = _holder(data), perf_counter()
        os.kill(old, signal.SIGUSR2)
        with trio.fail_after(_LIMIT_SECONDS):
            while _holder(data) == old or len(seen.away_seconds) < viewers:  # noqa: ASYNC110 - no event for it
                await trio.sleep(_PAUSE_SECONDS)
        await _ended(old)
        seen.handover_seconds = perf_counter() - began
        await trio.sleep(_SETTLE_SECONDS)
        nursery.cancel_scope.cancel()
    advance()
    return seen


async def _ended(pid: int) -> None:
    """Wait until the process is gone. The first one is our child; the code that started it waits for it."""
    with trio.fail_after(_LIMIT_SECONDS):
        while _state(pid) not in ("", "Z"):  # noqa: ASYNC110 - it is nobody's child here
            await trio.sleep(_PAUSE_SECONDS)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


async def _visit(host: str, port: int, seen: _Seen) -> None:
    while True:
        try:
            async with connection(host, port) as link:
                await link.request("GET", "/healthz")
        except _CUT:
            seen.broken += 1
        else:
            seen.answered.append(perf_counter())
        await trio.sleep(_PAUSE_SECONDS)


async def _paint(host: str, port: int, number: int, seen: _Seen) -> None:
    while True:
        is_asking = False
        try:
            async with connection(host, port) as link:
                while True:
                    is_asking = True
                    answer = await link.request("POST", f"/edit?x={number}&y=1&color=1")
                    if answer.status == 200:
                        seen.placed += 1
                    else:
                        seen.refused += 1
                    is_asking = False
                    await trio.sleep(_PAUSE_SECONDS)
        except _CUT:
            seen.unanswered += is_asking


async def _watch(host: str, port: int, seen: _Seen, *, task_status: trio.TaskStatus[None]) -> None:
    async with connection(host, port) as link:
        version: int = (await link.request("GET", "/info")).json()["version"]
    ended: float | None = None
    while True:
        with contextlib.suppress(*_CUT):
            async with connection(host, port) as link:
                async for event in link.events(f"/edits?v={version}"):
                    if event.startswith(b"event: reload"):
                        seen.reloads += 1
                    elif event.startswith(b"id: "):
                        version = int(event[4 : event.index(b"\n")])
                        if ended is not None:
                            seen.away_seconds.append(perf_counter() - ended)
                            ended = None
                        task_status.started()
                        task_status = trio.TASK_STATUS_IGNORED
        ended = perf_counter() if ended is None else ended
