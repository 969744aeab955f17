"""Runs the command line: `placed` serves, and each other command has a word, such as `placed paint`.

Settings come from flags, PLACED_... environment variables and the file of --config, in this order of precedence. A
wrong setting ends the program with exit code 2 and one line on standard error: where the value came from, the value,
and what is allowed. A command is imported only when somebody runs it, because a server has no use for the painter's
libraries. The caller, `placed.__main__`, hands in the server itself.
"""

from __future__ import annotations

import importlib
import keyword
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click
from click.core import ParameterSource

from placed import __version__
from placed.commands import cli_help
from placed.commands.settings.config_file import ConfigError, read_config_file
from placed.commands.settings.oidc import SECRET_VARIABLE
from placed.commands.settings.options import (
    CONFIG,
    IS_SUBCOMMAND,
    PASSWORD_VARIABLE,
    Option,
    option_of,
    providers_of,
    settings_of,
)
from placed.commands.settings.origin import flag_of
from placed.commands.settings.values import SETTINGS
from placed.commands.settings.variables import why_unknown
from placed.commands.suggesting_group import NearGroup
from placed.process.endings import ended_as_by_ctrl_c
from placed.process.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from placed.commands.settings.config_file import ConfigFile
    from placed.commands.settings.values import Settings

_ASKS_FOR_HELP: Final = f"{__name__}.asks_for_help"
# Variables that aren't settings: a password, and the address for `placed paint` and `placed act`. A server sets the
# last one for the server that takes over.
OTHER_VARIABLES: Final = (PASSWORD_VARIABLE, "PLACED_URL")
HANDOVER_VARIABLE: Final = "PLACED_HANDOVER"
# The subcommands: the module and the line in --help of each, so that neither serving nor --help imports one.
_COMMANDS: Final = {
    "paint": ("placed.commands.paint.command", "Paint a picture onto a canvas, through its server's API."),
    "check": (
        "placed.commands.operations.command",
        "Check a canvas for damage while its server is stopped; --repair mends it.",
    ),
    "backup": ("placed.commands.operations.command", "Copy a canvas into a new folder, also while its server runs."),
    "export": ("placed.commands.export.command", "Write every edit to a CSV, JSON or Parquet file."),
    "timelapse": ("placed.commands.timelapse.command", "Film a canvas's past into a video or an animated picture."),
    "copy": (
        "placed.commands.copy.command",
        "Copy a whole log to another backend, from one machine to a fleet, or back.",
    ),
    "import": ("placed.commands.import_.command", "Make a new canvas from Reddit's tables, an export or a picture."),
    "act": (
        "placed.commands.act.command",
        "Look after a canvas through its server: ban, restore, protect, close, undo.",
    ),
    "people": ("placed.commands.people.command", "Let people in with codes and tokens, set their roles, forget them."),
}
# These commands take the settings that say where a canvas is, from flags, variables and file as the server does.
_BESIDE_A_SERVER: Final = ("check", "backup", "export", "import", "timelapse", "copy", "people")
# Commands that make a log also take settings for a new log. Without a size and palette, the files decide on them.
_ON_A_NEW_CANVAS: Final = {
    "import": ("width", "height", "palette", "kafka_replication"),
    "copy": ("kafka_replication",),
}
_FOLLOWS_FROM_DATA: Final = ("width", "height", "palette")


