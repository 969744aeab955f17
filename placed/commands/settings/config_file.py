"""Reads the config file: settings as TOML, keys named like the flags, with - or _ between words.

    port = 8080
    trusted-proxy = ["10.0.0.0/8"]

    [[oidc]]
    name = "school"

This module checks that the file can be read, that every key is a setting, and that each value has its type in TOML.
`Settings` checks the values, as for flags. The tables `[[oidc]]` are no setting; `oidc` reads them. Pure, except for
reading the file.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import attrs

from placed.commands.settings.nearest import nearest_of
from placed.commands.settings.oidc import KEY as OIDC
from placed.commands.settings.oidc import WrongProvider, providers_of
from placed.commands.settings.origin import Origin
from placed.commands.settings.setting import SettingError
from placed.commands.settings.values import SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

    from placed.commands.settings.oidc import ProviderSettings
    from placed.commands.settings.setting import Setting

MAX_FILE_BYTES = 64 * 1024  # a hundred times the size of a file with all settings
_TABLE = re.compile(rf"\s*\[\[\s*[\"']?{OIDC}[\"']?\s*\]\]")
_BARE = ", without quotes"
_FORMS = {str: ", in quotes", int: _BARE, float: _BARE, bool: f", as true or false{_BARE}"}


class ConfigError(ValueError):
    """A config file that can't be used; the message names the file."""


@attrs.frozen
class ConfigFile:
    """The contents of a config file.

    Attributes:
        path: the path that the operator gave.
        values: the value of each setting, by its name with underscores.
        origins: the key of each setting in the file, and its line.
        providers: the tables `[[oidc]]`.
    """

    path: Path
    values: dict[str, object]
    origins: dict[str, Origin]
    providers: tuple[ProviderSettings, ...] = ()


def read_config_file(path: Path) -> ConfigFile:
    """The settings in the TOML file at `path`.

    Raises:
        ConfigError: the file can't be read, isn't TOML, has a key that is no setting, or a value of a wrong type.
    """
    values: dict[str, object] = {}
    origins: dict[str, Origin] = {}
    text = _text(path)
    parsed = _parse(path, text)
    try:
        providers = providers_of(parsed.pop(OIDC, []), _lines_of_tables(text))
    except WrongProvider as error:
        raise ConfigError(f"{path}: {error}") from None
    for key, value in parsed.items():
        setting = key.replace("-", "_")
        if setting not in SETTINGS:
            known = [*(row.key for row in SETTINGS.values()), f"[[{OIDC}]]"]
            raise ConfigError(f"{path}: {key[:100]!r} is not a setting; {nearest_of(key, known)}")
        if setting in values:
            raise ConfigError(f"{origins[setting]} and {key} are the same setting; allowed is one of them")
        try:
            _check_type(SETTINGS[setting], value)
        except SettingError as error:
            raise ConfigError(f"{path}: {key}: {error.reason}") from None
        values[setting], origins[setting] = value, Origin(key, path, _line_of(key, text), value)
    return ConfigFile(path, values, origins, providers)


def _line_of(key: str, text: str) -> int | None:
    begins = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
    return next((number for number, line in enumerate(text.split("\n"), 1) if begins.match(line)), None)


def _lines_of_tables(text: str) -> dict[int, int]:
    numbers = [number for number, line in enumerate(text.split("\n"), 1) if _TABLE.match(line)]
    return dict(enumerate(numbers))


def _text(path: Path) -> str:
    try:
        if not path.is_file():  # a pipe or a device may never end, or never begin
            raise ConfigError(f"{path}: {'not an ordinary file' if path.exists() else 'there is no such file'}")
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from error
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(f"{path}: more than {MAX_FILE_BYTES} bytes; allowed are {MAX_FILE_BYTES}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}: line {line}: not UTF-8 text") from None


def _parse(path: Path, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply; allowed are keys with a value or a list") from None
    except ValueError as error:  # TOMLDecodeError, and a number with more digits than Python converts
        raise ConfigError(f"{path}: not TOML: {error}") from None


def _check_type(row: Setting, value: object) -> None:
    types = row.kind.toml
    if row.many:
        if not isinstance(value, list) or not all(isinstance(one, types) for one in value):
            raise row.refusal(value, "; as a list of texts in quotes")
    elif isinstance(value, bool) != (bool in types) or not isinstance(value, types):  # True is an int as well
        raise row.refusal(value, _FORMS[types[0]])
