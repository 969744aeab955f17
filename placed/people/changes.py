"""The changes of people: each gives the records that make it, or the reason why it isn't possible. Pure.

    change --puts(people)--> records --written, in one order on every server--> people

`Refused.reason` is a word for programs, and its text is a sentence for the host. Neither contains a person's name or
id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import attrs

from placed.people.person import HOST_LINK_MS, PLAIN, in_order
from placed.people.records import Put, author_key, digest_key, report_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from placed.people.found_reports import FoundReport
    from placed.people.person import Code
    from placed.people.view import People

MOST_PEOPLE: Final = 2_000_000  # 600 MB in the store
MOST_CODES: Final = 100_000
MOST_CODES_AT_ONCE: Final = 10_000
MOST_TOKENS: Final = 10_000  # each is in memory, at 0.7 KB
MOST_HOST_LINKS: Final = 1_000
MOST_ROLES: Final = 20_000  # in memory, too


class Refused(Exception):
    """A change isn't possible; nothing was changed.

    Attributes:
        reason: `name-taken`, `wrong-code`, `code-revoked`, `unknown-person`, `unknown-token`, `is-token`, `full`,
            and of a report `too-many` or `unknown-report`.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Change(Protocol):
    """One change."""

    def puts(self, people: People) -> list[Put]:
        """The records that make the change.

        Raises:
            Refused: the change isn't possible.
        """


@attrs.frozen
class Name:
    """A person's name, and its skeleton, which look-alikes share: see `placed.people.names`."""

    text: str
    skeleton: str


@attrs.frozen
class SignIn:
    """Somebody signs in, for the first time or again.

    Attributes:
        id: the person's id.
        now_ms: the time of the change, in ms since the epoch.
        name: the name for a person who has none yet; None gives no name.
        needs_name: whether the sign-in is refused if the name is taken; otherwise they come in without a name.
    """

    id: str
    now_ms: int
    name: Name | None = None
    needs_name: bool = True

    def puts(self, people: People) -> list[Put]:
        """See `Change`."""
        author = people.author_of(self.id)
        known = people.person(author)
        puts = _new_person(people, self.id, self.now_ms) if known is None else []
        if self.name is not None and (known is None or known.name is None):
            puts += _named(people, author, self.name, is_needed=self.needs_name)
        return [*puts, _seen(author, self.now_ms)]


@attrs.frozen
class UseCode:
    """Somebody signs in with a code. If it was used before, its person's earlier sessions end, so that they notice."""

    digest: bytes
    now_ms: int

    def puts(self, people: People) -> list[Put]:
        """See `Change`."""
        code = people.code(self.digest)
        if code is None:
            raise Refused("wrong-code", "there is no such code")
        if code.revoked_ms is not None:
            raise Refused("code-revoked", "the code was revoked")
        puts = [] if people.person(code.author) else _new_person(people, f"code:{code.id}", self.now_ms)
        first_ms = self.now_ms if code.used_ms is None else code.used_ms
        uses = {"first_ms": first_ms, "last_ms": self.now_ms, "uses": code.uses + 1}
        puts += [Put(digest_key("c", self.digest, "u"), uses), _seen(code.author, self.now_ms)]
        return puts if code.used_ms is None else [*puts, signed_out(code.author, self.now_ms)]


@attrs.frozen
class UseHostLink:
    """The first person who opens a host link becomes a host.

    Attributes:
        digest: the digest of the link's secret.
        id: the new host's id, `host:` and something random.
        now_ms: the time of the change, in ms since the epoch.
    """

    digest: bytes
    id: str
    now_ms: int

    def puts(self, people: People) -> list[Put]:
        """See `Change`."""
        link = people.host_link(self.digest)
        if link is None or link.used_ms is not None or link.created_ms + HOST_LINK_MS < self.now_ms:
            raise Refused("wrong-code", "there is no such host link, or it was used, or is a day old")
        _check_room(people.head.roles, MOST_ROLES, "hosts, moderators and bots")
        author = people.author_of(self.id)
        return [
            Put(digest_key("h", self.digest, "u"), {"used_ms": self.now_ms, "by": self.id}),
            *_new_person(people, self.id, self.now_ms),
            _roles(author, frozenset({"person", "host"})),
            _seen(author, self.now_ms),
        ]


