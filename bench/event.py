"""`event`: a day of r/place in minutes: people arrive, load the page, follow, and paint; halfway the server restarts.

The edits come from a trace, in its order and thinned out to the given rate, or they are made up. Each edit is placed by
a person who has a charge left (`bench.people.crowd`). The restart is SIGTERM and a new process on the same folder and
port: all streams end at once, and everybody who followed comes back. At the end the bench compares each person's own
canvas with the server's image. With --url nothing is restarted, and the server's own cooldown applies.
"""

from __future__ import annotations

import contextlib
import io
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
from bench.equipment.load_process import Busy, LoadProcess, busy_share, load_process, warnings
from bench.equipment.measure import reading, resident_bytes
from bench.equipment.place import Place, place_of, url_option
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.equipment.server_process import ServerProcess, running_server, serving
from bench.logs.chosen_event import chosen_event, trace_option
from bench.people.crowd import Event
from bench.people.edit_rate import placed_figures, rate_option
from placed.canvas.events import EDIT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from numpy.typing import NDArray
    from rich.progress import Progress

    from bench.logs.trace import Trace

_GENERATED_STATES: Final = 20
_STEP_SECONDS: Final = 0.25  # between two looks at the crowd
_HERD_SECONDS: Final = 180.0
_QUIET_SECONDS: Final = 60.0  # time for the last edits to reach everybody
_ALL: Final = Target(1.0)


@attrs.define
class _Story:
    """What happened.

    Attributes:
        herd_seconds: from the old server's stop until everybody followed again; NaN without a restart.
        down_seconds: the part of it until the new server listened.
        wrong: people whose canvas at the end isn't the server's, or who have none.
    """

    joined_seconds: float = np.nan
    herd_seconds: float = np.nan
    down_seconds: float = np.nan
    herd_cpu_seconds: float = np.nan
    wrong: int = 0
    resident: dict[str, int] = attrs.field(factory=dict)
    cpu_seconds: float = 0.0
    told: dict[str, Any] = attrs.field(factory=dict)
    shares: list[float] = attrs.field(factory=list)


@click.command()
@url_option
@trace_option
@click.option("--people", default=5_000, show_default=True, type=click.IntRange(1, 100_000))
@click.option(
    "--arrival-seconds",
    default=20.0,
    show_default=True,
    type=click.FloatRange(0, 3_600),
    help="Time in which everybody arrives.",
)
@click.option(
    "--seconds", default=60.0, show_default=True, type=click.FloatRange(1, 3_600), help="Time for which people paint."
)
@rate_option
@click.option(
    "--charge-seconds",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0, 3_600),
    help="Time between two edits of one person.",
)
@click.option("--restart/--no-restart", default=True, show_default=True, help="Restart the server halfway.")
@json_option
def event(
    url: str | None,
    pid: int | None,
    trace: Path | None,
    people: int,
    arrival_seconds: float,
    seconds: float,
    rate: float,
    charge_seconds: float,
    restart: bool,
    json_path: Path | None,
) -> None:
    """Play a whole event: people arrive, follow and paint; the server restarts, and all come back. Linux only."""
    allow_connections(people)
    place = None if url is None else place_of(url, pid)
    past = chosen_event(trace, states=_GENERATED_STATES, edits=round(rate * seconds))
    story = trio.run(
        _tell, place, past, people, arrival_seconds, seconds, rate, charge_seconds, restart and place is None
    )
    Report(
        bench="event",
        figures=_figures(story, people),
        options={
            "url": url,
            "trace": None if trace is None else trace.name,
            "people": people,
            "rate": rate,
            "arrival_seconds": arrival_seconds,
            "seconds": seconds,
            "charge_seconds": charge_seconds,
            "restart": restart,
        },
        details=attrs.asdict(story),
        notes=warnings(story.shares),
    ).publish(json_path)
    if story.wrong:
        raise SystemExit(1)


def _thinned(trace: Trace, count: int) -> NDArray[np.void]:
    """`count` edits of a trace, in order, taken evenly from all of it."""
    total = trace.total_edits
    wanted = np.unique(np.linspace(0, total - 1, min(count, total)).astype(np.int64))
    parts, begin = [], 0
    for state in trace.states():
        low, high = np.searchsorted(wanted, [begin, begin + len(state.edits)])
        parts.append(state.edits[wanted[low:high] - begin])
        begin += len(state.edits)
    return np.concatenate(parts).astype(EDIT)


@contextlib.asynccontextmanager
async def _server(command: list[str], url: Place | None) -> AsyncGenerator[tuple[Place, ServerProcess | None]]:
    if url is not None:
        yield url, None
        return
    async with running_server(command) as server:
        pin(server.process.pid, server_cores())
        yield Place(server.host, server.port, server.process.pid), server


