"""Makes click's options from the rows of settings, and the settings from these options' values.

An option passes its value on unchanged, from a flag, a variable or the config file: `Settings` checks it, once. The
error about a wrong value begins with the place that the value came from.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar, Final

import click
from click.core import ParameterSource

from placed.commands.settings.oidc import WrongProvider, with_secrets
from placed.commands.settings.origin import Origin, flag_of, variable_of
from placed.commands.settings.setting import SettingError
from placed.commands.settings.shown import help_of
from placed.commands.settings.values import SETTINGS, SHORT_FOR_A_RULE, Settings
from placed.commands.settings.variables import SERVICE_HINT, is_of_service

if TYPE_CHECKING:
    from placed.commands.settings.config_file import ConfigFile
    from placed.commands.settings.oidc import ProviderSettings
    from placed.commands.settings.setting import Setting

# Not a flag, because everybody on the machine can read flags.
PASSWORD_VARIABLE: Final = "PLACED_KAFKA_PASSWORD"  # noqa: S105 - its name
CONFIG: Final = f"{__name__}.config"  # where the context keeps the config file
IS_SUBCOMMAND: Final = f"{__name__}.is_subcommand"

if TYPE_CHECKING:
    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # takes no arguments before click 8.4


class _AsGiven(_ParamType):
    """The type of an option whose value is checked later."""

    envvar_list_splitter: ClassVar[str] = ","

    def __init__(self, unit: str) -> None:
        self.name = unit

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return self.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value


class _SwitchAsGiven(_AsGiven, click.types.BoolParamType):
    """The type of a pair of flags without values, `--this` and `--no-this`."""


class Option(click.Option):
    """A flag that is also an environment variable; before a subcommand the variable doesn't count."""

    def __init__(self, flag: str, name: str, **kwargs: Any) -> None:
        super().__init__([flag, name], envvar=variable_of(name), **kwargs)

    def value_from_envvar(self, ctx: click.Context) -> Any:
        is_before_subcommand = ctx.parent is None and IS_SUBCOMMAND in ctx.meta
        return None if is_before_subcommand else super().value_from_envvar(ctx)


def option_of(row: Setting) -> Option:
    """The option of a setting."""
    kind = _SwitchAsGiven if row.is_switch else _AsGiven
    about: dict[str, Any] = {"is_flag": True} if row.is_switch else {"multiple": row.many}
    default = row.found or row.default
    return Option(row.flag, row.name, type=kind(row.kind.unit), help=help_of(row), default=default, **about)


def settings_of(ctx: click.Context, values: dict[str, Any], providers: tuple[ProviderSettings, ...] = ()) -> Settings:
    """The checked settings from a command's options.

    Args:
        ctx: the command's context.
        values: the options' values, by the settings' names; settings that a command doesn't take are left out.
        providers: the providers that people sign in with.

    Raises:
        click.UsageError: a value isn't allowed; the message begins with the place that it came from.
    """
    origins = {name: origin_of(ctx, name) for name in values}
    try:
        rule = _cooldown_rule(ctx, values)
        origins |= dict.fromkeys(rule, origin_of(ctx, SHORT_FOR_A_RULE.name))
        given = {row.attribute: value for name, value in (values | rule).items() if (row := SETTINGS[name]).attribute}
        password = os.environ.get(PASSWORD_VARIABLE) or None
        return Settings(**given, kafka_password=password, providers=providers, origins=origins)
    except SettingError as error:
        hint = SERVICE_HINT if is_of_service(error.value) else ""
        raise click.UsageError(f"{origin_of(ctx, error.setting)}: {error.reason}{hint}") from None


def providers_of(ctx: click.Context) -> tuple[ProviderSettings, ...]:
    """The providers in a command's config file, with their secrets.

    Raises:
        click.UsageError: a provider has no secret, or two.
    """
    config: ConfigFile | None = ctx.meta.get(CONFIG)
    if config is None:
        return ()
    try:
        return with_secrets(config.providers, os.environ)
    except WrongProvider as error:
        raise click.UsageError(f"{config.path}: {error}") from None


def origin_of(ctx: click.Context, name: str) -> Origin:
    """Where the value of a setting came from, in the operator's words."""
    source = ctx.get_parameter_source(name)
    if source is ParameterSource.ENVIRONMENT:
        return Origin(variable_of(name), given=os.environ[variable_of(name)])
    if source is ParameterSource.DEFAULT_MAP:
        config: ConfigFile = ctx.meta[CONFIG]
        return config.origins[name]
    return Origin(flag_of(name), given=ctx.params.get(name), is_default=source is ParameterSource.DEFAULT)


def _cooldown_rule(ctx: click.Context, values: dict[str, Any]) -> dict[str, Any]:
    """The two settings that --cooldown is short for; none if one of them comes from a place of higher precedence."""
    others = ("charges", "charge_seconds")
    given, place = values.get(SHORT_FOR_A_RULE.name), _precedence(ctx, SHORT_FOR_A_RULE.name)
    seconds = SHORT_FOR_A_RULE.check(given)
    if seconds is None or place < max(_precedence(ctx, other) for other in others):
        return {}
    for other in others:
        if _precedence(ctx, other) == place:
            allowed = f"this or {origin_of(ctx, other)}, not both"
            raise SettingError(SHORT_FOR_A_RULE.name, f"{seconds:g}; allowed is {allowed}", given)
    return {"charges": 1, "charge_seconds": seconds}


def _precedence(ctx: click.Context, name: str) -> int:
    order = (ParameterSource.DEFAULT_MAP, ParameterSource.ENVIRONMENT, ParameterSource.COMMANDLINE)
    source = ctx.get_parameter_source(name)
    return order.index(source) if source in order else -1
