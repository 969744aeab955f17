"""Says what the settings ask of a start, for the code that starts a server and for the code that tries whether one
could.

It creates and changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from placed.canvas.definition import Definition
from placed.canvas.palette import SEED
from placed.http.tls import server_context
from placed.storage.author_key import author_key
from placed.tasks.recovery import Wanted

if TYPE_CHECKING:
    import ssl

    from placed.commands.settings.values import Settings

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


def read_files(settings: Settings) -> ssl.SSLContext | None:
    """Read the certificate and the author key that the settings name, before anything is made.

    Returns:
        How to speak TLS; None without a certificate.

    Raises:
        TlsError, AuthorKeyError: one can't be read, or isn't what it should be.
    """
    if settings.author_key_file is not None:
        author_key(settings.data, settings.author_key_file)
    return server_context(settings.certificate, settings.certificate_key) if settings.certificate else None
