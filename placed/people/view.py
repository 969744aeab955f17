"""Reads the stored records of people as persons, codes, tokens and host links, wherever the records lie. Pure.

    p, c, t, h, o, r           the records themselves, by kind: `placed.people.records`
    N skeleton since author    everybody who has asked for a name, the first one first: that person holds it
    C number                   the digest of the code with this number
    R author                   the roles of an author that is more than a plain person: a start reads them all
    !                          the counts, and how far the topic was read
    @                          the address of the last server of this folder
    ~                          how many forgotten people's remains in the file have been overwritten

The keys with capital letters, and `!`, follow from the records, and are written together with them.
"""

from __future__ import annotations

import hashlib
import json
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import attrs

from placed.canvas.author import author_of_person
from placed.people.found_reports import MOST_ID, reports_in
from placed.people.person import PLAIN, Code, HostLink, Person, Token
from placed.people.records import AUTHOR_BYTES, author_in, author_key, decode_stored, digest_key
from placed.people.secrets import DIGEST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from placed.people.found_reports import FoundReport
    from placed.people.records import Stored

T = TypeVar("T")

# The head's counts, by the kind of record. A person, code and so on is there while its field `i` is.
COUNTED: Final = MappingProxyType(
    {b"p": "people", b"c": "codes", b"t": "tokens", b"h": "host_links", b"o": "signed_out", b"r": "reports"}
)
HEAD_KEY: Final = b"!"
ADDRESS_KEY: Final = b"@"
SCRUBBED_KEY: Final = b"~"
_SKELETON_BYTES: Final = 16
_SINCE_BYTES: Final = 8


class View(Protocol):
    """Stored keys and values, in the order of keys."""

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, or None."""

    def scan(self, prefix: bytes, begin: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Keys that begin with `prefix`, from `begin` on, with their values."""


@attrs.frozen
class Head:
    """The store's counts, and how far the topic was read.

    Attributes:
        stamp: the stamp of the last change.
        people, codes, tokens, host_links, roles, signed_out, reports: how many there are; `roles` counts the authors
            that are more than a plain person.
        done_reports: how many reports moderators have marked as done.
        last_report: the greatest id that a report has had.
        remembered: how often something changed that servers keep in memory.
        forgotten: how often somebody was forgotten; every process has to remove that person's remains.
        floor_ms: sessions that were issued up to this time don't count, for any author.
        topic: the id of the topic that the records come from; None without one.
        offset: the offset of the topic's next record.
        heard_ms: about when the topic was last read to its end, in ms since the epoch.
        newest_ms: the time of the newest record that was read.
        forgotten_ms: the time of the newest record that erased something about a person.
    """

    stamp: int = 0
    people: int = 0
    codes: int = 0
    tokens: int = 0
    host_links: int = 0
    roles: int = 0
    signed_out: int = 0
    reports: int = 0
    done_reports: int = 0
    last_report: int = 0
    remembered: int = 0
    forgotten: int = 0
    floor_ms: int = 0
    topic: str | None = None
    offset: int = 0
    heard_ms: int = 0
    newest_ms: int = 0
    forgotten_ms: int = 0

    @property
    def has_any(self) -> bool:
        """Whether the store has anything that somebody would miss."""
        return bool(self.people or self.codes or self.tokens or self.host_links or self.reports)

    def encode(self) -> bytes:
        """The head's value, as the store has it."""
        return json.dumps(attrs.asdict(self)).encode()

    @classmethod
    def decode(cls, value: bytes | None) -> Head:
        """The head that `encode` encoded; a new head for None."""
        return cls() if value is None else cls(**json.loads(value))


def name_prefix(skeleton: str) -> bytes:
    """The prefix of the keys of everybody who has asked for a name with this skeleton."""
    return b"N" + hashlib.blake2b(skeleton.encode("utf-8", "surrogatepass"), digest_size=_SKELETON_BYTES).digest()


def name_key(skeleton: str, since: int, author: int) -> bytes:
    """The key of one person who has asked for a name."""
    return name_prefix(skeleton) + since.to_bytes(_SINCE_BYTES, "big") + author.to_bytes(AUTHOR_BYTES, "big")


