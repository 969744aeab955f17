"""The command line: `placed` serves, `placed paint` paints, `placed check` and `placed backup` look after a canvas.

Settings come from flags, PLACED_... environment variables and the file of --config, in this order of precedence. One
that is wrong makes one line on standard error, with where it came from, its value and what is allowed, and exit code 2.
Painting is imported only when asked for: a server has no use for the painter's libraries. The server itself is handed
in from above (`placed.__main__`).
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs
import click
import platformdirs
from click.core import ParameterSource

from placed import __version__
from placed.commands import cli_help
from placed.commands.settings.config_file import ConfigError, read_config_file
from placed.commands.settings.kinds import KAFKA_MECHANISMS, KAFKA_PROTOCOLS, LOOPBACK, SettingError, check
from placed.commands.settings.origin import Origin, flag_of, variable_of
from placed.commands.settings.values import Settings
from placed.commands.settings.variables import SERVICE_HINT, is_of_service, why_unknown
from placed.process.exit_codes import ExitCode
from placed.telemetry import structured_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from placed.commands.settings.config_file import ConfigFile

_NO: Final = "--no-"
# No flag: everybody on the machine can read those.
PASSWORD_VARIABLE: Final = "PLACED_KAFKA_PASSWORD"  # noqa: S105 - its name
_CONFIG: Final = f"{__name__}.config"
_IS_SUBCOMMAND: Final = f"{__name__}.is_subcommand"
_ASKS_FOR_HELP: Final = f"{__name__}.asks_for_help"
# Beside the settings' there are that of `placed paint`, and that by which a server tells the one that takes over.
OTHER_VARIABLES: Final = (PASSWORD_VARIABLE, "PLACED_URL")
HANDOVER_VARIABLE: Final = "PLACED_HANDOVER"
_GIVEN: Final = f"{__name__}.given"
# The subcommands: where each is, and what --help says of it, so that neither serving nor --help imports one.
_COMMANDS: Final = {
    "paint": ("placed.commands.paint.command", "Paint a picture file onto a canvas, through the server's API."),
    "check": ("placed.commands.operations.command", "Verify a canvas whose server doesn't run; --repair mends it."),
    "backup": ("placed.commands.operations.command", "Copy a canvas, also while its server runs."),
}
# Those that take the settings that say where a canvas is, from flags, variables and file as the server does.
_ON_STORAGE: Final = ("check", "backup")
_STORAGE: Final[tuple[str, ...]] = (
    *("config", "data", "log", "author_key_file", "kafka_protocol", "kafka_ca", "kafka_certificate", "kafka_key"),
    *("kafka_mechanism", "kafka_user", "kafka_password_file"),
)
_DEFAULTS: Final = {field.name: field.default for field in attrs.fields(Settings)}

if TYPE_CHECKING:
    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # takes no arguments before click 8.4


class _SettingType(_ParamType):
    """Values of one setting, checked by its kind."""

    envvar_list_splitter: ClassVar[str] = ","

    def __init__(self, setting: str, metavar: str) -> None:
        self.name = setting
        self._metavar = metavar

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return self._metavar

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if ctx is not None:
            ctx.meta.setdefault(_GIVEN, {})[self.name] = value
        try:
            return check(self.name, value)
        except SettingError as error:
            hint = SERVICE_HINT if is_of_service(value) else ""
            raise click.UsageError(f"{_origin(ctx, self.name)}: {error.reason}{hint}") from None


class _SwitchType(_SettingType, click.types.BoolParamType):
    """Such a setting that is a pair of flags without values, `--this` and `--no-this`."""


def _origin(ctx: click.Context | None, setting: str) -> Origin:
    """Where the value of `setting` came from, as the operator would call it."""
    source = ctx.get_parameter_source(setting) if ctx else None
    if source is ParameterSource.ENVIRONMENT:
        return Origin(variable_of(setting), given=os.environ[variable_of(setting)])
    if source is ParameterSource.DEFAULT_MAP and ctx is not None:
        config: ConfigFile = ctx.meta[_CONFIG]
        return config.origins[setting]
    given = ctx.meta.get(_GIVEN, {}).get(setting) if ctx else None
    return Origin(flag_of(setting), given=given, is_default=source is ParameterSource.DEFAULT)


class _Option(click.Option):
    """A flag that is also an environment variable; before a subcommand no heed is taken of the latter."""

    def __init__(self, setting: str, **kwargs: Any) -> None:
        flag = f"{flag_of(setting)}/{_NO}{flag_of(setting)[2:]}" if kwargs.get("is_flag") else flag_of(setting)
        super().__init__([flag, setting], envvar=variable_of(setting), **kwargs)

    def value_from_envvar(self, ctx: click.Context) -> Any:
        is_before_subcommand = ctx.parent is None and _IS_SUBCOMMAND in ctx.meta
        return None if is_before_subcommand else super().value_from_envvar(ctx)


class _Placed(click.Group):
    """Serves when no subcommand is given; imports a subcommand when it is."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(_COMMANDS[cmd_name][0]), cmd_name)
        return _with_settings(command) if cmd_name in _ON_STORAGE else command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] in _COMMANDS:
            ctx.meta[_IS_SUBCOMMAND] = True
        ctx.meta[_ASKS_FOR_HELP] = not {"-h", "--help"}.isdisjoint(args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        cli_help.write_options(ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])
        cli_help.write_notes(formatter)


