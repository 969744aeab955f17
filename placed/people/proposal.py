"""What a server wants to append to the people's topic, and whether that still holds once it is there. Pure.

    decide by what is stored --> append --others' records come between--> read back: did they touch what it went by?
                                                                            | no           | yes
                                                                            v              v
                                                                          it holds     undo, and decide anew

A server decides by what it has read so far, and another one may have appended something a moment before. The records
between that state and its own tell: were they about something that was looked at, such as the same name, then the
decision may be wrong. All servers see the same order, so that of two changes that clash the first one holds.
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

_NOTES: Final = (b"ps", b"ts")  # when somebody was seen decides nothing


@attrs.frozen
class Record:
    """A record of the topic."""

    offset: int
    key: bytes
    value: bytes


class _Watched:
    """A view that notes what is looked at; a `placed.people.view.View`."""

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
    """A change, as it was decided.

    Attributes:
        base: the topic's next record when it was.
        puts: what makes the change.
        before: what the keys of `puts` said before.
        keys, prefixes: what was looked at.
    """

    base: int
    puts: tuple[Put, ...]
    before: Mapping[bytes, Put]
    keys: frozenset[bytes]
    prefixes: tuple[bytes, ...]

    @classmethod
    def decide(cls, change: Change, view: View, key: bytes) -> Proposal:
        """By what is stored in `view`; `key` is the author key.

        Raises:
            Refused: it can't be made.
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
        """What to append."""
        return records_of(self.puts)

    def clashes(self, others: Iterable[Record]) -> bool:
        """Whether one of the others' records, from `base` up to the last one of ours, may have changed the decision."""
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
        """The records that undo it, so that what others have set stays.

        Args:
            offsets: of `puts`.
            others: their records from `base` on.
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
    """Keys and values, as a topic has them."""
    return [(put.key, _value(put) or None) for put in puts]


def _value(put: Put) -> bytes:
    return b"" if put.fields is None else encode_fields(put.fields)


def _as_new(put: Put) -> Put:
    """The record as it is set again: a name anew, since somebody may have got it in the meantime."""
    if put.fields is None or put.key != author_key(int.from_bytes(put.key[1:9], "big"), "n"):
        return put
    return Put(put.key, {**put.fields, "since": None})