def roles_key(author: int) -> bytes:
    """The key of the roles of one author that is more than a plain person."""
    return b"R" + author.to_bytes(AUTHOR_BYTES, "big")


def number_key(code_id: str) -> bytes:
    """The key that finds a code by its number."""
    return b"C" + code_id.encode("utf-8", "surrogatepass")[:200]


class People:
    """The people that are stored in `view`.

    Args:
        view: the stored keys and values.
        key: the author key.
    """

    def __init__(self, view: View, key: bytes) -> None:
        self._view = view
        self._key = key

    @property
    def head(self) -> Head:
        """The counts of all records, and how far the topic was read."""
        return Head.decode(self._view.get(HEAD_KEY))

    def author_of(self, person_id: str) -> int:
        """The author of the person with this id."""
        return author_of_person(person_id, self._key)

    @property
    def address(self) -> str | None:
        """The last server's address, such as `http://127.0.0.1:8080`."""
        value = self._view.get(ADDRESS_KEY)
        return None if value is None else value.decode()

    @property
    def scrubbed(self) -> int:
        """`Head.forgotten` when the forgotten people's remains in the file were last overwritten."""
        return int(self._view.get(SCRUBBED_KEY) or b"0")

    def field(self, key: bytes) -> Stored | None:
        """One record, or None."""
        value = self._view.get(key)
        return None if value is None else decode_stored(key, value)

    def person(self, author: int) -> Person | None:
        """The person with this author, or None."""
        found = self._view.scan(author_key(author, ""))
        return self._person(author, _fields(found))

    def persons(self, after: int | None, limit: int) -> list[Person]:
        """The next persons after the author `after`, in the order of their authors, at most `limit`."""
        begin = b"p" if after is None else author_key(after, "\x7f")
        groups = groupby(self._view.scan(b"p", begin), key=lambda each: author_in(each[0]))
        return _first(limit, (self._person(author, _fields(found)) for author, found in groups))

    def named(self, skeleton: str) -> int | None:
        """The author of the person who holds the name with this skeleton; None if nobody holds it."""
        for key, _ in self._view.scan(name_prefix(skeleton)):
            author = int.from_bytes(key[-AUTHOR_BYTES:], "big")
            if self._is_there(author):
                return author
        return None

    def code(self, digest: bytes) -> Code | None:
        """The code of this digest, or None."""
        return self._code(digest, _fields(self._view.scan(digest_key("c", digest, ""))))

    def code_numbered(self, code_id: str) -> Code | None:
        """The code of this number, or None."""
        digest = self._view.get(number_key(code_id))
        return None if digest is None else self.code(digest)

    def codes(self, after: str | None, limit: int) -> list[Code]:
        """The next codes after the number `after`, in the order of their numbers, at most `limit`."""
        begin = b"C" if after is None else number_key(after) + b"\0"
        return _first(limit, (self.code(digest) for _, digest in self._view.scan(b"C", begin)))

    def token(self, digest: bytes) -> Token | None:
        """The token of this digest, or None."""
        return self._token(digest, _fields(self._view.scan(digest_key("t", digest, ""))))

    def tokens(self) -> Iterator[Token]:
        """All tokens."""
        for digest, found in groupby(self._view.scan(b"t"), key=lambda each: each[0][1 : 1 + DIGEST_BYTES]):
            token = self._token(digest, _fields(found))
            if token is not None:
                yield token

    def host_link(self, digest: bytes) -> HostLink | None:
        """The host link of this digest, or None."""
        fields = _fields(self._view.scan(digest_key("h", digest, "")))
        if "i" not in fields:
            return None
        used = fields["u"].fields["used_ms"] if "u" in fields else None
        return HostLink(digest, fields["i"].fields["created_ms"], used)

    def host_links(self) -> Iterator[HostLink]:
        """All host links."""
        digests = {key[1 : 1 + DIGEST_BYTES] for key, _ in self._view.scan(b"h")}
        return (link for digest in sorted(digests) if (link := self.host_link(digest)) is not None)

    def roles(self) -> Iterator[tuple[int, frozenset[str]]]:
        """The authors that are more than a plain person, with their roles."""
        for key, value in self._view.scan(b"R"):
            yield author_in(key), frozenset(decode_stored(key, value).fields["roles"])

    def roles_of(self, author: int) -> frozenset[str]:
        """An author's roles; the plain ones if nobody has this author."""
        stored = self.field(roles_key(author))
        return PLAIN if stored is None else frozenset(stored.fields["roles"])

    def signed_out(self) -> Iterator[tuple[int, int]]:
        """Authors, and the time up to which their sessions don't count, in ms since the epoch."""
        for key, value in self._view.scan(b"o"):
            yield author_in(key), decode_stored(key, value).fields["signed_out_ms"]

    def reports(self, after: int = 0, before: int = MOST_ID + 1) -> Iterator[FoundReport]:
        """Reports whose ids are greater than `after` and smaller than `before`, the oldest first."""
        return reports_in(self._view, after, before)

    def keys_of(self, person: Person) -> list[bytes]:
        """The keys of all records that are about a person."""
        # Every key that there may be, because another server may add one just now.
        keys = [author_key(person.author, field) for field in "inrs"]
        kind, _, rest = person.id.partition(":")
        digest = None
        if kind == "code":
            digest = self._view.get(number_key(rest))
        elif kind == "token":
            digest = next((token.digest for token in self.tokens() if token.id == rest), None)
        # A forgotten person's code or token goes as well: it would make the same person again.
        if digest is not None:
            keys += [digest_key(kind[0], digest, field) for field in ("iux" if kind == "code" else "is")]
        return keys

    def _is_there(self, author: int) -> bool:
        return self._view.get(author_key(author, "i")) is not None

    def _person(self, author: int, fields: dict[str, Stored]) -> Person | None:
        if "i" not in fields:
            return None
        told = fields["i"].fields
        return Person(
            author,
            id=told["id"],
            name=self._name(author, fields.get("n")),
            roles=frozenset(fields["r"].fields["roles"]) if "r" in fields else PLAIN,
            created_ms=told["created_ms"],
            seen_ms=fields["s"].fields["seen_ms"] if "s" in fields else told["created_ms"],
        )

    def _name(self, author: int, stored: Stored | None) -> str | None:
        # If two people asked for one name at the same moment, the first key holds it; the other person has no name.
        if stored is None or self.named(stored.fields["skeleton"]) != author:
            return None
        name: str = stored.fields["name"]
        return name

    def _code(self, digest: bytes, fields: dict[str, Stored]) -> Code | None:
        if "i" not in fields:
            return None
        told = fields["i"].fields
        used: dict[str, Any] = fields["u"].fields if "u" in fields else {}
        return Code(
            digest,
            id=told["id"],
            author=self.author_of(f"code:{told['id']}"),
            created_ms=told["created_ms"],
            used_ms=used.get("first_ms"),
            last_ms=used.get("last_ms"),
            uses=used.get("uses", 0),
            revoked_ms=fields["x"].fields["revoked_ms"] if "x" in fields else None,
        )

    def _token(self, digest: bytes, fields: dict[str, Stored]) -> Token | None:
        if "i" not in fields:
            return None
        told = fields["i"].fields
        return Token(
            digest,
            id=told["id"],
            author=self.author_of(f"token:{told['id']}"),
            name=told["name"],
            roles=frozenset(told["roles"]),
            created_ms=told["created_ms"],
            seen_ms=fields["s"].fields["seen_ms"] if "s" in fields else None,
        )


def _fields(found: Iterable[tuple[bytes, bytes]]) -> dict[str, Stored]:
    return {chr(key[-1]): decode_stored(key, value) for key, value in found}


def _first(limit: int, found: Iterable[T | None]) -> list[T]:
    some: list[T] = []
    for each in found:
        if len(some) >= limit:
            break
        if each is not None:
            some.append(each)
    return some
