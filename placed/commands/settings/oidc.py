"""Reads `[[oidc]]` in the config file: the providers that people may sign in with. Pure.

    [[oidc]]
    name = "school"                     part of the addresses /sign-in/oidc/school and …/callback
    title = "School account"            what the page shows
    issuer = "https://id.example.org"   the provider, as its own document calls it
    client_id = "canvas"
    client_secret_file = "/run/secrets/school"    or the variable PLACED_OIDC_SCHOOL_SECRET

There is no flag for the secret, and it never stands in the config file itself.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from placed.commands.settings.origin import PREFIX
from placed.http.oidc.metadata import is_safe_url

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY: Final = "oidc"
MOST_PROVIDERS: Final = 16  # buttons on a page
OPENID, DISCORD = "oidc", "discord"
DISCORD_ISSUER: Final = "https://discord.com"
SECRET_VARIABLE: Final = re.compile(rf"{PREFIX}OIDC_[A-Z0-9_]+_SECRET", re.ASCII)

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", re.ASCII)
_PRINTED: Final = re.compile(r"[!-~]{1,255}", re.ASCII)
_MOST_TITLE: Final = 64
MOST_SECRET: Final = 1_024
_SECRET: Final = re.compile(rf"[!-~]{{1,{MOST_SECRET}}}", re.ASCII)
_KINDS: Final = (OPENID, DISCORD)
_KEYS: Final = ("name", "title", "kind", "issuer", "client_id", "client_secret_file")


class WrongProvider(ValueError):
    """A provider that can't be used; the message names it, the wrong key, the value, and what is allowed."""


@attrs.frozen
class ProviderSettings:
    """One provider.

    Attributes:
        name: its name in addresses and variables, in small letters.
        title: its name for people.
        kind: `oidc` or `discord`.
        issuer: its URL.
        client_id: this server's id at the provider.
        client_secret_file: the file with the secret; None if the secret is in the variable.
        line: the line of its table in the config file, from 1.
        client_secret: the secret from the variable.
    """

    name: str
    title: str
    kind: str
    issuer: str
    client_id: str
    client_secret_file: Path | None
    line: int | None = None
    client_secret: str | None = attrs.field(default=None, repr=False)

    @property
    def secret_variable(self) -> str:
        """The environment variable that may hold its secret."""
        return f"{PREFIX}OIDC_{self.name.upper().replace('-', '_')}_SECRET"


def providers_of(tables: object, lines: Mapping[int, int]) -> tuple[ProviderSettings, ...]:
    """The providers of the config file.

    Args:
        tables: the parsed TOML.
        lines: the line where each table begins, from 1, by the table's index from 0.

    Raises:
        WrongProvider: a provider isn't allowed, by itself or together with the others.
    """
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise WrongProvider(f"oidc: {_shown(tables)}; allowed are tables, each below a line [[oidc]]")
    if len(tables) > MOST_PROVIDERS:
        raise WrongProvider(f"[[oidc]]: {len(tables)} of them; allowed are {MOST_PROVIDERS}")
    providers = tuple(_provider(table, lines.get(place)) for place, table in enumerate(tables))
    for provider in providers:
        same = [each for each in providers if each.secret_variable == provider.secret_variable]
        if len(same) > 1:
            raise WrongProvider(f"[[oidc]] name: {provider.name!r} twice; allowed is another name for each")
    return providers


def with_secrets(
    providers: tuple[ProviderSettings, ...], environment: Mapping[str, str]
) -> tuple[ProviderSettings, ...]:
    """The providers, with their secrets from variables.

    Raises:
        WrongProvider: a provider has no secret, or two.
    """
    return tuple(_with_secret(provider, environment.get(provider.secret_variable) or None) for provider in providers)


def _with_secret(provider: ProviderSettings, secret: str | None) -> ProviderSettings:
    if (secret is None) == (provider.client_secret_file is None):
        what = "no secret" if secret is None else "two secrets"
        allowed = f"one, by client_secret_file or the variable {provider.secret_variable}"
        raise WrongProvider(f"[[oidc]] {provider.name!r}: {what}; allowed is {allowed}")
    if secret is not None and not is_secret(secret):
        raise WrongProvider(f"{provider.secret_variable}: not 1 to {MOST_SECRET} printable ASCII characters")
    return attrs.evolve(provider, client_secret=secret)


def is_secret(text: str) -> bool:
    """Whether `text` can be a client's secret."""
    return _SECRET.fullmatch(text) is not None


def _provider(table: Mapping[str, Any], line: int | None) -> ProviderSettings:
    told: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in _KEYS or name in told:
            raise _wrong(table, key, "twice" if name in told else "no such key", f"each once: {', '.join(_KEYS)}")
        told[name] = value
    kind = told.get("kind", OPENID)
    if kind not in _KINDS:
        raise _wrong(table, "kind", _shown(kind), " or ".join(_KINDS))
    name = _text(table, told, "name", _NAME, "1 to 32 small letters, digits and hyphens")
    title = told.get("title", name)
    if not isinstance(title, str) or not 1 <= len(title.strip()) <= _MOST_TITLE or not title.isprintable():
        raise _wrong(table, "title", _shown(title), f"1 to {_MOST_TITLE} printable characters")
    issuer = told.get("issuer", DISCORD_ISSUER if kind == DISCORD else None)
    if not isinstance(issuer, str) or not is_safe_url(issuer):
        allowed = "the provider's URL, https:// without a query; http:// for this machine alone"
        raise _wrong(table, "issuer", _shown(issuer), allowed)
    return ProviderSettings(
        name=name,
        title=title.strip(),
        kind=kind,
        issuer=issuer,
        client_id=_text(table, told, "client_id", _PRINTED, "the id from the provider, 1 to 255 ASCII characters"),
        client_secret_file=_file(table, told.get("client_secret_file")),
        line=line,
    )


def _text(table: Mapping[str, Any], told: Mapping[str, Any], key: str, form: re.Pattern[str], allowed: str) -> str:
    value = told.get(key)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise _wrong(table, key, _shown(value), allowed)
    return value


def _file(table: Mapping[str, Any], value: object) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value or "\0" in value:
        raise _wrong(table, "client_secret_file", _shown(value), "a file")
    try:
        return Path(value).expanduser()
    except RuntimeError:  # ~nobody
        raise _wrong(table, "client_secret_file", _shown(value), "a file") from None


def _wrong(table: Mapping[str, Any], key: str, what: str, allowed: str) -> WrongProvider:
    name = table.get("name")
    of = f" {name!r}" if isinstance(name, str) and _NAME.fullmatch(name) else ""
    return WrongProvider(f"[[oidc]]{of} {key[:100]}: {what}; allowed is {allowed}")


def _shown(value: object) -> str:
    return "missing" if value is None else repr(value)[:100]
