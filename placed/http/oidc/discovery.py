"""Keeps a provider's document and its keys for an hour, and asks for them again after that, or when a key is unknown.

The server starts without asking. So a provider that is down delays only the people who want to sign in with it. While
it's down, its last document and keys still count. However many people sign in, at most one request for the document and
one for the keys are under way, and after a failure there is none for some seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

import trio

from placed.http.oidc.errors import ProviderError
from placed.http.oidc.id_token import has_key, keys_of
from placed.http.oidc.metadata import WELL_KNOWN, metadata_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from joserfc.jwk import Key

    from placed.http.oidc.fetching import Fetching
    from placed.http.oidc.metadata import Metadata

T = TypeVar("T")

FRESH_SECONDS: Final = 3_600.0
AGAIN_SECONDS: Final = 5.0  # after a failure
ROTATED_SECONDS: Final = 60.0  # between two requests for an unknown key: anybody can make up its id


class Discovery:
    """The document and the keys of one provider.

    Args:
        issuer: the provider's URL, as the config file has it.
        fetching: sends requests to the provider.
    """

    def __init__(self, issuer: str, fetching: Fetching) -> None:
        self._issuer = issuer
        self._fetching = fetching
        self._metadata = _Kept(self._ask_for_metadata)
        self._keys = _Kept(self._ask_for_keys)

    async def metadata(self) -> Metadata:
        """The checked content of the provider's document.

        Raises:
            ProviderDown, Disbelieved: the server never got the document, or it was never right.
        """
        return await self._metadata.get(FRESH_SECONDS)

    async def keys(self, kid: str | None) -> tuple[Key, ...]:
        """The provider's keys. If none of them has this id, this asks again, since the provider may have changed them.

        Raises:
            ProviderDown, Disbelieved: the server never got the keys.
        """
        keys = await self._keys.get(FRESH_SECONDS)
        return keys if has_key(keys, kid) else await self._keys.get(ROTATED_SECONDS)

    async def _ask_for_metadata(self) -> Metadata:
        return metadata_of(await self._fetching.document(self._issuer.rstrip("/") + WELL_KNOWN), self._issuer)

    async def _ask_for_keys(self) -> tuple[Key, ...]:
        return keys_of(await self._fetching.document((await self.metadata()).keys))


class _Kept(Generic[T]):
    """A value that the provider sent, or the error instead, with the time of the request."""

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask = ask
        self._lock = trio.Lock()
        self._value: T | None = None
        self._failure: ProviderError | None = None
        self._asked_at = 0.0

    async def get(self, fresh_seconds: float) -> T:
        async with self._lock:
            if self._is_due(fresh_seconds):
                await self._refresh()
        if self._value is None:
            assert self._failure is not None
            raise type(self._failure)(str(self._failure))  # a new error: each has a traceback of its own
        return self._value

    def _is_due(self, fresh_seconds: float) -> bool:
        if self._value is None and self._failure is None:
            return True
        return trio.current_time() - self._asked_at >= (fresh_seconds if self._failure is None else AGAIN_SECONDS)

    async def _refresh(self) -> None:
        try:
            self._value = await self._ask()
        except ProviderError as failure:
            self._failure = failure
        else:
            self._failure = None
        finally:
            self._asked_at = trio.current_time()