def _with_settings(command: click.Command) -> click.Command:
    """The command with the flags that say where a canvas is, and its function called with the settings they make."""

    def call(**values: Any) -> Any:
        assert command.callback is not None
        chosen = {name: values.pop(name) for name in _STORAGE if name in values}
        return command.callback(_checked(click.get_current_context(), chosen), **values)

    storage = [param for param in _PARAMS if param.name in _STORAGE]
    return click.Command(command.name, params=[*command.params, *storage], callback=call, help=command.help)


def _read_config(ctx: click.Context, _param: click.Parameter, path: str | None) -> None:
    if path is None:
        return
    try:
        config = read_config_file(Path(path))
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    ctx.meta[_CONFIG] = config
    ctx.default_map = config.values


def _setting(setting: str, metavar: str, text: str, **kwargs: Any) -> _Option:
    default = kwargs.pop("default", _DEFAULTS.get(setting))
    kind = _SwitchType if kwargs.get("is_flag") else _SettingType
    return _Option(setting, type=kind(setting, metavar), help=text, default=default, **kwargs)


_PARAMS: Final[list[click.Parameter]] = [
    _Option(
        "config",
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=_read_config,
        help="Read settings from this TOML file.",
    ),
    _setting("host", "ADDRESS", "Listen on this address; 0.0.0.0 is every interface.", show_default=True),
    _setting("port", "PORT", "Listen on this port; 0 lets the system choose.", show_default=True),
    _setting(
        "trusted_proxy",
        "CIDR",
        "Believe X-Forwarded-For, X-Forwarded-Host and Forwarded from this network. Repeatable.",
        multiple=True,
        default=(),
    ),
    _setting(
        "allowed_host",
        "NAME",
        "Answer for this host name, *.NAME or *; on 127.0.0.1 the default is localhost alone. Repeatable.",
        multiple=True,
        default=(),
    ),
    _setting(
        "allow_origin",
        "ORIGIN",
        "Let pages of this site, scheme://host[:port], null or *, use the API. Repeatable.",
        multiple=True,
        default=(),
    ),
    _setting(
        "allow_embed",
        "ORIGIN",
        "Let pages of this site, scheme://host[:port] or *, show the canvas in a frame. Repeatable.",
        multiple=True,
        default=(),
    ),
    _setting("max_streams_per_client", "COUNT", "Streams for one address; 0 is no limit.", show_default=True),
    _setting(
        "max_connections_per_client", "COUNT", "Other connections for one address; 0: no limit.", show_default=True
    ),
    _setting(
        "unlimited_client",
        "CIDR",
        "A network without these limits, such as a school's address. Replaces the default. Repeatable.",
        multiple=True,
        default=tuple(map(str, LOOPBACK)),
        show_default="this machine",
    ),
    _setting("certificate", "FILE", "Speak TLS, and HTTP/2, with this certificate and its chain, as PEM."),
    _setting("certificate_key", "FILE", "The certificate's key, as PEM.  [default: in the same file]"),
    _setting("width", "PIXELS", "Width of a new canvas, 1 to 4096; one that exists keeps its own.  [default: 1000]"),
    _setting("height", "PIXELS", "Height of a new canvas, 1 to 4096; one that exists keeps its own.  [default: 1000]"),
    _setting(
        "palette",
        "NAME|FILE",
        "Colours of a new canvas: seed, reddit-2017, reddit-2022, or a .hex, .gpl or .json file.  [default: seed]",
    ),
    _setting("charges", "COUNT", "Edits that one address may place in a row.", show_default=True),
    _setting("charge_seconds", "SECONDS", "Until one charge is back; 0 is no cooldown.", show_default=True),
    _setting("cooldown", "SECONDS", "Short for --charges 1 --charge-seconds SECONDS.", default=None),
    _setting(
        "data",
        "FOLDER",
        "The folder of the canvas: its log, its snapshot, its secret.",
        default=lambda: platformdirs.user_data_path("placed", appauthor=False),
        show_default="a folder of your own",
    ),
    _setting(
        "log",
        "URL",
        "lmdb:PATH, memory: or kafka://HOST:PORT[,HOST:PORT]/TOPIC.  [default: lmdb: in the data folder]",
    ),
    _setting(
        "author_key_file",
        "FILE",
        "Tells addresses apart; the same on all servers of a canvas.  [default: made in the data folder]",
    ),
    _setting("kafka_protocol", "PROTOCOL", f"{' or '.join(KAFKA_PROTOCOLS)}.", show_default=True),
    _setting("kafka_ca", "FILE", "Authorities to trust, as PEM.  [default: the system's]"),
    _setting("kafka_certificate", "FILE", "Our certificate for the brokers, as PEM."),
    _setting("kafka_key", "FILE", "The certificate's key, as PEM.  [default: in the same file]"),
    _setting("kafka_mechanism", "MECHANISM", f"For SASL: {' or '.join(KAFKA_MECHANISMS)}.", show_default=True),
    _setting("kafka_user", "USER", "The user for SASL; the password is in PLACED_KAFKA_PASSWORD, or in a file:"),
    _setting("kafka_password_file", "FILE", "A file whose first line is the password."),
    _setting("kafka_replication", "COPIES", "Copies of each record of a topic that is made.  [default: the cluster's]"),
    _setting(
        "exit_if_unreachable",
        "",
        "End when no broker answers at the start, instead of waiting for one.",
        is_flag=True,
    ),
    _setting(
        "fast_lane",
        "",
        "Answer hot requests without Hypercorn, or leave all to it.  [default: on]",
        is_flag=True,
    ),
    _setting(
        "max_frames_per_second", "COUNT", "For one stream; with fewer, each frame has more edits.", show_default=True
    ),
    _setting("log_level", "LEVEL", f"{', '.join(structured_logs.LEVELS)}.", show_default=True),
    _setting("log_format", "FORMAT", f"{' or '.join(structured_logs.FORMATS)}.", show_default=True),
    _setting(
        "log_addresses",
        "",
        "Log clients' addresses beside their authors' hashes.",
        is_flag=True,
    ),
]


