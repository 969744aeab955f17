"""The command `placed import`: its flags, its summary and its exit codes.

Exit codes: 0 all is imported, 2 bad usage, 3 a file or the log can't be used, and nothing was imported, 130 Ctrl-C.
"""

from __future__ import annotations

import datetime as dt
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import trio

from placed.commands.import_.importing import Asked, CannotImport, Imported, import_tables
from placed.commands.import_.picture import import_picture, is_picture
from placed.commands.new_log import NoNewLog
from placed.process.exit_codes import ExitCode
from placed.telemetry.progress import progress_bar

if TYPE_CHECKING:
    from placed.commands.settings.values import Settings

    _OriginType = click.ParamType[tuple[int, int]]
else:
    _OriginType = click.ParamType  # takes no arguments before click 8.4

_ORIGIN: Final = re.compile(r"(-?[0-9]{1,5}),(-?[0-9]{1,5})", re.ASCII)


class _Origin(_OriginType):
    name = "X,Y"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        match = _ORIGIN.fullmatch(str(value).replace(" ", ""))
        if match is None:
            self.fail(f"{value!r} is no place; allowed are two whole numbers, such as -1500,-1000", param, ctx)
        return int(match[1]), int(match[2])


@click.command(
    "import",
    help="Make a new canvas from FILES: Reddit's tables of 2017, 2022 and 2023, or an export of placed, gzipped or "
    "not, in any order; or one picture, which the new canvas begins with. Without --width, --height and --palette, the "
    "files decide on the canvas' size and palette. An existing canvas stays as it is. Exit code 3: nothing was "
    "imported.",
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--origin", type=_Origin(), help="Coordinates that become 0,0.  [default: 0,0; the smallest if below 0]")
@click.option("--skip-bad-lines", is_flag=True, help="Leave out lines that can't be used, and say how many.")
def import_(settings: Settings, files: tuple[Path, ...], origin: tuple[int, int] | None, skip_bad_lines: bool) -> int:
    """See the help above."""
    pictures = [path for path in files if is_picture(path)]
    if pictures and (len(files) > 1 or origin is not None):
        raise click.UsageError(f"{pictures[0]} is a picture; allowed is one, alone, without --origin")
    try:
        if pictures:
            done = trio.run(import_picture, settings, files[0])
        else:
            with progress_bar("reading", "bytes") as reading, progress_bar("writing the log", "rows") as writing:
                done = trio.run(import_tables, settings, Asked(files, origin, skip_bad_lines), reading, writing)
    except (CannotImport, NoNewLog) as error:
        click.echo(f"placed import: {error}", err=True)
        return ExitCode.UNUSABLE
    click.echo(_summary(done))
    click.echo(f"to serve it: {_serving(settings)}")
    return ExitCode.OK


def _serving(settings: Settings) -> str:
    """The command that serves the new canvas, quoted for a shell."""
    log = () if settings.log is None else ("--log", settings.log)
    return shlex.join(["placed", "--data", str(settings.data), *log])


def _summary(done: Imported) -> str:
    canvas = done.definition
    lines = [
        f"{done.edits:,} edits in {done.records:,} records, from {_time(done.first_ms)} to {_time(done.last_ms)}",
        f"{canvas.width} x {canvas.height} pixels, {canvas.colors} colours (palette {done.palette})",
    ]
    if done.bad.count:
        lines.append(f"{done.bad.count:,} lines were left out, the first: {'; '.join(done.bad.told)}")
    return "\n".join(lines)


def _time(time_ms: int) -> str:
    moment = dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
