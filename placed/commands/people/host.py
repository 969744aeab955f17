"""Looks up people, and changes them: in the store of a data folder, or at a running server.

Both take the same questions and acts, those of `placed.people.hosting`. A command may change the store while a server
has it open; the server notices within half a second. With a Kafka log, changes go into the people's topic, and so to
all servers.
"""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs
import trio

from placed.backends import CannotStart, LogError
from placed.backends.opening import open_people_topic
from placed.commands.token_client import CannotAsk, open_client
from placed.people.changes import Refused
from placed.people.hosting import BadField, Hosting
from placed.people.store import FOLDER_NAME, look_at_people, open_people
from placed.people.taking_over import followed
from placed.storage.author_key import AuthorKeyError, author_key
from placed.storage.folder_lock import FolderBusy, lock_folder_to_read
from placed.storage.lmdb_environment import DATA_NAME, StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    import httpx

    from placed.backends.keyed import KeyedTopic
    from placed.commands.settings.values import Settings
    from placed.commands.token_client import TokenClient
    from placed.people.store import PeopleStore

_KEY_NAME: Final = "author.key"
_KNOWN: Final = (StoreError, AuthorKeyError, CannotStart, LogError, Refused, BadField)


class Host(Protocol):
    """The store or the server that a command talks to."""

    @property
    def address(self) -> str | None:
        """The canvas's address for people; None if it isn't known."""

    async def look(self, what: str, **fields: object) -> dict[str, Any]:
        """The answer to a question; raises CannotAsk."""

    async def act(self, what: str, **fields: object) -> dict[str, Any]:
        """Do something, and return its result; raises CannotAsk."""


@attrs.frozen
class StoreHost:
    """The people in a data folder, whether or not a server runs there. `look` leaves no new files in the folder.

    Attributes:
        hosting: answers questions.
        acting: a context manager, whose `Hosting` does acts.
    """

    hosting: Hosting
    acting: Callable[[], AbstractAsyncContextManager[Hosting]]

    @property
    def address(self) -> str | None:
        """See `Host`: the address of the last server that ran here."""
        return self.hosting.store.address

    async def look(self, what: str, **fields: object) -> dict[str, Any]:
        """See `Host`."""
        return self.hosting.look(what, fields)

    async def act(self, what: str, **fields: object) -> dict[str, Any]:
        """See `Host`."""
        async with self.acting() as hosting:
            return await hosting.act(what, fields)


@attrs.frozen
class ServerHost:
    """A running server, over HTTP, with a host's token."""

    client: TokenClient

    @property
    def address(self) -> str:
        """See `Host`."""
        return self.client.address

    async def look(self, what: str, **fields: object) -> dict[str, Any]:
        """See `Host`."""
        asked = {name: str(value) for name, value in fields.items() if value is not None}
        return await self.client.ask("GET", "people" if what == "people" else f"people/{what}", params=asked)

    async def act(self, what: str, **fields: object) -> dict[str, Any]:
        """See `Host`."""
        told = {name: value for name, value in fields.items() if value is not None}
        return await self.client.ask("POST", f"people/{what}", json=told)


@contextlib.asynccontextmanager
async def open_host(settings: Settings, url: httpx.URL | None, token_file: Path | None) -> AsyncGenerator[Host]:
    """The server at `url`, with the token in `token_file`; without them, the store that the settings name.

    Raises:
        CannotAsk: it can't be reached or used; errors inside the block become this, too.
    """
    try:
        if url is None or token_file is None:
            async with _store_host(settings, _key_of(settings), is_beside=_is_beside(settings.data)) as store_host:
                yield store_host
        else:
            async with open_client(url, token_file, "people", "host") as client:
                yield ServerHost(client)
    except _KNOWN as error:
        raise CannotAsk(str(error)) from error
    except BaseExceptionGroup as group:  # following the topic failed: another topic is in its place
        known, others = group.split(_KNOWN)
        if known is None or others is not None:
            raise
        raise CannotAsk(str(_first_of(known))) from group


def _first_of(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@contextlib.asynccontextmanager
async def _store_host(settings: Settings, key: bytes, *, is_beside: bool) -> AsyncGenerator[StoreHost]:
    folder = settings.data / FOLDER_NAME
    topic = open_people_topic(settings)
    with contextlib.ExitStack() as stack:
        is_there = (folder / DATA_NAME).exists()
        # If nobody has signed in yet, take an empty store.
        place = folder if is_there else Path(stack.enter_context(TemporaryDirectory(prefix="placed-people-")))
        if topic is not None:
            async with (
                open_people(place, key, is_beside=is_beside) as store,
                _followed(store, topic, is_beside=is_beside),
            ):
                hosting = Hosting(store, key)
                yield StoreHost(hosting, lambda: contextlib.nullcontext(hosting))
            return
        looking = look_at_people(folder, key, is_beside=is_beside) if is_there else open_people(place, key)
        async with looking as store:
            if store.head.topic is not None:
                raise CannotAsk(
                    f"the people of {settings.data} belong to a Kafka log; name that log with --log kafka://… or "
                    "--config, as for the server"
                )
            yield StoreHost(Hosting(store, key), partial(_acting, folder, key, is_beside=is_beside))


@contextlib.asynccontextmanager
async def _acting(folder: Path, key: bytes, *, is_beside: bool) -> AsyncGenerator[Hosting]:
    async with open_people(folder, key, is_beside=is_beside) as store:
        yield Hosting(store, key)


@contextlib.asynccontextmanager
async def _followed(
    store: PeopleStore, opening: AbstractAsyncContextManager[KeyedTopic], *, is_beside: bool
) -> AsyncGenerator[None]:
    """Follow the people's topic while the block runs."""
    failure: BaseException | None = None
    async with opening as topic, followed(store, topic, is_beside=is_beside), trio.open_nursery() as nursery:
        nursery.start_soon(store.run)
        try:
            yield
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - raised again outside, where it isn't in a group
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


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