@click.command(
    "placed",
    cls=_Placed,
    params=_PARAMS,
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
        _refuse_unknown_variables()
    if ctx.invoked_subcommand is not None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGHUP})  # held back by `placed.__main__`
        _refuse_flags_of_serving(ctx)
        return None
    settings = _settings(ctx, values)
    if check_config:
        checked: int = importlib.import_module("placed.commands.config_check").show(settings)
        return checked
    structured_logs.configure(settings.log_level, settings.log_format, sys.stderr)
    serve: Callable[[Settings], int] = ctx.obj
    return serve(settings)


def _refuse_unknown_variables() -> None:
    ours = {str(param.envvar) for param in _PARAMS if isinstance(param, _Option)}
    reason = why_unknown(os.environ, known=ours | {*OTHER_VARIABLES}, silent=HANDOVER_VARIABLE)
    if reason is not None:
        raise click.UsageError(reason)


def _refuse_flags_of_serving(ctx: click.Context) -> None:
    for setting in ctx.params:
        if ctx.get_parameter_source(setting) is ParameterSource.COMMANDLINE:
            command = ctx.invoked_subcommand
            raise click.UsageError(f"{flag_of(setting)}: a flag for serving; those of {command} come after the word")


def _settings(ctx: click.Context, values: dict[str, Any]) -> Settings:
    rule = _cooldown_rule(ctx, values.pop("cooldown"))
    values["trusted_proxies"] = values.pop("trusted_proxy")
    values["allowed_hosts"] = values.pop("allowed_host")
    values["allow_origins"] = values.pop("allow_origin")
    values["allow_embeds"] = values.pop("allow_embed")
    values["unlimited_clients"] = values.pop("unlimited_client")
    origins = dict.fromkeys(rule, _origin(ctx, "cooldown"))
    return _checked(ctx, values | rule, origins)


