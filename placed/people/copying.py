"""Reads all people of a store, and writes them into another store or a topic: for a copy to another log.

Stamps and offsets say who had a name first, but they count in one store only. So names come last, in their order, and
are set anew.
"""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING, Final

from placed.people.pages import DATABASE, PagesView
from placed.people.proposal import records_of
from placed.people.record_writing import Written
from placed.people.records import Put, RecordDamaged, decode_stored
from placed.people.view import HEAD_KEY, Head
from placed.storage.lmdb_check import check_file
from placed.storage.lmdb_environment import DATA_NAME, StoreDamaged, StoreUnavailable
from placed.storage.lmdb_pages import DamagedPages, PageFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from lmdb import Transaction
    from lmdb import _Database as Database

    from placed.backends.keyed import KeyedTopic
    from placed.people.store import PeopleStore

_RECORDS: Final = (b"c", b"h", b"o", b"p", b"r", b"t")  # the kinds of records, without keys that follow from them
_AT_ONCE: Final = 500  # records in one transaction, or sent together before waiting for answers


def all_people(folder: Path) -> Iterator[Put]:
    """All records of the store in `folder`; none if there is no store. Nobody may change the store meanwhile.

    Raises:
        StoreDamaged: the store is damaged.
        StoreUnavailable: the store can't be read, or somebody has changed it.
    """
    try:
        descriptor = os.open(folder / DATA_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreUnavailable(f"{folder / DATA_NAME} can't be read: {error.strerror}") from error
    try:
        pages = check_file(descriptor, appended=DATABASE, whole=True)
        yield from _records(PagesView(pages, many=True))
        if PageFile(descriptor).newest.transaction != pages.newest.transaction:
            raise StoreUnavailable(f"the people in {folder} have changed meanwhile; try again")
    except (DamagedPages, RecordDamaged, OSError) as damage:
        raise StoreDamaged(f"{folder / DATA_NAME} is damaged: {damage}") from damage
    finally:
        os.close(descriptor)


def _records(view: PagesView) -> Iterator[Put]:
    names: list[tuple[int, Put]] = []
    for kind in _RECORDS:
        for key, value in view.scan(kind):
            stored = decode_stored(key, value)
            if key[:1] + key[-1:] == b"pn":
                since = stored.stamp if stored.fields["since"] is None else stored.fields["since"]
                names.append((since, Put(key, {**stored.fields, "since": None})))
            else:
                yield Put(key, stored.fields)
    names.sort(key=lambda name: name[0])
    yield from (put for _, put in names)


def is_empty(folder: Path) -> bool:
    """Whether the store in `folder` isn't there, or has no people, codes, tokens, host links and reports.

    Raises: as `all_people`.
    """
    try:
        descriptor = os.open(folder / DATA_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise StoreUnavailable(f"{folder / DATA_NAME} can't be read: {error.strerror}") from error
    try:
        head = Head.decode(PagesView(check_file(descriptor, appended=DATABASE)).get(HEAD_KEY))
    except (DamagedPages, OSError) as damage:
        raise StoreDamaged(f"{folder / DATA_NAME} is damaged: {damage}") from damage
    finally:
        os.close(descriptor)
    return not head.has_any


async def into_topic(topic: KeyedTopic, puts: Iterator[Put]) -> None:
    """Append records to a topic; raises as `KeyedTopic.put_all`, and as `all_people`."""
    async for some in _in_pieces(puts):
        await topic.put_all(records_of(some))


async def into_store(store: PeopleStore, puts: Iterator[Put]) -> None:
    """Write records into an empty store; raises StoreError."""
    async for some in _in_pieces(puts):

        def write(transaction: Transaction[bytes], database: Database | None, some: tuple[Put, ...] = some) -> None:
            written = Written(transaction, database)
            for put in some:
                written.write(put)
            written.finish()

        await store.transact(write)


async def _in_pieces(puts: Iterator[Put]) -> AsyncIterator[tuple[Put, ...]]:
    while some := tuple(islice(puts, _AT_ONCE)):
        yield some
