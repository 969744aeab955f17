"""Copies the people of a log to the place of another log's people: a data folder, or a topic next to the log's.

    data folder: people/   --+                      +--> people/ beside the new log's folder
    topic: TOPIC-people    --+--> records, once --> +--> TOPIC-people

They are copied before the log's copy gets its name: if that fails, there is no copy of the log either. Their authors
come from the servers' author key, which the operator has to copy.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from placed.backends.opening import open_people_topic, place_of
from placed.canvas.author import KEY_BYTES
from placed.people.copying import all_people, into_store, into_topic, is_empty
from placed.people.store import FOLDER_NAME, open_people
from placed.people.taking_over import followed
from placed.storage.lmdb_environment import StoreUnavailable
from placed.storage.lmdb_lock import LOCK_NAME

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from placed.backends.keyed import KeyedTopic
    from placed.commands.settings.values import Settings

_LOG_NAME: Final = "log"
_NO_KEY: Final = bytes(KEY_BYTES)  # the records have authors already; the key is for new people


async def copy_people(settings: Settings, to: Settings) -> str:
    """Copy the people; return a sentence that says where they are.

    Args:
        settings: name the log of these people.
        to: the same settings, with the new log.

    Raises:
        StoreError, LogError, CannotStart: the people can't be read or written, or the new place has people already.
    """
    async with _source(settings) as source:
        if is_empty(source):
            return "there are no people to copy"
        opening = open_people_topic(to)
        if opening is not None:
            async with opening as topic:
                return await _to_topic(source, topic)
        folder = place_of(to).folder
        if folder is None or folder.name != _LOG_NAME:
            return f"the people aren't copied: they belong into a data folder; copy to lmdb:DATA/{_LOG_NAME} for that"
        return await _to_folder(source, folder.parent / FOLDER_NAME)


@contextlib.asynccontextmanager
async def _source(settings: Settings) -> AsyncGenerator[Path]:
    """The folder of a store with the people."""
    opening = open_people_topic(settings)
    if opening is None:
        yield settings.data / FOLDER_NAME
        return
    with tempfile.TemporaryDirectory(prefix="placed-") as scratch:
        folder = Path(scratch) / FOLDER_NAME
        async with open_people(folder, _NO_KEY) as store, opening as topic, followed(store, topic):
            pass
        yield folder


async def _to_topic(source: Path, topic: KeyedTopic) -> str:
    if (await topic.bounds())[1]:
        raise StoreUnavailable("the people's topic has records already; delete it, and copy again")
    await into_topic(topic, all_people(source))
    return "the people are in the topic beside the log's"


async def _to_folder(source: Path, folder: Path) -> str:
    if not is_empty(folder):
        raise StoreUnavailable(f"there are people in {folder} already; move it away, and copy again")
    try:
        async with open_people(folder, _NO_KEY) as store:
            await into_store(store, all_people(source))
        (folder / LOCK_NAME).unlink(missing_ok=True)  # the next server may run as another user
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # nobody was in it
        raise
    return f"the people are in {folder}"
