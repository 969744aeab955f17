"""`acts`: what a large act costs the people who paint and watch: the whole canvas is restored to an hour ago.

A server has two hours of painting in its log and its history. A crowd follows the server as the page does, and each
person has a canvas. A separate process places edits at a steady rate. Then the host posts the act. The server tells
each subscriber to load the image again, and the subscriber does so at once.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import subprocess
import tempfile
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click
import numpy as np
import trio
from PIL import Image

from bench.equipment.cores import allow_connections, pin, server_cores
from bench.equipment.http_client import connection
from bench.equipment.http_connection import UnexpectedAnswer
from bench.equipment.load_process import Busy, busy_share, load_process, warnings
from bench.equipment.place import until_history_is_read
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.equipment.server_process import COMMAND, ROOT, running_server, serving, users_environment
from bench.load.audience import send
from bench.load.senders import Answers, Load
from bench.logs.edit_logs import CANVAS, random_edits
from bench.people.crowd import Event
from placed.backends.lmdb.filling import fill_lmdb_log
from placed.canvas.events import Canvas, Edits

if TYPE_CHECKING:
    from bench.equipment.load_process import LoadProcess
    from bench.equipment.server_process import ServerProcess

_HOURS: Final = 2
_RECORD_EDITS: Final = 10
_ARRIVAL_SECONDS: Final = 5.0
_CALM_SECONDS: Final = 4.0  # of painting before the act: the figures without an act
_BEFORE_SECONDS: Final = 1.0  # of painting before the bench posts the act
_BESIDE_SECONDS: Final = 8.0  # of painting during and after the act, while everybody loads the canvas again
_RIGHT_SECONDS: Final = 60.0  # that the bench waits until every canvas is right
_LOOK_SECONDS: Final = 0.1


@attrs.define
class _Outcome:
    """The measured values.

    Attributes:
        pixels: how many pixels the act changed.
        act_seconds: from the request to the answer, in s.
        right_seconds: from the answer until everybody followed again with the newest canvas, in s.
        wrong: people whose canvas differed from the server's at the end.
        each_bytes: size of the image that each person loads again.
        calm, beside: the edits before the act, and the edits from just before the act on.
        told: the crowd's last report.
    """

    pixels: int = 0
    act_seconds: float = 0.0
    right_seconds: float = float("inf")
    wrong: int = 0
    each_bytes: int = 0
    calm: Answers = attrs.field(factory=Answers)
    beside: Answers = attrs.field(factory=Answers)
    told: dict[str, Any] = attrs.field(factory=dict)
    shares: list[float] = attrs.field(factory=list)


@click.command()
@click.option("--people", default=1_000, show_default=True, type=click.IntRange(1, 20_000), help="People who follow.")
@click.option("--rate", default=333.0, show_default=True, type=click.FloatRange(0.1, 10_000), help="Edits a second.")
@json_option
def acts(people: int, rate: float, json_path: Path | None) -> None:
    """Restore the whole canvas to an hour ago while people follow and paint. Linux only."""
    allow_connections(people)
    outcome = trio.run(_measure, people, rate)
    Report(
        bench="acts",
        figures=_figures(outcome, people),
        options={"people": people, "rate": rate},
        details=attrs.asdict(outcome),
        notes=warnings(outcome.shares),
    ).publish(json_path)
    if outcome.wrong:
        raise SystemExit(1)


async def _measure(people: int, rate: float) -> _Outcome:
    outcome = _Outcome()
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder, progress_bar("") as bar:
        files = Path(folder)
        task = bar.add_task("steps", total=4)
        await _fill(files / "data" / "log", rate)
        np.save(files / "edits.npy", random_edits(np.random.default_rng(4), 0))  # the crowd itself only looks
        bar.advance(task)
        command = serving(files / "data", "--trusted-proxy", "127.0.0.1", "--unlimited-client", "0.0.0.0/0")
        async with running_server(command) as server:
            pin(server.process.pid, server_cores())
            await until_history_is_read(server.host, server.port)
            token = await trio.to_thread.run_sync(_token, files / "data")
            bar.advance(task)
            about = Event(
                *(server.host, server.port, people, _ARRIVAL_SECONDS, 1.0, str(files / "edits.npy"), 0.0),
                *(CANVAS.width, CANVAS.height, CANVAS.colors),
            )
            async with load_process("bench.people.crowd", about) as crowd:
                await _follow(crowd, outcome, people, 0, trio.current_time() + _ARRIVAL_SECONDS + _RIGHT_SECONDS)
                load = Load(server.host, server.port, rate=rate, seconds=_CALM_SECONDS)
                outcome.calm = await send(load)
                bar.advance(task)
                await _beside(server, crowd, token, attrs.evolve(load, seconds=_BESIDE_SECONDS), outcome, people)
                bar.advance(task)
                await _compare(server, crowd, outcome, people)
    return outcome


async def _fill(folder: Path, rate: float) -> None:
    """Make a log with the last hours of painting."""
    await trio.Path(folder).mkdir(parents=True)
    end = time.time_ns() // 1_000_000 - 1_000
    begin = end - _HOURS * 3_600_000
    edits = random_edits(np.random.default_rng(3), round(_HOURS * 3_600 * rate))
    values = [Edits(edits[at : at + _RECORD_EDITS]).encode() for at in range(0, len(edits), _RECORD_EDITS)]
    async with fill_lmdb_log(folder, created_ms=begin) as log:
        await log.extend(np.array([begin]), [Canvas(CANVAS).encode()])
        await log.extend(np.linspace(begin, end, len(values)).astype(np.int64), values)


def _token(data: Path) -> str:
    command = [*COMMAND, "people", "token", "bench", "--role", "host", "--data", str(data)]
    done = subprocess.run(command, cwd=ROOT, env=users_environment(), capture_output=True, text=True, check=True)
    return done.stdout.strip()


async def _look(crowd: LoadProcess, outcome: _Outcome) -> dict[str, Any]:
    told: dict[str, Any] = await crowd.ask()
    outcome.told = told
    outcome.shares.append(busy_share([Busy(**told["busy"])]))
    return told


async def _follow(crowd: LoadProcess, outcome: _Outcome, people: int, reloads: int, deadline: float) -> bool:
    """Wait until all people follow, and have loaded `reloads` images again; return whether they have."""
    while trio.current_time() < deadline:
        told = await _look(crowd, outcome)
        if told["following"] == people and told["reloads"] >= reloads:
            return True
        await trio.sleep(_LOOK_SECONDS)
    return False


async def _beside(
    server: ServerProcess, crowd: LoadProcess, token: str, load: Load, outcome: _Outcome, people: int
) -> None:
    """Do the act while edits come, and wait until every canvas is right again."""

    async def paint() -> None:
        outcome.beside = await send(load)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(paint)
        await trio.sleep(_BEFORE_SECONDS)
        await _act(server, token, outcome)
        answered = trio.current_time()
        if await _follow(crowd, outcome, people, people, answered + _RIGHT_SECONDS):
            outcome.right_seconds = trio.current_time() - answered


async def _act(server: ServerProcess, token: str, outcome: _Outcome) -> None:
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    act = {"kind": "restore", "area": [0, 0, CANVAS.width, CANVAS.height], "to": {"t": moment.isoformat()}}
    headers = [("Content-Type", "application/json"), ("Authorization", f"Bearer {token}")]
    async with connection(server.host, server.port) as link:
        began = trio.current_time()
        answer = await link.request("POST", "/acts", headers, json.dumps(act).encode())
        outcome.act_seconds = trio.current_time() - began
    if answer.status != 200:
        raise UnexpectedAnswer(f"POST /acts answered {answer.status}: {answer.body[:300]!r}")
    outcome.pixels = answer.json()["pixels"]


async def _compare(server: ServerProcess, crowd: LoadProcess, outcome: _Outcome, people: int) -> None:
    """Wait until everybody has the last edit; then compare all canvases with the server's image."""
    async with connection(server.host, server.port) as link:
        with trio.move_on_after(_RIGHT_SECONDS):
            while True:
                told = await _look(crowd, outcome)
                answer = await link.request("GET", "/canvas.png?fresh")
                if not told["behind"] and told["newest"] == int(answer.headers["x-canvas-version"]):
                    break
                await trio.sleep(_LOOK_SECONDS)
    outcome.each_bytes = len(answer.body)
    with Image.open(io.BytesIO(answer.body)) as image:
        digest = zlib.crc32(np.asarray(image, np.uint8).tobytes())
    told = outcome.told
    outcome.wrong = told["behind"] if digest == told["digest"] and not told["conflicts"] else people


def _figures(outcome: _Outcome, people: int) -> list[Figure]:
    return [
        Figure("people who follow", float(people), ""),
        Figure("pixels that the act changed", float(outcome.pixels), ""),
        Figure("the act, from request to answer", outcome.act_seconds, "s", Target(2.0)),
        *(Figure(f"an edit before the act, {name}", ms, "ms") for name, ms in outcome.calm.latency_ms.items()),
        *(
            Figure(f"an edit meanwhile, {name}", ms, "ms", Target(300.0) if name == "p99" else None)
            for name, ms in outcome.beside.latency_ms.items()
        ),
        Figure("images loaded again", float(outcome.told["reloads"]), ""),
        Figure("from the answer until all are right again", outcome.right_seconds, "s", Target(5.0)),
        Figure("the image that each loads", outcome.each_bytes / 1e6, "MB", Target(2.0)),
        Figure("people with a wrong canvas at the end", float(outcome.wrong), "", Target(0.0, inclusive=True)),
    ]
