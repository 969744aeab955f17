"""Has a store follow a topic, wherever the store's people come from: the same topic, another one, or an embedded log.

the same topic                 goes on at the stored offset
the same, after a long absence read anew: the brokers may have dropped records that erase something
another topic, or none         the store's people are put aside, and the topic is read anew
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import time
from typing import TYPE_CHECKING

from placed.backends import OffsetOutOfRange
from placed.people.following import Following, is_too_old
from placed.people.record_writing import Written
from placed.storage.lasting_folders import sync_folder
from placed.storage.lmdb_environment import DATA_NAME, StoreUnavailable
from placed.storage.ownership import give_to_folders_owner
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from lmdb import Transaction
    from lmdb import _Database as Database

    from placed.backends.keyed import KeyedTopic
    from placed.people.store import PeopleStore


@contextlib.asynccontextmanager
async def followed(store: PeopleStore, topic: KeyedTopic, *, is_beside: bool = False) -> AsyncGenerator[None]:
    """Read the topic to its present end into the store, and change people through the topic while the block runs.

    Args:
        store: the open store; its `run` follows the topic from then on.
        topic: the open topic.
        is_beside: whether a server follows the topic in the same folder.

    Raises:
        LogError: the topic can't be read.
        StoreError: the store can't be written, or the server in its folder follows another topic.
    """
    head = store.head
    if head.topic != topic.id and is_beside:
        raise StoreUnavailable(f"the server that runs on {store.folder.parent} follows another log; name that log")
    if head.topic != topic.id:
        await _begin_anew(store, topic, keeps=head.has_any)
    elif is_too_old(head, topic.tombstone_ms) and not is_beside:
        await _begin_anew(store, topic, keeps=False)
    following = Following(store, topic)
    try:
        await following.begin()
    except OffsetOutOfRange:
        if is_beside:
            raise
        await _begin_anew(store, topic, keeps=True)  # the brokers have lost records
        await following.begin()
    store.follow(following)
    try:
        yield
    finally:
        store.follow(None)


async def unfollowed(store: PeopleStore) -> None:
    """Let a store leave the topic that it has followed; it keeps its people."""
    if store.head.topic is not None:
        await store.transact(lambda *of: Written(*of).finish(topic=None, offset=0))
        get_logger(__name__).warning("the people are this data folder's own from now on, and no topic's")


async def _begin_anew(store: PeopleStore, topic: KeyedTopic, *, keeps: bool) -> None:
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = store.folder.with_name(f"{store.folder.name}.aside-{stamp}")

    def begin(transaction: Transaction[bytes], database: Database | None) -> None:
        if keeps:  # LMDB writes nothing before the commit, so the file still has the last committed state
            _copy(store.folder, aside)
        Written(transaction, database).clear(topic=topic.id, heard_ms=time.time_ns() // 1_000_000)

    await store.transact(begin)
    await store.load()
    if keeps:
        get_logger(__name__).warning(
            "the people who were here are of another log; they are put aside, and the topic's are read",
            aside=str(aside),
        )


def _copy(folder: Path, aside: Path) -> None:
    aside.mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(folder / DATA_NAME, aside / DATA_NAME)
    (aside / DATA_NAME).chmod(0o600)
    for path in (aside, aside / DATA_NAME):
        give_to_folders_owner(path)
    descriptor = os.open(aside / DATA_NAME, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(aside.parent)
