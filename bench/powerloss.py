"""`powerloss`: the power goes off at every moment, and no edit that was answered 200 is lost.

The bench runs a server twice, from its first start on an empty disk, and paints on it. Meanwhile a recorder writes down
all that the server does to its data folder, and its answers (`bench.torturing.recorder.c`). Then, for each moment
between two syncs, the bench makes the folder as a disk may leave it (`bench.torturing.power`): without the data that
wasn't synced, with all of it, and with random sectors of it. The server's own recovery opens each such folder. Its log
must hold every record that any client knew of by then, and must be a beginning of the final log; the canvas must be
that log's canvas. Some of the folders go to a whole server, which has to start, show that canvas, and take another
edit.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import click
import trio

from bench.equipment.http_client import Connection, connection
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.logs.edit_logs import values_of
from bench.torturing import power, recorder
from bench.torturing.broken_promise import Broken
from bench.torturing.ledger import Ledger
from bench.torturing.life import ended, launched, ready
from bench.torturing.people import HOST, pixels_of
from bench.torturing.shim import can_preload, compiled
from placed.backends.lmdb.log import open_lmdb_log
from placed.canvas.cooldown import Rule
from placed.canvas.definition import Definition
from placed.canvas.palette import SEED
from placed.process.exit_codes import ExitCode
from placed.storage.snapshot_store import open_snapshot_store
from placed.tasks.recovery import Wanted, recover

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.torturing.recorder import Op

WIDTH: Final = 64
HEIGHT: Final = 48
_LIVES: Final = 2
_PAINTERS: Final = 4
_DEFINITION: Final = Definition(WIDTH, HEIGHT, SEED.rgb)
_SECONDS: Final = 60.0


@attrs.define
class _Story:
    """What happened."""

    ops: int = 0
    syncs: int = 0
    promised: int = 0
    crashes: dict[str, int] = attrs.field(factory=lambda: dict.fromkeys(power.WAYS, 0))
    ahead: int = 0
    started: int = 0
    lost: list[str] = attrs.field(factory=list)


@click.command()
@click.option("--edits", default=300, show_default=True, type=click.IntRange(2, 20_000), help="Edits to place.")
@click.option(
    "--tries",
    default=2,
    show_default=True,
    type=click.IntRange(1, 100),
    help="Random losses to try at each moment, of each kind.",
)
@click.option(
    "--servers",
    default=10,
    show_default=True,
    type=click.IntRange(0, 1_000),
    help="How many of the crashes get a whole server.",
)
@click.option(
    "--seed", type=click.IntRange(0), help="Seed of the losses. Without it, a random seed is taken and printed."
)
@json_option
def powerloss(edits: int, tries: int, servers: int, seed: int | None, json_path: Path | None) -> None:
    """Cut the power at every moment between two syncs. Exit code 1: an edit was lost. Linux with a C compiler."""
    if not can_preload():
        raise click.UsageError("this machine can't record a server's writes; that needs Linux and a C compiler, cc")
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    click.echo(f"seed {seed}", err=True)
    with tempfile.TemporaryDirectory(prefix="placed-powerloss-") as folder:
        story = trio.run(_lose_power, Path(folder), edits, tries, servers, seed)
    Report(
        bench="powerloss",
        figures=_figures(story),
        options={"edits": edits, "tries": tries, "servers": servers, "seed": seed},
        details=attrs.asdict(story),
        notes=story.lost[:10],
    ).publish(json_path)
    if story.lost:
        raise SystemExit(1)


def _figures(story: _Story) -> list[Figure]:
    return [
        Figure("crashes that lost something", float(len(story.lost)), "", Target(1.0)),
        Figure("writes, syncs and changes of names recorded", float(story.ops), ""),
        Figure("moments, one before the end of each sync", float(story.syncs), ""),
        Figure("records that clients had been told of, in the end", float(story.promised), ""),
        *(Figure(f"crashes with {way}", float(count), "") for way, count in story.crashes.items()),
        Figure("... after which the log had more than clients knew", float(story.ahead), ""),
        Figure("whole servers started after a crash", float(story.started), ""),
    ]


async def _lose_power(folder: Path, edits: int, tries: int, servers: int, seed: int) -> _Story:
    ledger = Ledger(WIDTH, HEIGHT, _DEFINITION.colors)
    ops = await _recorded(folder, ledger, edits)
    values = await _log_of(folder / "disk" / "data" / "log", ledger)
    trial = _Trial(folder / "crashed", ledger, values)
    story, chance = _Story(ops=len(ops)), random.Random(seed)
    moments = sum(op.kind in (recorder.SYNCED, recorder.WRITTEN) for op in ops)
    whole = set(chance.sample(range(moments), min(servers, moments)))
    disk = power.Disk()
    with progress_bar("moments") as bar:
        task = bar.add_task("losing power", total=moments)
        for op in ops:
            story.promised = max(story.promised, op.promised)
            if op.kind in (recorder.SYNCED, recorder.WRITTEN):
                for way in _ways(tries):
                    story.crashes[way] += 1
                    await trial.hold(story, way, disk.crashed(way, chance))
                if story.syncs in whole:
                    await trial.start(story, disk.crashed(power.PAGES, chance))
                story.syncs += 1
                bar.update(task, completed=story.syncs)
            disk.do(op)
    return story


def _ways(tries: int) -> Iterator[str]:
    for way in power.WAYS:
        yield from [way] * (1 if way in (power.NOTHING, power.ALL) else tries)


def _command(data: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "placed", "--port", "0", "--data", str(data), "--log-format", "json"),
        *("--width", str(WIDTH), "--height", str(HEIGHT), "--charge-seconds", "0"),
    ]


async def _recorded(folder: Path, ledger: Ledger, edits: int) -> list[Op]:
    """Run a server on an empty disk twice, and paint; return the recorded ops."""
    disk, trace = folder / "disk", folder / "trace"
    disk.mkdir()
    environment = {
        "LD_PRELOAD": str(compiled("recorder", folder)),
        "TORTURE_ROOT": str(disk),
        "TORTURE_TRACE": str(trace),
    }
    for _ in range(_LIVES):
        async with launched(_command(disk / "data"), folder / "server.log", environment) as process:
            port = await ready(process)
            assert port is not None, "the server didn't start"
            with trio.fail_after(_SECONDS + edits / 10):
                await _paint(port, ledger, edits // _LIVES)
            process.terminate()
            assert await ended(process) == ExitCode.OK
    return list(recorder.read(await trio.Path(trace).read_bytes()))


async def _paint(port: int, ledger: Ledger, edits: int) -> None:
    """Paint over a few connections, while one client follows."""
    left = iter(range(edits))

    async def paint() -> None:
        link = Connection(HOST, port)
        for _ in left:
            edit = x, y, color = ledger.new_edit()
            answer = await link.request("POST", f"/edit?x={x}&y={y}&color={color}")
            assert answer.status == 200, answer.body
            ledger.acknowledge(edit, answer.json()["v"])
        await link.aclose()

    async def follow(link: Connection, version: int) -> None:
        async for _ in link.follow(version):
            pass

    async with connection(HOST, port) as viewer, trio.open_nursery() as nursery:
        version = (await viewer.request("GET", "/info")).json()["version"]
        nursery.start_soon(follow, viewer, version)
        async with trio.open_nursery() as painters:
            for _ in range(_PAINTERS):
                painters.start_soon(paint)
        nursery.cancel_scope.cancel()


async def _log_of(folder: Path, ledger: Ledger) -> list[bytes]:
    async with open_lmdb_log(folder) as log:
        values = await values_of(log)
        ledger.read(log.id, values)
    return values


class _Trial:
    """Compares the folder that a crash left with the promises."""

    def __init__(self, folder: Path, ledger: Ledger, values: list[bytes]) -> None:
        self._folder = folder
        self._ledger = ledger
        self._values = values

    async def hold(self, story: _Story, way: str, found: dict[str, bytes | None]) -> None:
        """Recover from a crash, and note what is missing."""
        self._make(found)
        try:
            version = await self._recover()
        except Exception as error:  # noqa: BLE001 - an operator would see any such error, too
            version, why = -1, f"{type(error).__name__}: {error}"
        else:
            why = f"the log ends at {version}"
        if version < story.promised:
            story.lost.append(f"moment {story.syncs}, {way}: promised was {story.promised}; {why}")
        story.ahead += version > story.promised

    async def start(self, story: _Story, found: dict[str, bytes | None]) -> None:
        """Start a whole server on the folder."""
        self._make(found)
        data = self._folder / "data"
        async with launched(_command(data), self._folder / "server.log", {}) as process:
            port = await ready(process)
            if port is None:
                story.lost.append(f"moment {story.syncs}: a server didn't start, with {process.returncode}")
                return
            with trio.fail_after(_SECONDS):
                await self._examine(story, port)
        story.started += 1

    async def _examine(self, story: _Story, port: int) -> None:
        async with connection(HOST, port) as link:
            version = (await link.request("GET", "/info")).json()["version"]
            image = await link.request("GET", "/canvas.png")
            answer = await link.request("POST", "/edit?x=1&y=2&color=3")
        if version < story.promised or pixels_of(image) != self._ledger.canvas_at(version):
            story.lost.append(f"moment {story.syncs}: a server shows version {version}; promised {story.promised}")
        if answer.status != 200:
            story.lost.append(f"moment {story.syncs}: a server answers an edit with {answer.status}")

    def _make(self, found: dict[str, bytes | None]) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        for name, data in found.items():
            path = self._folder / name
            if data is None:
                path.mkdir(mode=0o700)
            else:
                path.write_bytes(data)
        os.makedirs(self._folder / "data" / "snapshot", exist_ok=True)  # noqa: PTH103 - a start would do the same

    async def _recover(self) -> int:
        """Open the folder with the server's recovery; return its version.

        Raises:
            Broken: the folder differs from what the log was.
        """
        data = self._folder / "data"
        async with open_snapshot_store(data / "snapshot") as store, open_lmdb_log(data / "log") as log:
            values = await values_of(log)
            if values != self._values[: len(values)]:
                raise Broken(1, "the log holds records that were never in it")
            projection, _ = await recover(
                log,
                store,
                Wanted(WIDTH, HEIGHT, None),
                default=_DEFINITION,
                rule=Rule(1, 0),
                where="the crashed log",
                progress=lambda begin, at, end: None,
            )
        if projection.canvas.tobytes() != self._ledger.canvas_at(len(values)):
            raise Broken(2, f"the canvas at version {len(values)} is another than the log's")
        return len(values)
