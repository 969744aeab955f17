"""Speaks to one OpenID provider: sends people there, and finds out who came back.

Authlib writes the requests (RFC 6749, RFC 7636). The client's secret goes to the token endpoint alone.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import attrs
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from placed.http.oidc.discovery import Discovery
from placed.http.oidc.errors import Disbelieved, ProviderDown, ProviderRefused
from placed.http.oidc.id_token import Expected, claims_of, kid_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from placed.http.oidc.fetching import Fetching
    from placed.http.oidc.flow import Flow

SCOPE: Final = "openid profile"
# The members of an ID token that may have a person's name, the best first.
NAMES: Final = ("preferred_username", "name", "nickname")
_OK: Final = 200
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


@attrs.frozen
class Account:
    """Somebody's account at a provider.

    Attributes:
        id: the id of the person here, made of the issuer and their id there.
        names: their names there, the best first.
    """

    id: str
    names: tuple[object, ...]


@attrs.frozen
class Client:
    """This server, as a provider knows it.

    Attributes:
        id: the client id, which is public.
        secret: the client secret.
    """

    id: str
    secret: str = attrs.field(repr=False)


class OpenIdProvider:
    """One OpenID provider.

    Args:
        issuer: the provider's URL, as the config file has it.
        client: this server, as the provider knows it.
        fetching: sends requests to the provider.
        now_seconds: the wall clock, seconds since the epoch.
    """

    def __init__(
        self, issuer: str, client: Client, fetching: Fetching, now_seconds: Callable[[], float] = time.time
    ) -> None:
        self.issuer = issuer
        self._client = client
        self._fetching = fetching
        self._now_seconds = now_seconds
        self._discovery = Discovery(issuer, fetching)

    async def way_there(self, flow: Flow, back: str) -> str:
        """The URL at which somebody signs in; the provider then sends them to the URL `back`.

        Raises:
            ProviderDown, Disbelieved: the server knows nothing of the provider.
        """
        metadata = await self._discovery.metadata()
        return authorize_url(metadata.authorize, self._client, SCOPE, flow, back, nonce=flow.nonce)

    async def names_issuer(self) -> bool:
        """Whether the provider names itself in each answer: then one without its name isn't its own (RFC 9207)."""
        return (await self._discovery.metadata()).names_issuer

    async def account(self, code: str, flow: Flow, back: str) -> Account:
        """The account of the person who came back with this code.

        Raises:
            ProviderDown, ProviderRefused, Disbelieved: the server couldn't find it out.
        """
        metadata = await self._discovery.metadata()
        answer = await exchanged(
            self._fetching, metadata.token, self._client, metadata.auth_method, code=code, flow=flow, back=back
        )
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Disbelieved("the provider's answer to the code has no ID token")
        expected = Expected(self.issuer, self._client.id, flow.nonce)
        claims = claims_of(token, await self._discovery.keys(kid_of(token)), expected, self._now_seconds())
        if not any(claims.get(name) for name in NAMES) and metadata.userinfo is not None:
            claims = {**await self._about(metadata.userinfo, answer, claims["sub"]), "sub": claims["sub"]}
        return Account(f"oidc:{self.issuer} {claims['sub']}", tuple(claims.get(name) for name in NAMES))

    async def _about(self, url: str, answer: Mapping[str, Any], subject: str) -> Mapping[str, Any]:
        """The provider's answer about somebody; empty if it gives none, since a name isn't needed."""
        try:
            found = await self._fetching.document(url, bearer(answer))
        except (ProviderDown, Disbelieved):
            return {}
        return found if found.get("sub") == subject else {}  # another person's (Core, section 5.3.2)


def authorize_url(url: str, client: Client, scope: str, flow: Flow, back: str, **more: str) -> str:
    """The URL at which a provider lets somebody sign in (RFC 6749, section 4.1.1)."""
    made: str = prepare_grant_uri(
        url,
        client.id,
        "code",
        redirect_uri=back,
        scope=scope,
        state=flow.state,
        code_challenge=create_s256_code_challenge(flow.verifier),
        code_challenge_method="S256",
        **more,
    )
    return made


async def exchanged(
    fetching: Fetching, url: str, client: Client, auth_method: str, *, code: str, flow: Flow, back: str
) -> dict[str, Any]:
    """The provider's answer to a code, with its tokens (RFC 6749, section 4.1.3).

    Raises:
        ProviderDown: the provider can't be reached, or has a fault.
        ProviderRefused: the provider refuses the code, or this server.
    """
    body = prepare_token_request("authorization_code", redirect_uri=back, code=code, code_verifier=flow.verifier)
    url, headers, body = ClientAuth(client.id, client.secret, auth_method).prepare("POST", url, dict(_FORM), body)
    status, answer = await fetching.ask("POST", url, headers, body)
    if status != _OK:
        told = " ".join(repr(answer.get(name))[:100] for name in ("error", "error_description"))
        raise ProviderRefused(f"the provider answered {status} to the code: {told}")
    return answer


def bearer(answer: Mapping[str, Any]) -> dict[str, str]:
    """The header with the access token from a provider's answer.

    Raises:
        Disbelieved: the answer has no access token.
    """
    token = answer.get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise Disbelieved("the provider's answer to the code has no access token")
    return {"Authorization": f"Bearer {token}"}
