"""Speaks to Discord, which is no OpenID provider: it gives no ID token, so the server asks it who somebody is.

Its endpoints are those of its documentation (OAuth2, and *Get Current User*), so there is no document and no key to
fetch. The answer is about the person who came back, because the server got the access token for the code, by HTTPS and
with the client's secret, and the code came from the browser that has the flow (PKCE).
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
    """Discord, as a provider.

    Args:
        issuer: its URL; another one than `ISSUER` is for trying out.
        client: this server, as Discord knows it.
        fetching: sends requests to Discord.
    """

    def __init__(self, issuer: str, client: Client, fetching: Fetching) -> None:
        self.issuer = issuer
        self._place = issuer.rstrip("/")
        self._client = client
        self._fetching = fetching

    async def way_there(self, flow: Flow, back: str) -> str:
        """The URL at which somebody signs in; Discord then sends them to the URL `back`."""
        return authorize_url(f"{self._place}{_AUTHORIZE}", self._client, _SCOPE, flow, back)

    async def names_issuer(self) -> bool:
        """False: Discord doesn't name itself in its answers."""
        return False

    async def account(self, code: str, flow: Flow, back: str) -> Account:
        """The account of the person who came back with this code.

        Raises:
            ProviderDown, ProviderRefused, Disbelieved: the server couldn't find it out.
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
            raise Disbelieved("Discord doesn't say who has signed in: the answer has no id")
        return Account(f"discord:{discord_id}", tuple(about.get(name) for name in _NAMES))
