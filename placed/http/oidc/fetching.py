"""Asks a provider, and takes only so much of an answer within so long: a provider may be slow, broken or hostile.

Redirects aren't followed: what is asked for stands in the config file, or in the provider's own document.
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
LIMIT_SECONDS: Final = 10.0  # for all of an answer; a person waits
_STEP_SECONDS: Final = 5.0
_OK, _FAULT = 200, 500
# Nothing is unpacked here: a few bytes could become very many.
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}
_believed: Final = functools.cache(httpx.create_ssl_context)  # reads 140 certificates, once for all providers


class Fetching:
    """One server's way to its providers."""

    def __init__(self, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._limit_seconds = limit_seconds
        self._tls: ssl.SSLContext | None = None

    async def document(self, url: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """The JSON object at `url`.

        Raises:
            ProviderDown: it isn't to be had.
        """
        status, found = await self.ask("GET", url, headers or {})
        if status != _OK:
            raise ProviderDown(f"{url} answered {status}")
        return found

    async def ask(self, method: str, url: str, headers: dict[str, str], body: str = "") -> tuple[int, dict[str, Any]]:
        """The status and the JSON object that are answered; statuses of 500 and more are errors.

        Raises:
            ProviderDown: nothing was answered in time, or something else.
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
                    enough.cancel()  # an error would leave httpx's generators lying about half read
            return answer.status_code, bytes(data)
