"""Sends requests to a provider, with limits on the size and the time of an answer: it may be slow, broken or hostile.

Redirects aren't followed, because the URLs come from the config file, or from the provider's own document.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any, Final

import httpx
import trio

from placed.http.oidc.errors import ProviderDown

if TYPE_CHECKING:
    import ssl

MOST_BYTES: Final = 262_144  # the largest document known has 20 KB
LIMIT_SECONDS: Final = 10.0  # for a whole answer; a person is waiting
_STEP_SECONDS: Final = 5.0
_OK, _FAULT = 200, 500
# Compressed answers aren't accepted: a few bytes could become very many.
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}
_believed: Final = functools.cache(httpx.create_ssl_context)  # reads 140 certificates, once for all providers


class Fetching:
    """Sends the requests of one server to its providers."""

    def __init__(self, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._limit_seconds = limit_seconds
        self._tls: ssl.SSLContext | None = None

    async def document(self, url: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """The JSON object at `url`.

        Raises:
            ProviderDown: the provider doesn't give it.
        """
        status, found = await self.ask("GET", url, headers or {})
        if status != _OK:
            raise ProviderDown(f"{url} answered {status}")
        return found

    async def ask(self, method: str, url: str, headers: dict[str, str], body: str = "") -> tuple[int, dict[str, Any]]:
        """The status and the JSON object of the provider's answer; a status of 500 or more is an error.

        Raises:
            ProviderDown: there was no answer in time, or the answer was a fault, too long, or no JSON object.
        """
        try:
            with trio.fail_after(self._limit_seconds):
                status, data = await self._answer(method, url, _HEADERS | headers, body)
        except trio.TooSlowError:
            raise ProviderDown(f"{url} hasn't answered within {self._limit_seconds:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ProviderDown(f"{url} can't be asked: {str(error) or type(error).__name__}") from error
        if status >= _FAULT:
            raise ProviderDown(f"{url} answered {status}")
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ProviderDown(f"{url} answered {status} with something that is no JSON object")
        return status, found

    async def _answer(self, method: str, url: str, headers: dict[str, str], body: str) -> tuple[int, bytes]:
        if self._tls is None:
            self._tls = await trio.to_thread.run_sync(_believed)
        with trio.CancelScope() as enough:
            return await self._read(method, url, headers, body, enough)
        raise ProviderDown(f"{url} answered more than {MOST_BYTES:,} bytes")

    async def _read(
        self, method: str, url: str, headers: dict[str, str], body: str, enough: trio.CancelScope
    ) -> tuple[int, bytes]:
        assert self._tls is not None
        data = bytearray()
        async with (
            httpx.AsyncClient(verify=self._tls, timeout=_STEP_SECONDS, follow_redirects=False) as client,
            client.stream(method, url, headers=headers, content=body or None) as answer,
        ):
            async for part in answer.aiter_raw():
                data += part
                if len(data) > MOST_BYTES:
                    enough.cancel()  # an error would leave httpx's generators half read
            return answer.status_code, bytes(data)
