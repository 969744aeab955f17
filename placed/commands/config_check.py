"""Answers `placed --check-config`: prints the settings and where each comes from, and says whether a start would work.

It creates and changes nothing, and asks no broker. While a server uses the data folder, as before a reload, that server
has the port, so this module doesn't try the port; it looks at all else that a start needs. It prints TOML, with the
origins as comments.
"""

from __future__ import annotations

import fcntl
import json
import os
from typing import TYPE_CHECKING, Any, Final

import click
import trio

from placed.backends import CannotStart
from placed.backends.opening import open_log, place_of
from placed.canvas.palette_files import palette_of
from placed.commands.operations.look import canvas_of
from placed.commands.settings.asked_for import DEFAULT_CANVAS, choose_by, read_files, wanted_canvas
from placed.commands.settings.values import SETTINGS
from placed.http.lanes.listening import CannotListen, listen
from placed.http.tls import TlsError
from placed.process.exit_codes import ExitCode
from placed.storage.author_key import AuthorKeyError
from placed.storage.folder_lock import LOCK_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from placed.commands.operations.look import Found
    from placed.commands.settings.oidc import ProviderSettings
    from placed.commands.settings.setting import Setting
    from placed.commands.settings.values import Settings

_CANVAS: Final = ("width", "height", "palette")
_COLUMN: Final = 48
_CODES: Final = {
    TlsError: ExitCode.BAD_USAGE,
    AuthorKeyError: ExitCode.UNUSABLE,
    CannotStart: ExitCode.UNUSABLE,
    CannotListen: ExitCode.CANNOT_LISTEN,
}


def show(settings: Settings) -> int:
    """Print the settings, and return the exit code that a start would have; 0 if it would serve.

    It checks only things that need no start. It doesn't check whether a log is damaged, for example.
    """
    found, reason, code = None, "", ExitCode.OK
    try:
        found = canvas_of(settings)
        _examine(settings, found)
    except tuple(_CODES) as error:
        reason, code = str(error), _CODES[type(error)]
    for line in _lines(settings, found):
        click.echo(line)
    if reason:
        click.echo(f"placed: a start would fail: {reason}", err=True)
    return code


def _examine(settings: Settings, found: Found | None) -> None:
    """Go through the needs of a start, in its order; raise the error that a start would raise."""
    read_files(settings)
    _check_folders(settings)
    if _holder(settings.data) is None:
        trio.run(_try_to_listen, settings)
    open_log(settings, create=False)  # not entered: this only looks for the client library and the password
    for file in (settings.kafka_ca, settings.kafka_certificate, settings.kafka_key):
        if file is not None and not os.access(file, os.R_OK):
            raise CannotStart(f"{file} can't be read")
    if found is not None:
        wanted_canvas(settings).check(found.created, found.now, settings.log or str(settings.data))


def _check_folders(settings: Settings) -> None:
    for setting, folder in (("data", settings.data), ("log", place_of(settings).folder)):
        if folder is None:
            continue
        there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            written = settings.origin(setting).phrase
            raise CannotStart(f"the folder {folder} can't be used: {there} isn't a folder to write to; see {written}")


async def _try_to_listen(settings: Settings) -> None:
    for listener in await listen(settings.host, settings.port, choose_by(settings)):
        await listener.aclose()


def _holder(folder: Path) -> str | None:
    """The process id of the server that uses a data folder; None if there is none."""
    try:
        with (folder / LOCK_NAME).open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # released when the file is closed
            except BlockingIOError:
                return file.read(20).strip()
    except OSError:
        return None
    return None


def _lines(settings: Settings, found: Found | None) -> Iterator[str]:
    holder = _holder(settings.data)
    if holder is not None:
        yield f"# a server (process {holder}) uses the data folder now, so the port was not tried"
    for row in SETTINGS.values():
        if row.attribute:
            yield _line(settings, row, found)
    if settings.kafka_password is not None:
        yield "# PLACED_KAFKA_PASSWORD is set; its value isn't shown"
    for provider in settings.providers:
        yield from _provider_lines(provider)


def _provider_lines(provider: ProviderSettings) -> Iterator[str]:
    where = f" # line {provider.line}" if provider.line else ""
    yield f"\n[[oidc]]{where}"
    for key in ("name", "title", "kind", "issuer", "client_id", "client_secret_file"):
        value = getattr(provider, key)
        if value is not None:
            yield f"{key} = {_toml(value)}"
    if provider.client_secret is not None:
        yield f"# {provider.secret_variable} is set; its value isn't shown"
    yield f"# register this redirect URI at the provider: https://THIS-CANVAS/sign-in/oidc/{provider.name}/callback"


def _default_of(settings: Settings, setting: str, found: Found | None) -> tuple[Any, str]:
    """The value that an unset setting gets, and why."""
    if setting == "log":
        return place_of(settings).url, "default"
    if setting not in _CANVAS:
        return None, "default"
    canvas = found.now if found else DEFAULT_CANVAS
    value = palette_of(canvas.rgb).name if setting == "palette" else getattr(canvas, setting)
    return value, f"the canvas in {settings.log or settings.data}" if found else "default"


def _line(settings: Settings, row: Setting, found: Found | None) -> str:
    value, place = getattr(settings, row.attribute), settings.origin(row.name).place
    if value is None:
        value, place = _default_of(settings, row.name, found)
    if value is None:
        return f"# {row.key} is not set"
    if row.name == "palette":
        value = settings.origin(row.name).given or value
    return f"{f'{row.key} = {_toml(value)}':{_COLUMN}} # {place}"


def _toml(value: Any) -> str:
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(str(value), ensure_ascii=False)  # JSON's escapes are TOML's
