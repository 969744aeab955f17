"""Opens a server's people: its store, and with a Kafka log the topic that all servers' people are in."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from placed.backends.opening import open_people_topic
from placed.people.store import FOLDER_NAME, open_people
from placed.people.taking_over import followed, unfollowed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    from placed.commands.settings.values import Settings
    from placed.people.store import PeopleStore


def people_store(settings: Settings, key: bytes) -> AbstractAsyncContextManager[PeopleStore]:
    """The store of these settings; raises StoreError on entering."""
    return open_people(settings.data / FOLDER_NAME, key)


@contextlib.asynccontextmanager
async def people_of(settings: Settings, store: PeopleStore, caution: Callable[[str], None]) -> AsyncGenerator[None]:
    """Have the store know the people of the log that the settings name.

    Args:
        settings: of the server.
        store: its store.
        caution: told what is odd about the topic's settings.

    Raises:
        CannotStart, LogError, StoreError: as they say.
    """
    opening = open_people_topic(settings)
    if opening is None:
        await unfollowed(store)
        yield
        return
    async with opening as topic, followed(store, topic):
        for one in topic.cautions:
            caution(one)
        yield
