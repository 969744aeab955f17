"""Says what the settings ask of a start, for the code that starts a server and for the code that tries whether one
could.

It creates and changes nothing.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Final

from placed.backends import CannotStart
from placed.canvas.definition import Definition
from placed.canvas.palette import SEED
from placed.commands.settings.oidc import MOST_SECRET, is_secret
from placed.http.tls import server_context
from placed.storage.author_key import author_key
from placed.tasks.recovery import Wanted

if TYPE_CHECKING:
    import ssl

    from placed.commands.settings.oidc import ProviderSettings
    from placed.commands.settings.values import Settings

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
    """The secrets by which the providers know this server, by the providers' names.

    Raises:
        CannotStart: a file can't be read, or has none; or the libraries for providers are missing.
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


def read_files(settings: Settings) -> ssl.SSLContext | None:
    """Read the certificate, the author key and the secrets that the settings name, before anything is made.

    Returns:
        How to speak TLS; None without a certificate.

    Raises:
        TlsError, AuthorKeyError, CannotStart: one can't be read, or isn't what it should be.
    """
    provider_secrets(settings)
    if settings.author_key_file is not None:
        author_key(settings.data, settings.author_key_file)
    return server_context(settings.certificate, settings.certificate_key) if settings.certificate else None
