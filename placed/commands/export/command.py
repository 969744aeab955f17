"""The command `placed export`: its summary and its exit codes.

Exit codes: 0 all is written, 2 bad usage, 3 the log can't be read or the file can't be written, 130 Ctrl-C.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from placed.commands.export.exporting import KINDS, MissingPart, kind_of
from placed.commands.export.exporting import export as export_to
from placed.commands.part_file import CannotWrite
from placed.commands.past import CannotRead
from placed.process.exit_codes import ExitCode
from placed.telemetry.progress import progress_bar

if TYPE_CHECKING:
    from placed.commands.settings.values import Settings


@click.command(
    "export",
    help="Write every edit, in order, to the table OUT, also while the server runs. Its name ends in .csv, .csv.gz, "
    ".jsonl, .jsonl.gz or .parquet (which needs the extra placed[parquet]). placed import reads it again. An existing "
    "file is replaced once the new one is complete.",
)
@click.argument("out", type=click.Path(path_type=Path))
def export(settings: Settings, out: Path) -> int:
    """See the help above."""
    kind = kind_of(out)
    if kind is None:
        raise click.UsageError(f"{out}: allowed are names that end in {', '.join(KINDS)}")
    try:
        with progress_bar("writing", "records") as progress:
            done = export_to(settings, out, kind, progress)
    except MissingPart as error:
        raise click.UsageError(str(error)) from None
    except (CannotRead, CannotWrite) as error:
        click.echo(f"placed export: {error}", err=True)
        return ExitCode.UNUSABLE
    canvas = done.definition
    click.echo(f"{done.rows:,} edits of {canvas.width} x {canvas.height} pixels, {done.bytes:,} bytes in {out}")
    if done.first:
        click.echo(f"the log begins at version {done.first:,}: earlier edits are gone, and aren't in the file")
    return ExitCode.OK
