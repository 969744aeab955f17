"""A change that a server wants to append to the people's topic, and whether it's still right once it's there. Pure.

    decide by what is stored --> append --others' records come between--> read back: did they touch what it went by?
                                                                            | no           | yes
                                                                            v              v
                                                                          it holds     undo, and decide anew

A server decides by the records that it has read so far, and another server may have appended more a moment before. So
it checks the records between that state and its own: if one of them is about something that the decision looked at,
such as the same name, the decision may be wrong. All servers see the same order, so if two changes clash, the first one
counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from placed.people.records import Put, author_key, encode_fields, put_of
from placed.people.view import People, name_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from placed.people.changes import Change
    from placed.people.view import View

_NOTES: Final = (b"ps", b"ts")  # when somebody was last seen; no decision depends on it


@attrs.frozen
class Record:
    """A record of the topic."""

    offset: int
    key: bytes
    value: bytes


class _Watched:
    """A view that notes which keys and prefixes are read; a `placed.people.view.View`."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.keys: set[bytes] = set()
        self.prefixes: set[bytes] = set()

    def get(self, key: bytes) -> bytes | None:
        """See `View`."""
        self.keys.add(key)
        return self._view.get(key)

    def scan(self, prefix: bytes, begin: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """See `View`."""
        self.prefixes.add(prefix)
        return self._view.scan(prefix, begin)


@attrs.frozen
class Proposal:
    """A change, as the server has decided it.

    Attributes:
        base: the offset of the topic's next record at the decision.
        puts: the records of the change.
        before: key -> its record before the change, for each key of `puts`.
        keys, prefixes: the keys and prefixes that the decision read.
    """

    base: int
    puts: tuple[Put, ...]
    before: Mapping[bytes, Put]
    keys: frozenset[bytes]
    prefixes: tuple[bytes, ...]

    @classmethod
    def decide(cls, change: Change, view: View, key: bytes) -> Proposal:
        """Decide a change by the records in `view`; `key` is the author key.

        Raises:
            Refused: the change isn't possible.
        """
        watched = _Watched(view)
        puts = tuple(put_of(put.key, _value(put)) for put in change.puts(People(watched, key)))
        people = People(view, key)
        before = {}
        for put in puts:
            stored = people.field(put.key)
            before[put.key] = Put(put.key, None if stored is None else stored.fields)
        return cls(people.head.offset, puts, before, frozenset(watched.keys), tuple(watched.prefixes))

    def records(self) -> list[tuple[bytes, bytes | None]]:
        """The keys and values to append."""
        return records_of(self.puts)

    def clashes(self, others: Iterable[Record]) -> bool:
        """Whether one of the other records, from `base` up to our last one, may have changed the decision."""
        return any(map(self._is_touched_by, others))

    def _is_touched_by(self, record: Record) -> bool:
        key = record.key
        if key[:1] + key[-1:] in _NOTES:
            return False
        if key in self.keys or key.startswith(self.prefixes):
            return True
        if key[:1] + key[-1:] == b"pn" and record.value:
            fields = put_of(key, record.value).fields
            return fields is not None and name_prefix(fields["skeleton"]) in self.prefixes
        return False

    def undone(self, offsets: Sequence[int], others: Sequence[Record]) -> list[Put]:
        """The records that undo the change, and leave the other changes as they are.

        Args:
            offsets: the offsets of `puts`.
            others: the other records from `base` on.
        """
        undone = []
        for put, offset in zip(self.puts, offsets, strict=True):
            set_by_others = [record for record in others if record.key == put.key]
            if any(record.offset > offset for record in set_by_others):
                continue
            last = max(set_by_others, key=lambda record: record.offset, default=None)
            before = self.before[put.key] if last is None else put_of(last.key, last.value)
            undone.append(_as_new(before))
        return undone


def records_of(puts: Iterable[Put]) -> list[tuple[bytes, bytes | None]]:
    """The records' keys and values, as a topic has them."""
    return [(put.key, _value(put) or None) for put in puts]


def _value(put: Put) -> bytes:
    return b"" if put.fields is None else encode_fields(put.fields)


def _as_new(put: Put) -> Put:
    """The record that sets the old value again. A name gets a new time, because somebody may have got it meanwhile."""
    if put.fields is None or put.key != author_key(int.from_bytes(put.key[1:9], "big"), "n"):
        return put
    return Put(put.key, {**put.fields, "since": None})
