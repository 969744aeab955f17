"""Says what the settings ask of a start. Both a start and --check-config use it.

It creates and changes nothing.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Final

from placed.backends import CannotStart
from placed.canvas.definition import Definition
from placed.canvas.palette import SEED
from placed.commands.settings.oidc import MOST_SECRET, is_secret
from placed.http.host_page.icon import ALLOWED as ICON_ALLOWED
from placed.http.host_page.icon import MOST_BYTES as MOST_ICON_BYTES
from placed.http.host_page.icon import BadIcon, Icon
from placed.http.host_page.identity import Identity
from placed.http.tls import server_context
from placed.storage.author_key import author_key
from placed.tasks.recovery import Wanted

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from placed.commands.settings.oidc import ProviderSettings
    from placed.commands.settings.values import Settings
    from placed.http.host_page.about import About

_MOST_FILE_BYTES: Final = 4_096
DEFAULT_CANVAS: Final = Definition(1000, 1000, SEED.rgb)


def wanted_canvas(settings: Settings) -> Wanted:
    """The size and palette that the settings ask for."""
    written = {side: settings.origin(side).with_value(getattr(settings, side)) for side in ("width", "height")}
    written["palette"] = settings.origin("palette").phrase
    palette = settings.palette
    return Wanted(settings.width, settings.height, palette.rgb if palette else None, written)


def choose_by(settings: Settings) -> str:
    """The settings that decide on the address, in the operator's words: `--host and PLACED_PORT`."""
    return " and ".join(settings.origin(setting).phrase for setting in ("host", "port"))


def provider_secrets(settings: Settings) -> dict[str, str]:
    """This server's secrets at the providers, by the providers' names.

    Raises:
        CannotStart: a file can't be read, or has no secret; or the libraries for providers are missing.
    """
    if settings.providers and importlib.util.find_spec("authlib") is None:
        raise CannotStart("[[oidc]]: authlib is missing; signing in with providers needs: pip install 'placed[oidc]'")
    return {provider.name: provider.client_secret or _secret_in_file(provider) for provider in settings.providers}


def _secret_in_file(provider: ProviderSettings) -> str:
    path = provider.client_secret_file
    where = f"[[oidc]] {provider.name!r} client_secret_file = {str(path)!r}"
    assert path is not None
    try:
        with path.open("rb") as file:
            secret = file.read(_MOST_FILE_BYTES).partition(b"\n")[0].rstrip(b"\r").decode("ascii")
    except OSError as error:
        raise CannotStart(f"{where} can't be read: {error.strerror}") from error
    except UnicodeDecodeError:
        secret = ""
    if not is_secret(secret):
        raise CannotStart(f"{where} has no secret in its first line; allowed are 1 to {MOST_SECRET} ASCII characters")
    return secret


def identity_of(settings: Settings) -> Identity:
    """The host's own title, text and icon for the canvas.

    Raises:
        CannotStart: a file can't be read, or its contents aren't allowed.
    """
    return Identity(settings.title, _about_of(settings), _icon_of(settings))


def _about_of(settings: Settings) -> About | None:
    if settings.about is None:
        return None
    from placed.http.host_page.about import MOST_BYTES, About  # the Markdown reader takes 20 ms to import

    where, body = _read(settings, "about", settings.about, MOST_BYTES)
    if len(body) > MOST_BYTES:
        raise CannotStart(f"{where} is too large; allowed are at most {MOST_BYTES:,} bytes of Markdown")
    try:
        return About.of(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise CannotStart(f"{where} is no UTF-8 at byte {error.start:,}; allowed is Markdown in UTF-8") from error


def _icon_of(settings: Settings) -> Icon | None:
    if settings.icon is None:
        return None
    where, body = _read(settings, "icon", settings.icon, MOST_ICON_BYTES)
    try:
        return Icon.of(body)
    except BadIcon as error:
        raise CannotStart(f"{where} {error}; allowed is {ICON_ALLOWED}") from error


def _read(settings: Settings, setting: str, path: Path, most_bytes: int) -> tuple[str, bytes]:
    """The setting in the operator's words, and the file's bytes: at most one more than allowed, to show that."""
    where = settings.origin(setting).with_value(repr(str(path)))
    try:
        with path.open("rb") as file:
            return where, file.read(most_bytes + 1)
    except OSError as error:
        raise CannotStart(f"{where} can't be read: {error.strerror}") from error


def read_files(settings: Settings) -> ssl.SSLContext | None:
    """Read the certificate, the author key, the secrets and the host's own files that the settings name, before a start
    makes anything.

    Returns:
        The context for TLS; None without a certificate.

    Raises:
        TlsError, AuthorKeyError, CannotStart: a file can't be read, or its contents aren't allowed.
    """
    provider_secrets(settings)
    identity_of(settings)
    if settings.author_key_file is not None:
        author_key(settings.data, settings.author_key_file)
    return server_context(settings.certificate, settings.certificate_key) if settings.certificate else None
