"""Makes the listener's TLS context from certificate files, as certificate authorities and `certbot` write them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class TlsError(ValueError):
    """The certificate or the key can't be used; the message names the file."""


def server_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """The context for a server with TLS 1.2 and newer, which offers HTTP/2 before HTTP/1.1 (RFC 7301).

    Args:
        certificate: PEM, the server's own certificate first and then its chain.
        key: PEM, without a password; None if the key is in the certificate's file.

    Raises:
        TlsError: one of them can't be read, isn't PEM, has a password, or they don't belong together.
    """
    for file in (certificate, key or certificate):
        try:
            file.read_bytes()
        except OSError as error:
            raise TlsError(f"{file}: can't be read: {error.strerror}") from error
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2", "http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise TlsError(f"{certificate} and {key or certificate}: not a certificate with its key: {reason}") from error
    return context


def _no_password() -> str:
    # Otherwise OpenSSL asks on the terminal, and a service waits for ever.
    raise ValueError("the key has a password; allowed is one without")
