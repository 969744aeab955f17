"""Opens a server's people store, and with a Kafka log the topic that holds the people of all servers."""

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
    """The people store of these settings; raises StoreError on entering."""
    return open_people(settings.data / FOLDER_NAME, key)


@contextlib.asynccontextmanager
async def people_of(settings: Settings, store: PeopleStore, caution: Callable[[str], None]) -> AsyncGenerator[None]:
    """Keep the store equal to the people topic of the settings' log, if there is one, while the block runs.

    Args:
        settings: the server's settings.
        store: the server's people store.
        caution: called with each warning about the topic's settings.

    Raises:
        CannotStart, LogError, StoreError: see each class.
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