def _checked(ctx: click.Context, values: dict[str, Any], others: dict[str, Origin] | None = None) -> Settings:
    origins = {str(param.name): _origin(ctx, str(param.name)) for param in _PARAMS} | (others or {})
    try:
        return Settings(**values, kafka_password=os.environ.get(PASSWORD_VARIABLE) or None, origins=origins)
    except SettingError as error:  # each is allowed by itself, but not beside the others
        raise click.UsageError(f"{_origin(ctx, error.setting)}: {error.reason}") from None


def _cooldown_rule(ctx: click.Context, cooldown: float | None) -> dict[str, Any]:
    """What --cooldown stands for, unless the settings that it is short for come from a place of higher precedence."""
    others = ("charges", "charge_seconds")
    place = _precedence(ctx, "cooldown")
    if cooldown is None or place < max(_precedence(ctx, other) for other in others):
        return {}
    for other in others:
        if _precedence(ctx, other) == place:
            raise click.UsageError(
                f"{_origin(ctx, 'cooldown')}: {cooldown:g}; allowed is this or {_origin(ctx, other)}, not both"
            )
    return {"charges": 1, "charge_seconds": cooldown}


def _precedence(ctx: click.Context, setting: str) -> int:
    order = (ParameterSource.DEFAULT_MAP, ParameterSource.ENVIRONMENT, ParameterSource.COMMANDLINE)
    source = ctx.get_parameter_source(setting)
    return order.index(source) if source in order else -1


def main(args: Sequence[str] | None = None, *, serve: Callable[[Settings], int]) -> int:
    """Run the command line, and return the exit code.

    Args:
        args: without the program's name; None takes the process's own.
        serve: serves with these settings, when no other command is given, and returns the exit code.
    """
    try:
        result = cli.main(args, prog_name="placed", standalone_mode=False, obj=serve)
    except click.ClickException as error:
        line = " ".join(error.format_message().split("\n"))
        click.echo(f"placed: {_printable(line)}", err=True)
        return error.exit_code
    except click.Abort:
        return ExitCode.INTERRUPTED
    return result if isinstance(result, int) else ExitCode.OK


def _printable(text: str) -> str:
    # What was given may have anything in it, and this goes to a terminal.
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
