"""The commands `placed check` and `placed backup`: they print their reports, and choose the exit code.

The codes: 0 all is well; 2 bad usage; 3 something is damaged, or couldn't be read or copied; 130 Ctrl-C. Reports go to
standard output, errors to standard error.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from placed.commands.operations.backup import CannotBackUp, WrongDestination, back_up
from placed.commands.operations.check import CannotCheck, held_folders
from placed.commands.operations.check import check as check_all
from placed.commands.operations.repair import CannotRepair
from placed.commands.operations.repair import repair as mend
from placed.process.exit_codes import ExitCode
from placed.telemetry.progress import progress_bar

if TYPE_CHECKING:
    from placed.commands.operations.report import Report
    from placed.commands.settings.values import Settings


@click.command(
    "check",
    help="Check the log, the snapshot and the people of a canvas: every page, every checksum, and whether the snapshot "
    "agrees with the log. Stop its server first. Exit code 0: all is well; 3: something is damaged, or can't be read.",
)
@click.option("--repair", is_flag=True, help="Repair damaged files, keep the old ones next to them, and check again.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one line of JSON.")
def check(settings: Settings, repair: bool, as_json: bool) -> int:
    """See the help above."""
    try:
        with held_folders(settings):
            report = _checked(settings)
            if repair and not report.is_well:
                report = _repaired(settings, report)
    except CannotCheck as error:
        if as_json:
            click.echo(json.dumps({"well": False, "reason": str(error)}))
        click.echo(f"placed check: {error}", err=True)
        return ExitCode.UNUSABLE
    click.echo(report.as_json() if as_json else report.as_text())
    return ExitCode.OK if report.is_well else ExitCode.UNUSABLE


def _checked(settings: Settings) -> Report:
    with progress_bar("reading the log", "records") as progress:
        return check_all(settings, progress)


def _repaired(settings: Settings, report: Report) -> Report:
    try:
        with progress_bar("writing a new log", "records") as progress:
            done = mend(settings, report, progress)
    except CannotRepair as error:
        report.notes.append(f"nothing was repaired: {error}")
        return report
    again = _checked(settings)
    again.repaired = done
    return again


@click.command(
    "backup",
    help="Copy a canvas into the folder DEST, which must be new or empty. Its server may go on running. The command "
    "checks the copy before it names it DEST. To serve the copy: placed --data DEST",
)
@click.argument("dest", type=click.Path(path_type=Path))
def backup(settings: Settings, dest: Path) -> int:
    """See the help above."""
    try:
        with progress_bar("copying", "bytes") as copying, progress_bar("checking the copy", "records") as checking:
            made = back_up(settings, dest, copying, checking)
    except WrongDestination as error:
        raise click.UsageError(str(error)) from None
    except CannotBackUp as error:
        click.echo(f"placed backup: {error}", err=True)
        return ExitCode.UNUSABLE
    click.echo(made.report.as_text())
    click.echo(f"{made.bytes:,} bytes in {made.folder}; to restore them: placed --data {made.folder}")
    return ExitCode.OK