@attrs.frozen
class SetName:
    """Somebody gets another name."""

    author: int
    name: Name

    def puts(self, people: People) -> list[Put]:
        """See `Change`."""
        _known(people, self.author)
        return _named(people, self.author, self.name, is_needed=True)


@attrs.frozen
class SetRoles:
    """A host says what somebody may do."""

    author: int
    roles: frozenset[str]

    def puts(self, people: People) -> list[Put]:
        """See `Change`."""
        person = _known(people, self.author)
        if person.startswith("token:"):
            raise Refused("is-token", "a token keeps the role that it was made with: revoke it, and make another one")
        if self.roles != PLAIN:
            _check_room(people.head.roles, MOST_ROLES, "hosts, moderators and bots")
        return [_roles(self.author, self.roles)]


@attrs.frozen
class SignOutEverywhere:
    """All sessions that a person has begun up to now end."""

    author: int
    now_ms: int

    def puts(self, people: People) -> list[Put]:
        """See `Change`."""
        _known(people, self.author)
        return [signed_out(self.author, self.now_ms)]


@attrs.frozen
class Seen:
    """People were seen, and tokens were used.

    Attributes:
        people: author -> when they were last seen, in ms since the epoch.
        tokens: digest -> when the token was last used, in ms since the epoch.
    """

    people: Mapping[int, int] = attrs.field(factory=dict)
    tokens: Mapping[bytes, int] = attrs.field(factory=dict)

    def puts(self, people: People) -> list[Put]:
        """See `Change`."""
        puts = [_seen(author, at_ms) for author, at_ms in self.people.items() if people.person(author)]
        for digest, at_ms in self.tokens.items():
            token = people.token(digest)
            if token is not None:
                puts += [Put(digest_key("t", digest, "s"), {"seen_ms": at_ms}), _seen(token.author, at_ms)]
        return puts


@attrs.frozen
class AddCodes:
    """New codes.

    Attributes:
        digests: number -> digest of the code's text.
        now_ms: the time of the change, in ms since the epoch.
    """

    digests: Mapping[str, bytes]
    now_ms: int

    def puts(self, people: People) -> list[Put]:
        """See `Change`."""
        _check_room(people.head.codes, MOST_CODES, "codes", len(self.digests))
        return [
            Put(digest_key("c", digest, "i"), {"id": code_id, "created_ms": self.now_ms})
            for code_id, digest in self.digests.items()
        ]


@attrs.frozen
class RevokeCode:
    """A code isn't valid any more, and the sessions that began with it end."""

    id: str
    now_ms: int

    def puts(self, people: People) -> list[Put]:
        """See `Change`."""
        code = people.code_numbered(self.id)
        if code is None:
            raise Refused("wrong-code", "there is no code of this number")
        return _revoked(people, code, self.now_ms)


@attrs.frozen
class AddToken:
    """A new token, which is a person of its own.

    Attributes:
        digest: the digest of its text.
        id: its id; hosts name the token by it.
        name: its name.
        roles: its roles.
        now_ms: the time of the change, in ms since the epoch.
    """

    digest: bytes
    id: str
    name: Name
    roles: frozenset[str]
    now_ms: int

    def puts(self, people: People) -> list[Put]:
        """See `Change`."""
        _check_room(people.head.tokens, MOST_TOKENS, "tokens")
        _check_room(people.head.roles, MOST_ROLES, "hosts, moderators and bots")
        author = people.author_of(f"token:{self.id}")
        fields = {"id": self.id, "name": self.name.text, "roles": in_order(self.roles), "created_ms": self.now_ms}
        return [
            *_new_person(people, f"token:{self.id}", self.now_ms),
            *_named(people, author, self.name, is_needed=True),
            _roles(author, self.roles),
            Put(digest_key("t", self.digest, "i"), fields),
        ]


