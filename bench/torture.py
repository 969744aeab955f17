"""`torture`: the bench kills, stops, starves and misleads a server at random, and the server must keep every promise.

A seed gives the rounds of faults (`bench.torturing.schedule`). Meanwhile people paint and follow through a bad network.
After each life of the server the bench reads its log, and compares it with every answered edit, every canvas that
anybody had at any version, and every record (`bench.torturing.ledger`). Then it damages copies of the server's files. A
server must refuse those, or serve correct data (`bench.torturing.trials`).
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import click
import trio

from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.torturing import schedule
from bench.torturing.broken_promise import Broken
from bench.torturing.clock import Clock
from bench.torturing.disk import small_disk
from bench.torturing.session import Session
from bench.torturing.shim import can_preload, compiled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.torturing.session import Story

_DISK_BYTES: Final = 512 << 20
_SHOWN_ROUNDS: Final = 3


@click.command()
@click.option("--minutes", default=10.0, show_default=True, type=click.FloatRange(0.01, 10_080))
@click.option("--rounds", type=click.IntRange(1), help="End after this many rounds, even if time is left.")
@click.option(
    "--seed", type=click.IntRange(0), help="Seed of the schedule. Without it, a random seed is taken and printed."
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the files of a round that broke a promise.",
)
@json_option
def torture(minutes: float, rounds: int | None, seed: int | None, keep: Path | None, json_path: Path | None) -> None:
    """Do to a server everything that may happen to one, and check its promises. Linux only.

    Exit code 1: a promise was broken; the bench prints the seed and the schedule. It leaves out faults that this
    machine can't cause, and says so: a full disk needs root, and a clock that jumps needs a C compiler.
    """
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    click.echo(f"seed {seed}", err=True)
    with tempfile.TemporaryDirectory(prefix="placed-torture-") as name:
        folder = Path(name)
        (folder / "disk").mkdir()
        with small_disk(folder / "disk", _DISK_BYTES) as disk:
            clock = Clock(compiled("clock", folder), folder / "clock") if can_preload() else None
            missing = {schedule.DISK: disk is None, schedule.CLOCK: clock is None}
            without = frozenset(kind for kind, is_missing in missing.items() if is_missing)
            session = Session(folder, seed, disk, clock)
            with _broken(session.story):
                trio.run(_run, session, minutes, islice(schedule.rounds(seed, without=without), rounds))
            if session.story.broken and keep is not None:
                shutil.copytree(folder, keep, dirs_exist_ok=True)
    _publish(session.story, seed, minutes, rounds, without, json_path)


async def _run(session: Session, minutes: float, rounds: Iterator[schedule.Round]) -> None:
    begin, seconds = trio.current_time(), minutes * 60
    with progress_bar("s") as bar:
        task = bar.add_task("torturing", total=round(seconds))

        def is_over() -> bool:
            elapsed = trio.current_time() - begin
            bar.update(task, completed=round(elapsed))
            return elapsed >= seconds

        await session.run(rounds, is_over)


@contextlib.contextmanager
def _broken(story: Story) -> Iterator[None]:
    """Note the promise that was broken; raise any other error."""
    try:
        yield
    except* Broken as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        story.broken = str(first)


def _publish(
    story: Story, seed: int, minutes: float, rounds: int | None, without: frozenset[str], json_path: Path | None
) -> None:
    notes = [f"left out, as this machine can't: {kind}" for kind in sorted(without)]
    if story.broken:
        shown = story.rounds[-_SHOWN_ROUNDS:]
        notes += [f"BROKEN in round {len(story.rounds)} of seed {seed}: {story.broken}", "The schedule:", *shown]
    Report(
        bench="torture",
        figures=_figures(story, without),
        options={"minutes": minutes, "rounds": rounds, "seed": seed, "without": sorted(without)},
        details=attrs.asdict(story),
        notes=notes,
    ).publish(json_path)
    if story.broken:
        raise SystemExit(1)


def _figures(story: Story, without: frozenset[str]) -> list[Figure]:
    survived = story.survived
    return [
        Figure("promises broken", float(story.broken is not None), "", Target(1.0)),
        Figure("time", story.seconds / 60, "min"),
        Figure("rounds, each a life of the server", float(len(story.rounds)), ""),
        Figure("faults survived", float(survived.total()), ""),
        *(Figure(f"... {kind}", float(survived[kind]), "") for kind in schedule.KINDS if kind not in without),
        *(Figure(f"{trial}", float(count), "") for trial, count in sorted(story.trials.items())),
        Figure("edits acknowledged, and in the log", float(story.counts["acknowledged"]), ""),
        Figure("edits refused, and not in it", float(story.counts["refused"]), ""),
        Figure("acts acknowledged, and whole in the log", float(story.counts["acts_acknowledged"]), ""),
        Figure("acts refused, and not in it", float(story.counts["acts_refused"]), ""),
        Figure("canvases compared, of a client at a version", float(story.counts["sightings"]), ""),
        Figure("records in the log", float(story.records), ""),
        Figure("times a client was told to reload", float(story.reloads), ""),
        Figure("server's anonymous memory, most", story.most_bytes / 1e6, "MB"),
    ]
