"""A server whose people sign in at a provider, and the browsers that do it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import attrs
import httpx

from placed.commands.settings.oidc import OPENID, ProviderSettings
from tests.support.openid_provider import CLIENT_ID, SECRET, through

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.serving import Server


def provider_settings(name: str, issuer: str, kind: str = OPENID) -> ProviderSettings:
    """A provider of the config file."""
    return ProviderSettings(name, name.title(), kind, issuer, CLIENT_ID, None, client_secret=SECRET)


class Browser:
    """One person's browser, with its cookies."""

    def __init__(self, server: Server) -> None:
        self._url = server.url
        self.http = httpx.AsyncClient(trust_env=False, verify=False, timeout=30)

    async def begin(self, name: str = "school") -> httpx.Response:
        """Choose a provider on the page; return the answer, which leads to the provider."""
        return await self.http.get(f"{self._url}/sign-in/oidc/{name}")

    async def comes_back_to(self, login: str, name: str = "school") -> str:
        """Choose a provider, and sign in there; return the URL to which it sends this browser back."""
        way = (await self.begin(name)).headers["location"]
        return await through(self.http, way, login, f"{self._url}/sign-in/oidc/{name}/callback")

    async def signs_in(self, login: str, name: str = "school") -> httpx.Response:
        """Sign in at a provider, and go back to the server."""
        return await self.http.get(await self.comes_back_to(login, name))

    async def me(self) -> dict[str, Any]:
        """`GET /me`."""
        told: dict[str, Any] = (await self.http.get(f"{self._url}/me")).json()
        return told

    async def paints(self) -> int:
        """The status of an edit."""
        return (await self.http.post(f"{self._url}/edit?x=1&y=2&color=3")).status_code


@attrs.frozen
class School:
    """A server, and its people's browsers.

    Attributes:
        server: the server.
        issuer: its provider's issuer; empty if a test has its own.
    """

    server: Server
    issuer: str
    _stack: contextlib.AsyncExitStack

    async def browser(self) -> Browser:
        """A new browser, closed at the end."""
        browser = Browser(self.server)
        await self._stack.enter_async_context(browser.http)
        return browser


@contextlib.asynccontextmanager
async def at(server: Server, issuer: str = "") -> AsyncGenerator[School]:
    """The school of a server."""
    async with contextlib.AsyncExitStack() as stack:
        yield School(server, issuer, stack)


def query_of(url: str) -> dict[str, str]:
    """The parameters of a URL."""
    return dict(parse_qsl(urlsplit(url).query))