@attrs.frozen
class RevokeToken:
    """A token is removed, and its name becomes free; the pixels that it painted keep their author."""

    id: str

    def puts(self, people: People) -> list[Put]:
        """See `Change`."""
        token = next((token for token in people.tokens() if token.id == self.id), None)
        if token is None:
            raise Refused("unknown-token", "there is no such token")
        person = people.person(token.author)
        keys = people.keys_of(person) if person else [digest_key("t", token.digest, field) for field in "is"]
        return [Put(key, None) for key in keys]


@attrs.frozen
class AddHostLink:
    """A new host link; links that were used or are too old are removed."""

    digest: bytes
    now_ms: int

    def puts(self, people: People) -> list[Put]:
        """See `Change`."""
        stale = [
            link
            for link in people.host_links()
            if link.used_ms is not None or link.created_ms + HOST_LINK_MS < self.now_ms
        ]
        _check_room(people.head.host_links - len(stale), MOST_HOST_LINKS, "host links")
        gone = [Put(digest_key("h", link.digest, field), None) for link in stale for field in "iu"]
        return [*gone, Put(digest_key("h", self.digest, "i"), {"created_ms": self.now_ms})]


@attrs.frozen
class Forget:
    """A person's id, name, reports and everything else in the store about them is removed; their sessions end."""

    author: int
    now_ms: int

    def puts(self, people: People) -> list[Put]:
        """See `Change`."""
        person = people.person(self.author)
        if person is None:
            raise Refused("unknown-person", "nobody has this author")
        # The person's own records come last: once these are gone, the store overwrites all remains in the file.
        reports = erased(one for one in people.reports() if one.author == self.author)
        keys = people.keys_of(person)
        return [*reports, signed_out(self.author, self.now_ms), *(Put(key, None) for key in keys)]


def erased(reports: Iterable[FoundReport]) -> list[Put]:
    """The records that erase reports."""
    return [Put(report_key(one.id, one.author, field), None) for one in reports for field in "is"]


def signed_out(author: int, now_ms: int) -> Put:
    """The record that ends a person's sessions."""
    return Put(author_key(author, "i", "o"), {"signed_out_ms": now_ms})


def _known(people: People, author: int) -> str:
    person = people.person(author)
    if person is None:
        raise Refused("unknown-person", "nobody has this author")
    return person.id


def _new_person(people: People, person_id: str, now_ms: int) -> list[Put]:
    _check_room(people.head.people, MOST_PEOPLE, "people")
    return [Put(author_key(people.author_of(person_id), "i"), {"id": person_id, "created_ms": now_ms})]


def _named(people: People, author: int, name: Name, *, is_needed: bool) -> list[Put]:
    holder = people.named(name.skeleton)
    if holder is not None and holder != author:
        if is_needed:
            raise Refused("name-taken", "somebody has this name already, or one that looks like it")
        return []
    before = people.field(author_key(author, "n"))
    since = before.fields["since"] or before.stamp if before and before.fields["skeleton"] == name.skeleton else None
    return [Put(author_key(author, "n"), {"name": name.text, "skeleton": name.skeleton, "since": since})]


def _seen(author: int, at_ms: int) -> Put:
    return Put(author_key(author, "s"), {"seen_ms": at_ms})


def _roles(author: int, roles: frozenset[str]) -> Put:
    return Put(author_key(author, "r"), {"roles": in_order(roles)})


def _revoked(people: People, code: Code, now_ms: int) -> list[Put]:
    puts = [Put(digest_key("c", code.digest, "x"), {"revoked_ms": now_ms})] if code.revoked_ms is None else []
    return [*puts, signed_out(code.author, now_ms)] if people.person(code.author) else puts


def _check_room(there: int, most: int, what: str, more: int = 1) -> None:
    if there + more > most:
        raise Refused("full", f"there are {there:,} {what}, and {most:,} is the most; remove some that nobody needs")
