"""The command `placed copy`: exit codes and the summary.

Exit codes: 0 the copy is made and checked, 2 bad usage, 3 no copy was made, 130 Ctrl-C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import click
import trio

from placed.backends.opening import place_of
from placed.commands.copy.copying import CannotCopy, copy_log
from placed.commands.new_log import NoNewLog
from placed.commands.settings.setting import SettingError
from placed.process.exit_codes import ExitCode
from placed.telemetry.progress import progress_bar

if TYPE_CHECKING:
    from placed.commands.settings.values import Settings


@click.command(
    "copy",
    help="Copy a whole log, with authors, times and versions, and the people, to a new log: from the data folder to "
    "Kafka, or back. Stop the servers first. The command reads the copy again, and compares it with the log. Exit code "
    "3: there is no copy.",
)
@click.option(
    "--to", required=True, metavar="URL", help="The new log: lmdb:PATH or kafka://HOST:PORT[,HOST:PORT]/TOPIC."
)
def copy(settings: Settings, to: str) -> int:
    """See the help above."""
    try:
        target = attrs.evolve(settings, log=to)
    except SettingError as error:
        raise click.UsageError(f"--to: {error.reason}") from None
    if place_of(target) == place_of(settings):
        raise click.UsageError(f"--to {to} is the log itself; name another one")
    try:
        with progress_bar("copying", "records") as copying, progress_bar("checking the copy", "records") as checking:
            done = trio.run(copy_log, settings, target, copying, checking)
    except (CannotCopy, NoNewLog) as error:
        click.echo(f"placed copy: {error}", err=True)
        return ExitCode.UNUSABLE
    click.echo(
        f"{done.records:,} records are in {to}, the same as in {place_of(settings).url}; its log id is {done.log_id}"
    )
    if done.filled:
        click.echo(
            f"{done.filled:,} offsets held no record; the copy repeats the canvas's size there, which changes nothing"
        )
    click.echo(done.people)
    return ExitCode.OK