class _Placed(NearGroup):
    """Serves without a subcommand; otherwise imports that subcommand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        command: click.Command = getattr(importlib.import_module(_COMMANDS[cmd_name][0]), name)
        return _with_settings(command) if cmd_name in _BESIDE_A_SERVER else command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] in _COMMANDS:
            ctx.meta[IS_SUBCOMMAND] = True
        ctx.meta[_ASKS_FOR_HELP] = not {"-h", "--help"}.isdisjoint(args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        cli_help.write_options(ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])
        cli_help.write_notes(formatter)


def _with_settings(command: click.Command) -> click.Command:
    """Give a command the flags that say where a canvas is, and its function the settings from these flags.

    In a group, each command gets them.
    """
    if isinstance(command, click.Group):
        parts = {name: _with_settings(part) for name, part in command.commands.items()}
        return NearGroup(command.name, parts, help=command.help, no_args_is_help=True)
    of_a_new_one = _ON_A_NEW_CANVAS.get(str(command.name), ())
    asked = [
        attrs.evolve(SETTINGS[name], instead="from the files") if name in _FOLLOWS_FROM_DATA else SETTINGS[name]
        for name in of_a_new_one
    ]
    rows = [*asked, *(row for row in SETTINGS.values() if row.finds_canvas)]

    def call(**values: Any) -> Any:
        assert command.callback is not None
        chosen = {row.name: values.pop(row.name) for row in rows}
        return command.callback(settings_of(click.get_current_context(), chosen), **values)

    options = [_config_option(), *map(option_of, rows)]
    return click.Command(command.name, params=[*command.params, *options], callback=call, help=command.help)


def _read_config(ctx: click.Context, _param: click.Parameter, path: str | None) -> None:
    if path is None:
        return
    try:
        config = read_config_file(Path(path))
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    ctx.meta[CONFIG] = config
    ctx.default_map = config.values


def _config_option() -> Option:
    return Option(
        "--config",
        "config",
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=_read_config,
        help="Read settings from this TOML file.",
    )


@click.command(
    "placed",
    cls=_Placed,
    params=[_config_option(), *map(option_of, SETTINGS.values())],
    help=cli_help.INTRODUCTION,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND]",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": cli_help.COLUMNS},
)
@click.version_option(__version__, message="placed %(version)s", help="Show the version.")
@click.option("--check-config", is_flag=True, help="Show the settings and where each comes from; start nothing.")
@click.pass_context
def cli(ctx: click.Context, /, check_config: bool, **values: Any) -> int | None:
    if not ctx.meta[_ASKS_FOR_HELP]:
        _refuse_unknown_variables(ctx)
    if ctx.invoked_subcommand is not None:
        ctx.with_resource(ended_as_by_ctrl_c())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGHUP})  # `placed.__main__` blocks them
        _refuse_flags_of_serving(ctx)
        return None
    settings = settings_of(ctx, values, providers_of(ctx))
    if check_config:
        checked: int = importlib.import_module("placed.commands.config_check").show(settings)
        return checked
    from placed.telemetry import structured_logs  # brings rich and asyncio, 60 ms that --help has no use for

    structured_logs.configure(settings.log_level, settings.log_format, sys.stderr)
    serve: Callable[[Settings], int] = ctx.obj
    return serve(settings)


def _refuse_unknown_variables(ctx: click.Context) -> None:
    ours = {str(param.envvar) for param in cli.params if isinstance(param, Option)}
    known = ours | {*OTHER_VARIABLES} | _secret_variables(ctx)
    reason = why_unknown(os.environ, known=known, silent=HANDOVER_VARIABLE)
    if reason is not None:
        raise click.UsageError(reason)


def _secret_variables(ctx: click.Context) -> set[str]:
    """The variables that hold providers' secrets; for a subcommand, all variables that look like one."""
    if ctx.invoked_subcommand is not None:
        return {name for name in os.environ if SECRET_VARIABLE.fullmatch(name)}
    config: ConfigFile | None = ctx.meta.get(CONFIG)
    return {provider.secret_variable for provider in config.providers} if config is not None else set()


def _refuse_flags_of_serving(ctx: click.Context) -> None:
    for setting in ctx.params:
        if ctx.get_parameter_source(setting) is ParameterSource.COMMANDLINE:
            command = ctx.invoked_subcommand
            raise click.UsageError(
                f"{flag_of(setting)} is a flag for serving; flags of {command} come after the word {command}"
            )


def main(args: Sequence[str] | None = None, *, serve: Callable[[Settings], int]) -> int:
    """Run the command line, and return the exit code.

    Args:
        args: the arguments without the program's name; None takes the process's own.
        serve: serves with these settings and returns the exit code; called when there is no other command.
    """
    try:
        result = cli.main(args, prog_name="placed", standalone_mode=False, obj=serve)
    except click.exceptions.NoArgsIsHelpError as error:  # `placed act` alone prints a page, not one line
        click.echo(error.format_message(), err=True)
        return ExitCode.BAD_USAGE
    except click.ClickException as error:
        line = " ".join(error.format_message().split("\n"))
        click.echo(f"placed: {_printable(line)}", err=True)
        return error.exit_code
    except click.Abort:
        return ExitCode.INTERRUPTED
    except BaseExceptionGroup as group:
        # Trio puts Ctrl-C into a group when it comes while several tasks run, and click knows no groups.
        if group.split(KeyboardInterrupt)[1] is not None:
            raise
        return ExitCode.INTERRUPTED
    return result if isinstance(result, int) else ExitCode.OK


def _printable(text: str) -> str:
    # A value may hold any characters, and this text goes to a terminal.
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
