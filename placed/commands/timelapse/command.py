"""The command `placed timelapse`: its flags, its summary and its exit codes.

Exit codes: 0 the film is made, 2 bad usage, 3 the past can't be read or the film can't be made, 130 Ctrl-C.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from placed.commands.area_type import AreaType
from placed.commands.moment_type import MomentType
from placed.commands.part_file import CannotWrite
from placed.commands.past import CannotRead, open_past
from placed.commands.timelapse.filming import KINDS, CannotFilm, Filmed, Wanted, film
from placed.commands.timelapse.playing import Area
from placed.commands.timelapse.served import ServedPast
from placed.commands.timelapse.source import LocalSource
from placed.commands.url_type import UrlType
from placed.process.exit_codes import ExitCode
from placed.telemetry.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from placed.commands.settings.values import Settings
    from placed.commands.timelapse.playing import Even
    from placed.commands.timelapse.source import Source


_MAX_SECONDS: Final = 3600


@click.command(
    "timelapse",
    help="Film a canvas's past into OUT. Its name ends in .mp4 or .webm (which need the extra placed[video]), .gif, "
    ".png (animated) or .webp. The past comes from the data folder, also while its server runs, or from the server at "
    "--url. An existing file is replaced once the film is complete.",
)
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--url", type=UrlType(), help="Film the canvas of the server at this address, instead of a data folder.")
@click.option(
    "--from", "begin", type=MomentType(), help="When the film begins: a date, a date and time, or an age such as 24h."
)
@click.option("--to", "end", type=MomentType(), help="When the film ends, in the same form.")
@click.option("--area", type=AreaType(), help="Film this part of the canvas: its top left corner, width and height.")
@click.option(
    "--seconds",
    type=click.FloatRange(0, _MAX_SECONDS, min_open=True),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="Length of the film.",
)
@click.option(
    "--fps", type=click.IntRange(1, 60), default=30, show_default=True, metavar="FRAMES", help="Frames a second."
)
@click.option(
    "--scale",
    type=click.IntRange(1, 16),
    metavar="TIMES",
    show_default="as large as fits 1080 pixels",
    help="How many times larger the film shows each pixel.",
)
@click.option(
    "--even",
    type=click.Choice(["time", "edits"]),
    default="time",
    show_default=True,
    help="Let the film run with the clock (time), or with the edits, so that quiet hours take no time.",
)
def timelapse(
    settings: Settings,
    out: Path,
    url: httpx.URL | None,
    begin: int | None,
    end: int | None,
    area: tuple[int, int, int, int] | None,
    seconds: float,
    fps: int,
    scale: int | None,
    even: Even,
) -> int:
    """See the help above."""
    kind = out.suffix.lower()
    if kind not in KINDS:
        raise click.UsageError(f"{out}: allowed are names that end in {', '.join(KINDS)}")
    if begin is not None and end is not None and begin > end:
        raise click.UsageError("--from is later than --to")
    if url is not None and (given := _given_places(click.get_current_context())):
        raise click.UsageError(f"{given[0]} beside --url; allowed is one of them")
    wanted = Wanted(begin, end, Area(*area) if area else None, seconds, fps, scale, even)
    try:
        with (
            _opened(settings, url) as source,
            progress_bar("looking", "versions") as looking,
            progress_bar("filming", "frames") as filming,
        ):
            done = film(source, out, kind, wanted, looking, filming)
    except (CannotFilm, CannotRead, CannotWrite) as error:
        click.echo(f"placed timelapse: {error}", err=True)
        return ExitCode.UNUSABLE
    click.echo(_summary(done, out))
    return ExitCode.OK


def _given_places(ctx: click.Context) -> list[str]:
    """The typed flags that name a data folder or a topic."""
    return [f"--{name}" for name in ("data", "log") if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]


@contextlib.contextmanager
def _opened(settings: Settings, url: httpx.URL | None) -> Iterator[Source]:
    if url is None:
        with open_past(settings) as opened:
            yield LocalSource(opened)
    else:
        with ServedPast(url) as served:
            yield served


def _summary(done: Filmed, out: Path) -> str:
    look = done.look
    return (
        f"{done.edits:,} edits, from {_time(done.begin_ms)} to {_time(done.end_ms)}, in {look.frames:,} frames of"
        f" {look.width} x {look.height}: {done.bytes:,} bytes in {out}"
    )


def _time(time_ms: int) -> str:
    return f"{dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