async def _tell(
    url: Place | None,
    trace: Trace,
    people: int,
    arrival_seconds: float,
    seconds: float,
    rate: float,
    charge_seconds: float,
    restart: bool,
) -> _Story:
    story = _Story()
    definition = trace.definition
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder, progress_bar("") as bar:
        files = Path(folder)
        colors = [definition.rgb[at : at + 3].hex() for at in range(0, len(definition.rgb), 3)]
        await trio.Path(files / "palette.hex").write_text("\n".join(colors) + "\n", encoding="utf-8")
        np.save(files / "edits.npy", await trio.to_thread.run_sync(_thinned, trace, max(1, round(rate * seconds))))
        command = [
            *serving(files / "data", "--width", str(definition.width), "--height", str(definition.height)),
            *("--palette", str(files / "palette.hex"), "--charges", "1", "--charge-seconds", str(charge_seconds)),
            *("--trusted-proxy", "127.0.0.1"),
        ]
        if url is not None:
            async with connection(url.host, url.port) as link:
                info = (await link.request("GET", "/info")).json()
            if (info["width"], info["height"]) != (definition.width, definition.height):
                size = f"{info['width']} x {info['height']}"
                raise click.UsageError(f"the server's canvas is {size}, the trace's is another")
        async with _server(command, url) as (place, server):
            about = Event(
                place.host,
                place.port,
                people,
                arrival_seconds,
                seconds,
                str(files / "edits.npy"),
                charge_seconds,
                definition.width,
                definition.height,
                definition.colors,
            )
            async with load_process("bench.people.crowd", about) as crowd:
                watch = _Watch(crowd, story, bar, people)
                began = trio.current_time()
                await watch.until(began + seconds / 2)
                if not restart or server is None:
                    await _end(watch, place, began + seconds)
                    return story
                story.resident = resident_bytes(server.process.pid)
                story.cpu_seconds = reading(server.process.pid).cpu
                down = time.monotonic()
                await server.stop()
                again = [*command, "--port", str(place.port)]
                async with _server(again, None) as (new, _):
                    story.down_seconds = time.monotonic() - down
                    await watch.herd(down)
                    story.herd_cpu_seconds = reading(new.pid).cpu
                    await _end(watch, new, max(began + seconds, trio.current_time() + 1.0))
    return story


class _Watch:
    """Looks at the crowd again and again, and shows its progress."""

    def __init__(self, crowd: LoadProcess, story: _Story, bar: Progress, people: int) -> None:
        self._crowd = crowd
        self._story = story
        self._bar = bar
        self._people = people
        self._task = bar.add_task("people who follow", total=people)
        self._began = time.monotonic()

    async def look(self, *, end: bool = False) -> dict[str, Any]:
        """Ask the crowd for its state now."""
        await trio.sleep(_STEP_SECONDS)
        if end:
            assert self._crowd.process.stdin is not None
            await self._crowd.process.stdin.send_all(b"end")
        told: dict[str, Any] = await self._crowd.ask()
        self._story.told = told
        self._story.shares.append(busy_share([Busy(**told["busy"])]))
        self._bar.update(self._task, completed=told["following"])
        if np.isnan(self._story.joined_seconds) and told["following"] == self._people:
            self._story.joined_seconds = time.monotonic() - self._began
        return told

    async def until(self, deadline: float) -> None:
        """Keep looking until the deadline, and until everybody has come."""
        while trio.current_time() < deadline or self._story.told.get("following", 0) < self._people:
            await self.look()
            if trio.current_time() > deadline + _HERD_SECONDS:
                raise click.ClickException(f"not everybody could join: {self._story.told}")

    async def herd(self, began: float) -> None:
        """Keep looking until everybody who has come follows again, with the newest version."""
        with trio.move_on_after(_HERD_SECONDS):
            while True:
                told = await self.look()
                if told["following"] == told["arrived"] == self._people:
                    break
        self._story.herd_seconds = self._story.told["restored_at"] - began


async def _end(watch: _Watch, place: Place, deadline: float) -> None:
    """Stop painting and wait until everybody has the last edit; then compare all canvases with the server's image."""
    await watch.until(deadline)
    story = watch._story  # noqa: SLF001 - of the same bench
    with trio.move_on_after(_QUIET_SECONDS):
        while True:
            async with connection(place.host, place.port) as link:
                info = (await link.request("GET", "/info")).json()
            told = await watch.look(end=True)
            if told["newest"] == info["version"] and not told["behind"]:
                break
    async with connection(place.host, place.port) as link:
        answer = await link.request("GET", "/canvas.png?fresh")
    with Image.open(io.BytesIO(answer.body)) as image:
        pixels = np.asarray(image, np.uint8)
    told = story.told
    is_right = (
        zlib.crc32(pixels.tobytes()) == told["digest"] and int(answer.headers["x-canvas-version"]) == told["newest"]
    )
    story.wrong = told["arrived"] if not is_right or told["conflicts"] else told["behind"]
    if place.pid is not None:
        story.cpu_seconds += reading(place.pid).cpu
        story.resident = story.resident or resident_bytes(place.pid)


def _figures(story: _Story, people: int) -> list[Figure]:
    told = story.told
    figures = [
        Figure("people", float(people), ""),
        Figure("until all of them followed", story.joined_seconds, "s"),
        *(Figure(f"page and image, {name}", value, "ms") for name, value in told["load_ms"].items()),
        *placed_figures(told["placed"]),
        Figure("frames delivered", float(told["frames"]), ""),
        Figure("streams that ended and came back", float(told["reconnects"]), ""),
        Figure("times an image had to be loaded again", float(told["reloads"]), ""),
        Figure("people with a wrong canvas at the end", float(story.wrong), "", _ALL),
        Figure("the clients' core, busy, median", 100 * float(np.median(story.shares)), "%"),
    ]
    if not np.isnan(story.herd_seconds):
        figures += [
            Figure("restart: until the new server listened", story.down_seconds, "s"),
            Figure("restart: until the whole herd followed again", story.herd_seconds, "s"),
            Figure("restart: the new server's CPU by then", story.herd_cpu_seconds, "s"),
        ]
    if story.resident:
        figures.append(Figure("server's anonymous memory", story.resident["RssAnon"] / 1e6, "MB"))
    return figures
