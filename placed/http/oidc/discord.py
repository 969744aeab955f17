"""Speaks to Discord, which is no OpenID provider: it has no ID token, and tells who somebody is when it is asked.

Its endpoints are where its documentation says (OAuth2, and *Get Current User*): there is nothing to discover, and no
key to be known. That the answer is about who came back follows from the way: the access token was had for the code, by
HTTPS and with the client's secret, and the code by a browser that has the flow (PKCE).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from placed.http.oidc.errors import Disbelieved
from placed.http.oidc.provider import Account, authorize_url, bearer, exchanged

if TYPE_CHECKING:
    from placed.http.oidc.fetching import Fetching
    from placed.http.oidc.flow import Flow
    from placed.http.oidc.provider import Client

ISSUER: Final = "https://discord.com"
_AUTHORIZE, _TOKEN, _ME = "/oauth2/authorize", "/api/oauth2/token", "/api/users/@me"
_SCOPE: Final = "identify"
_NAMES: Final = ("global_name", "username")
_ID: Final = re.compile(r"[0-9]{1,20}", re.ASCII)  # a number of 64 bits, which Discord calls a snowflake


class Discord:
    """It.

    Args:
        issuer: where it is; another place than `ISSUER` is for trying out.
        client: this server, as it is known there.
        fetching: the way to it.
    """

    def __init__(self, issuer: str, client: Client, fetching: Fetching) -> None:
        self.issuer = issuer
        self._place = issuer.rstrip("/")
        self._client = client
        self._fetching = fetching

    async def way_there(self, flow: Flow, back: str) -> str:
        """The URL at which somebody signs in, who then comes `back`."""
        return authorize_url(f"{self._place}{_AUTHORIZE}", self._client, _SCOPE, flow, back)

    async def names_issuer(self) -> bool:
        """It doesn't."""
        return False

    async def account(self, code: str, flow: Flow, back: str) -> Account:
        """Who it is that came back with this code.

        Raises:
            ProviderDown, ProviderRefused, Disbelieved: it isn't known.
        """
        answer = await exchanged(
            self._fetching,
            f"{self._place}{_TOKEN}",
            self._client,
            "client_secret_post",
            code=code,
            flow=flow,
            back=back,
        )
        about = await self._fetching.document(f"{self._place}{_ME}", bearer(answer))
        discord_id = about.get("id")
        if not isinstance(discord_id, str) or not _ID.fullmatch(discord_id):
            raise Disbelieved("Discord doesn't say who it is: the answer has no id")
        return Account(f"discord:{discord_id}", tuple(about.get(name) for name in _NAMES))
