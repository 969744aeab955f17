"""Asks for people, and changes them: in the store of a data folder, or at a running server.

Both take the same questions and acts, those of `placed.people.hosting`. The store may be changed beside the server that
has it open, which notices within half a second. With a Kafka log changes go into the people's topic, and so to all
servers.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs
import httpx
import trio

from placed import __version__
from placed.backends import CannotStart, LogError
from placed.backends.opening import open_people_topic
from placed.commands.token_file import TokenFileError, read_token
from placed.people.changes import Refused
from placed.people.hosting import BadField, Hosting
from placed.people.store import FOLDER_NAME, open_people
from placed.people.taking_over import followed
from placed.storage.author_key import AuthorKeyError, author_key
from placed.storage.folder_lock import FolderBusy, lock_folder_to_read
from placed.storage.lmdb_environment import StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from placed.commands.settings.values import Settings
    from placed.people.store import PeopleStore

_KEY_NAME: Final = "author.key"
_TIMEOUT: Final = httpx.Timeout(60, connect=10)  # ten thousand codes take some seconds
_MOST_ANSWER_BYTES: Final = 8_000_000  # of ten thousand codes: 1 MB


class CannotAsk(Exception):
    """It wasn't done; the message says why, and the way out."""


class Host(Protocol):
    """Who is asked."""

    @property
    def address(self) -> str | None:
        """How people reach the canvas; None if it isn't known."""

    async def look(self, what: str, **fields: object) -> dict[str, Any]:
        """The answer to a question; raises CannotAsk."""

    async def act(self, what: str, **fields: object) -> dict[str, Any]:
        """Do something, and say what came of it; raises CannotAsk."""


@attrs.frozen
class StoreHost:
    """The people in a data folder, whether or not a server runs there."""

    hosting: Hosting

    @property
    def address(self) -> str | None:
        """See `Host`: where the last server that ran here was to be found."""
        return self.hosting.store.address

    async def look(self, what: str, **fields: object) -> dict[str, Any]:
        """See `Host`."""
        return self.hosting.look(what, fields)

    async def act(self, what: str, **fields: object) -> dict[str, Any]:
        """See `Host`."""
        return await self.hosting.act(what, fields)


@attrs.frozen
class ServerHost:
    """A running server, asked over HTTP with a host's token.

    Attributes:
        client: sends the token.
        address: of its page, without a password.
    """

    client: httpx.AsyncClient
    address: str

    async def look(self, what: str, **fields: object) -> dict[str, Any]:
        """See `Host`."""
        asked = {name: str(value) for name, value in fields.items() if value is not None}
        return await self._ask("GET", "people" if what == "people" else f"people/{what}", params=asked)

    async def act(self, what: str, **fields: object) -> dict[str, Any]:
        """See `Host`."""
        told = {name: value for name, value in fields.items() if value is not None}
        return await self._ask("POST", f"people/{what}", json=told)

    async def _ask(self, method: str, path: str, **asked: Any) -> dict[str, Any]:
        body = bytearray()
        try:
            async with self.client.stream(method, path, **asked) as response:
                # Cancelling, unlike leaving the loop, ends httpx's nested generators from the inside.
                with trio.CancelScope() as scope:
                    async for piece in response.aiter_raw():
                        body += piece
                        if len(body) > _MOST_ANSWER_BYTES:
                            scope.cancel()
        except httpx.HTTPError as error:
            raise CannotAsk(f"{self.address} doesn't answer: {str(error) or type(error).__name__}") from error
        if len(body) > _MOST_ANSWER_BYTES:
            raise CannotAsk(f"the answer of {self.address} is longer than {_MOST_ANSWER_BYTES:,} bytes")
        return self._read(response, bytes(body))

    def _read(self, response: httpx.Response, body: bytes) -> dict[str, Any]:
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            told = None
        if response.status_code == 401:
            raise CannotAsk("the server doesn't know this token; make one with: placed people token NAME --role host")
        if not isinstance(told, dict) or (response.status_code in (404, 405) and "code" not in told):
            raise CannotAsk(f"{self.address} answers with HTTP {response.status_code}, and not as a placed server does")
        if not response.is_success:
            raise CannotAsk(str(told.get("detail", f"HTTP {response.status_code}"))[:500])
        return told


@contextlib.asynccontextmanager
async def open_host(settings: Settings, url: httpx.URL | None, token_file: Path | None) -> AsyncGenerator[Host]:
    """The server at `url`, asked with the token in `token_file`, or else the store that the settings name.

    Raises:
        CannotAsk: from whatever is done in the block, too.
    """
    try:
        if url is None or token_file is None:
            key = _key_of(settings)
            beside = _is_beside(settings.data)
            async with (
                open_people(settings.data / FOLDER_NAME, key, is_beside=beside) as store,
                _connected(settings, store, is_beside=beside),
            ):
                yield StoreHost(Hosting(store, key))
        else:
            headers = {
                "User-Agent": f"placed-people/{__version__}",
                "Accept-Encoding": "identity",  # what is packed may become far more than is counted
                "Authorization": f"Bearer {_token_in(token_file)}",
            }
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=_TIMEOUT) as client:
                yield ServerHost(client, str(url.copy_with(userinfo=b"")))
    except (StoreError, AuthorKeyError, CannotStart, LogError, Refused, BadField) as error:
        raise CannotAsk(str(error)) from error


@contextlib.asynccontextmanager
async def _connected(settings: Settings, store: PeopleStore, *, is_beside: bool) -> AsyncGenerator[None]:
    """Follow the people's topic meanwhile, if there is one."""
    opening = open_people_topic(settings)
    if opening is None:
        if store.head.topic is not None:
            raise CannotAsk(
                f"the people of {settings.data} are those of a Kafka log; name it with --log kafka://… or --config, as "
                "the server has it"
            )
        yield
        return
    failure: BaseException | None = None
    async with opening as topic, followed(store, topic, is_beside=is_beside), trio.open_nursery() as nursery:
        nursery.start_soon(store.run)
        try:
            yield
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - raised outside, where it comes alone and not in a group
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


def _token_in(path: Path) -> str:
    try:
        return read_token(path)
    except TokenFileError as error:
        raise CannotAsk(str(error)) from error


def _key_of(settings: Settings) -> bytes:
    if settings.author_key_file is None and not (settings.data / _KEY_NAME).exists():
        raise CannotAsk(f"there is no canvas in {settings.data}; say where it is, with --data FOLDER, or start it once")
    return author_key(settings.data, settings.author_key_file)


def _is_beside(data: Path) -> bool:
    with contextlib.suppress(OSError):
        try:
            with lock_folder_to_read(data):
                return False
        except FolderBusy:
            return True
    return False
