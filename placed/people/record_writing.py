"""Writes records of people into LMDB, and the keys that follow from them: who holds a name, and the counts.

All servers write through here, in both cases: without a Kafka log in the transaction that decided on the change, with
one when the server reads the change back from the topic. To write all records in their order, or only the last of each
key, makes the same people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from placed.people.person import PLAIN
from placed.people.records import (
    Stored,
    author_in,
    author_key,
    decode_fields,
    decode_stored,
    encode_fields,
    encode_stored,
    report_in,
)
from placed.people.report import DONE
from placed.people.secrets import DIGEST_BYTES
from placed.people.view import COUNTED, HEAD_KEY, Head, name_key, number_key, roles_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lmdb import Transaction
    from lmdb import _Database as Database

    from placed.people.records import Put

_REMEMBERED: Final = (b"t", b"o")  # and roles
# The store keeps so many sign-outs one by one. Beyond that it drops the oldest tenth of them, and ends all sessions,
# of any author, that were issued up to the newest of these.
MOST_SIGNED_OUT: Final = 100_000


class Written:
    """The stored people in a write transaction of LMDB; also a `placed.people.view.View`."""

    def __init__(self, transaction: Transaction[bytes], database: Database | None) -> None:
        self._transaction = transaction
        self._database = database
        self._head: dict[str, Any] = attrs.asdict(Head.decode(self.get(HEAD_KEY)))

    @property
    def head(self) -> Head:
        """The head, as changed so far; `finish` writes it."""
        return Head(**self._head)

    def get(self, key: bytes) -> bytes | None:
        """See `View`."""
        return self._transaction.get(key, db=self._database)

    def scan(self, prefix: bytes, begin: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """See `View`."""
        with self._transaction.cursor(self._database) as cursor:
            if not cursor.set_range(max(prefix, begin)):
                return
            for key, value in cursor:
                if not key.startswith(prefix):
                    return
                yield key, value

    def write(self, put: Put, stamp: int | None = None) -> None:
        """Write one record.

        Args:
            put: the record; its fields have been checked.
            stamp: its place in the order of all changes; None is the next one.
        """
        key, fields = put.key, put.fields
        stamp = self._head["stamp"] + 1 if stamp is None else stamp
        old = self._stored(key)
        new = None if fields is None else Stored(stamp, dict(fields))
        if new is None:
            self._transaction.delete(key, db=self._database)
        else:
            self._transaction.put(key, encode_stored(key, stamp, new.fields), db=self._database)
        self._head["stamp"] = max(stamp, self._head["stamp"])
        self._follow(key, old, new)

    def clear(self, **kept: Any) -> None:
        """Remove all records, and start a new head with these fields. It makes servers read memory anew, and scrub."""
        assert self._database is not None
        self._transaction.drop(self._database, delete=False)
        head = Head(remembered=self._head["remembered"] + 1, forgotten=self._head["forgotten"] + 1, **kept)
        self._head = attrs.asdict(head)
        self.finish()

    def finish(self, **changed: Any) -> None:
        """Write the head, with `changed` for some of its fields."""
        if self._head["signed_out"] > MOST_SIGNED_OUT:
            self._raise_floor()
        self._head |= changed
        self._transaction.put(HEAD_KEY, self.head.encode(), db=self._database)

    def _stored(self, key: bytes) -> Stored | None:
        value = self.get(key)
        return None if value is None else decode_stored(key, value)

    def _follow(self, key: bytes, old: Stored | None, new: Stored | None) -> None:
        kind, field = key[:1], key[-1:]
        if field == b"i" and (old is None) != (new is None):
            self._count(COUNTED[kind], 1 if new else -1)
        if kind == b"p" and old is not None and new is None:
            self._count("forgotten", 1)
        if kind == b"r" and field == b"s":
            self._count("done_reports", _is_done(new) - _is_done(old))
        elif kind == b"r" and new is not None:
            self._head["last_report"] = max(self._head["last_report"], report_in(key)[0])
        if kind in _REMEMBERED:
            self._remember()
        if kind == b"c" and field == b"i":
            self._index(number_key, "id", key[1 : 1 + DIGEST_BYTES], old, new)
        if kind == b"p" and field == b"n":
            self._name(key, old, new)
        if kind == b"p" and field in (b"i", b"r"):
            self._roles(author_in(key))

    def _count(self, name: str, by: int) -> None:
        self._head[name] += by

    def _remember(self) -> None:
        self._count("remembered", 1)

    def _index(self, key_of: Any, field: str, value: bytes, old: Stored | None, new: Stored | None) -> None:
        if old is not None and self.get(key_of(old.fields[field])) == value:
            self._transaction.delete(key_of(old.fields[field]), db=self._database)
        if new is not None:
            self._transaction.put(key_of(new.fields[field]), value, db=self._database)

    def _name(self, key: bytes, old: Stored | None, new: Stored | None) -> None:
        for stored, write in ((old, self._transaction.delete), (new, self._put_empty)):
            if stored is not None:
                since = stored.stamp if stored.fields["since"] is None else stored.fields["since"]
                write(name_key(stored.fields["skeleton"], since, author_in(key)), db=self._database)

    def _put_empty(self, key: bytes, db: Database | None) -> None:
        self._transaction.put(key, b"", db=db)

    def _roles(self, author: int) -> None:
        """Write the key of an author's roles, if they are more than a plain person and still there. One server may
        forget a person while another one gives them a role: whichever record comes last, the role doesn't count.
        """
        key = roles_key(author)
        stored, is_there = self._stored(author_key(author, "r")), self.get(author_key(author, "i")) is not None
        old = self.get(key)
        new = encode_stored(key, 0, stored.fields) if is_there and stored is not None and _is_more(stored) else None
        if new == old:
            return
        if new is None:
            self._transaction.delete(key, db=self._database)
        else:
            self._transaction.put(key, new, db=self._database)
        self._count("roles", (new is not None) - (old is not None))
        self._remember()

    def _raise_floor(self) -> None:
        times = sorted((decode_stored(key, value).fields["signed_out_ms"], key) for key, value in self.scan(b"o"))
        gone = times[: len(times) - MOST_SIGNED_OUT * 9 // 10]
        for _, key in gone:
            self._transaction.delete(key, db=self._database)
        self._head["signed_out"] = len(times) - len(gone)
        self._head["floor_ms"] = max(self._head["floor_ms"], gone[-1][0])
        self._remember()


def check(put: Put) -> Put:
    """Check that a record can be read again, and return it.

    Raises:
        RecordDamaged: it can't.
    """
    if put.fields is not None:
        decode_fields(put.key, encode_fields(put.fields))
    return put


def _is_done(stored: Stored | None) -> bool:
    return stored is not None and stored.fields["state"] == DONE


def _is_more(stored: Stored) -> bool:
    return frozenset(stored.fields["roles"]) != PLAIN
