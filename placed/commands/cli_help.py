"""Writes the text of `placed --help`: the flags by section, examples, other places for settings, and exit codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from placed.commands.settings.origin import flag_of
from placed.commands.settings.sections import SECTIONS
from placed.commands.settings.values import SETTINGS
from placed.process.exit_codes import ExitCode

if TYPE_CHECKING:
    import click

COLUMNS: Final = 96

_OTHERS: Final = ("--config", "--check-config", "--version", "--help")
INTRODUCTION: Final = """\
Serve a shared canvas: everybody paints pixels on it, and sees the others' pixels at once. Without flags the canvas is
at http://127.0.0.1:8080, for this machine alone, and is kept in a folder in your home."""
_NOTES: Final = (
    (
        "Examples",
        (
            ("placed", "1000 x 1000 pixels, for this machine alone"),
            ("placed --host 0.0.0.0 --width 256 --height 256", "a small canvas, for the whole network"),
            ("placed --data /srv/place --cooldown 300", "one pixel every five minutes, as on Reddit"),
            ("placed --config placed.toml --port 9000", "settings from a file, but another port"),
            ("placed --log kafka://k1:9092,k2:9092/place", "one of several servers of one canvas"),
            (
                "placed backup /backup/monday --data /srv/place",
                "copy a canvas; placed --data /backup/monday serves the copy",
            ),
        ),
    ),
    (
        "Settings from elsewhere",
        (
            ("PLACED_CHARGE_SECONDS=5", "every flag is also an environment variable; commas separate several values"),
            ("charge-seconds = 5", "every flag is also a line of the TOML file that --config names"),
            ("", "A flag wins over a variable, a variable over the file."),
        ),
    ),
    (
        "Exit codes",
        (
            (str(int(ExitCode.OK)), "stopped as asked; everything is saved"),
            (str(int(ExitCode.INCOMPLETE)), "placed paint: it gave up, or some pixels are still wrong"),
            (str(int(ExitCode.BAD_USAGE)), "a flag, a variable or the config file is wrong"),
            (str(int(ExitCode.UNUSABLE)), "the log or the data folder can't be used, or is damaged"),
            (str(int(ExitCode.CANNOT_LISTEN)), "the address is in use, or isn't one of this machine's"),
            (str(int(ExitCode.FAULT)), "a fault while serving, or stopping took too long"),
            (str(int(ExitCode.INTERRUPTED)), "a second Ctrl-C ended the server at once, or the first one a command"),
        ),
    ),
)


def write_options(ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Write every flag into the section that it belongs to."""
    records = {max(param.opts, key=len): param.get_help_record(ctx) for param in ctx.command.get_params(ctx)}
    sections = [(title, [flag_of(row.name) for row in SETTINGS.values() if row.section == title]) for title in SECTIONS]
    for title, flags in (*sections, ("Other", _OTHERS)):
        with formatter.section(title):
            formatter.write_dl([record for flag in flags if (record := records[flag])])


def write_notes(formatter: click.HelpFormatter) -> None:
    """Write the sections after flags and commands."""
    for title, rows in _NOTES:
        with formatter.section(title):
            formatter.write_dl(rows, col_max=50)
