"""Checks a whole store of people: every page, every record, and all keys that follow from the records. Writes nothing.

The store keeps other keys in addition to the records: who holds a name, who has a role, which code has which number,
and the counts. These could disagree with the records. The check compares sums over the keys instead of sets, so that
two million people take no memory. Imports the standard library, and numpy through `placed.storage`.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final

import attrs

from placed.people.pages import DATABASE, PagesView
from placed.people.person import PLAIN
from placed.people.records import RecordDamaged, author_in, decode_fields, decode_stored, encode_fields
from placed.people.report import DONE
from placed.people.view import COUNTED, HEAD_KEY, Head, name_key, number_key, roles_key
from placed.storage.lmdb_beside import look_beside
from placed.storage.lmdb_check import check_file
from placed.storage.lmdb_environment import DATA_NAME
from placed.storage.lmdb_pages import DamagedPages

if TYPE_CHECKING:
    from pathlib import Path

    from placed.people.records import Stored
    from placed.storage.lmdb_pages import PageFile

_MASK: Final = (1 << 128) - 1


class PeopleDamaged(Exception):
    """The store is damaged, or can't be read; the message names the file."""


@attrs.frozen
class FoundPeople:
    """The counts of a sound store.

    Attributes:
        people, codes, tokens, host_links, reports, done_reports: how many of them the store has.
        roles: how many authors are more than a plain person.
    """

    people: int
    codes: int
    tokens: int
    host_links: int
    reports: int
    done_reports: int
    roles: int


def examine(folder: Path) -> FoundPeople | None:
    """Check the store in `folder`; None if there is none.

    Raises:
        PeopleDamaged: the store isn't sound.

    Thread: blocks for some 20 us a record.
    """
    path = folder / DATA_NAME
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PeopleDamaged(f"{path} can't be read: {error.strerror}") from error
    try:
        look_beside(descriptor, lambda _: check_file(descriptor, appended=DATABASE, whole=True))
        return look_beside(descriptor, _examined)
    except (DamagedPages, RecordDamaged, OSError) as error:
        raise PeopleDamaged(f"{path} is damaged: {error}") from error
    finally:
        os.close(descriptor)


def _examined(pages: PageFile) -> FoundPeople:
    view = PagesView(pages, many=True)
    counts = dict.fromkeys((*COUNTED.values(), "roles", "done_reports"), 0)
    following, there = _KeySum(), _KeySum()
    person = -1  # the author of the last person; a person's field `i` comes before all others
    for key, value in view.scan(b""):
        kind = key[:1]
        if kind in (b"N", b"C", b"R"):
            there.add(key)
        elif kind in COUNTED:
            stored = decode_stored(key, value)
            decode_fields(key, encode_fields(stored.fields))
            counts[COUNTED[kind]] += key[-1:] == b"i"
            counts["done_reports"] += key[:1] + key[-1:] == b"rs" and stored.fields["state"] == DONE
            if key[:1] + key[-1:] == b"pi":
                person = author_in(key)
            for each in _following(key, stored, person):
                following.add(each)
                counts["roles"] += each[:1] == b"R"
    _compare(Head.decode(view.get(HEAD_KEY)), counts)
    if following != there:
        raise RecordDamaged("the stored holders of names, roles and codes don't match the records")
    return FoundPeople(**{field.name: counts[field.name] for field in attrs.fields(FoundPeople)})


def _following(key: bytes, stored: Stored, person: int) -> list[bytes]:
    """The keys that follow from a record."""
    match key[:1] + key[-1:]:
        case b"pn":
            since = stored.stamp if stored.fields["since"] is None else stored.fields["since"]
            return [name_key(stored.fields["skeleton"], since, author_in(key))]
        case b"pr":
            is_more = author_in(key) == person and frozenset(stored.fields["roles"]) != PLAIN
            return [roles_key(person)] if is_more else []
        case b"ci":
            return [number_key(stored.fields["id"])]
    return []


def _compare(head: Head, counts: dict[str, int]) -> None:
    told = attrs.asdict(head)
    for name, count in counts.items():
        if told[name] != count:
            raise RecordDamaged(f"it has {count:,} {name.replace('_', ' ')}, and says that it has {told[name]:,}")


class _KeySum:
    """The sum of keys' digests: the same for the same keys, in any order."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, key: bytes) -> None:
        """Add one key."""
        self._sum = (self._sum + int.from_bytes(hashlib.blake2b(key, digest_size=16).digest())) & _MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _KeySum) and self._sum == other._sum

    __hash__ = None  # type: ignore[assignment]  # it changes
