"""Makes what speaks to a provider, by its kind: the one module of this folder that brings in its libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placed.http.oidc.discord import Discord
from placed.http.oidc.fetching import Fetching
from placed.http.oidc.provider import Client, OpenIdProvider

if TYPE_CHECKING:
    from placed.http.oidc.signing_in import Provider


def open_provider(kind: str, issuer: str, client_id: str, secret: str) -> Provider:
    """A provider of the config file; nothing is asked of it yet.

    Args:
        kind: `oidc` or `discord`.
        issuer: its URL.
        client_id: what it knows this server by.
        secret: that it gave this server.
    """
    client = Client(client_id, secret)
    return Discord(issuer, client, Fetching()) if kind == "discord" else OpenIdProvider(issuer, client, Fetching())
