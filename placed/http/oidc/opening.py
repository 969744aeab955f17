"""Makes the object that speaks to a provider. The server gets this folder's libraries only by importing this module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placed.http.oidc.discord import Discord
from placed.http.oidc.fetching import Fetching
from placed.http.oidc.provider import Client, OpenIdProvider

if TYPE_CHECKING:
    from placed.http.oidc.signing_in import Provider


def open_provider(kind: str, issuer: str, client_id: str, secret: str) -> Provider:
    """A provider from the config file; this sends no request to it yet.

    Args:
        kind: `oidc` or `discord`.
        issuer: the provider's URL.
        client_id: the id by which the provider knows this server.
        secret: the secret that the provider gave this server.
    """
    client = Client(client_id, secret)
    return Discord(issuer, client, Fetching()) if kind == "discord" else OpenIdProvider(issuer, client, Fetching())
