"""A host's questions about people, and acts on them: one interface for the command line and for HTTP.

Questions and acts have names and fields, as in JSON; so do their answers. A field that is missing or out of range
raises `BadField`, everything else that isn't possible raises `Refused`.

    look    people {after, limit}   codes {after, limit}   tokens {}   export {who}
    act     codes {count}   tokens {name, role}   role {who, role}   forget {who}   host-link {}   revoke {code | token}

`who` is an author of 16 hex digits, an id such as `code:7kq2-001`, or a name.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final

import attrs

from placed.canvas.whole_number import whole
from placed.people.changes import (
    MOST_CODES_AT_ONCE,
    AddCodes,
    AddHostLink,
    AddToken,
    Forget,
    Name,
    Refused,
    RevokeCode,
    RevokeToken,
    SetRoles,
)
from placed.people.invitations import new_code, new_id, new_numbers, new_secret, new_token
from placed.people.names import NotAName, name_of, skeleton
from placed.people.person import in_order
from placed.people.secrets import code_digest, host_link_digest, token_digest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from placed.people.person import Code, Person, Token
    from placed.people.store import PeopleStore

    Fields = Mapping[str, object]

MOST_AT_ONCE: Final = 1_000  # people or codes in one answer
_CODES_A_CHANGE: Final = 250  # 30 ms of a thread, so that edits don't wait for ten thousand codes
_AUTHOR: Final = re.compile(r"[0-9a-f]{16}")
_ROLES: Final = {  # the role that a host names -> all roles that it gives
    "person": frozenset({"person"}),
    "bot": frozenset({"bot"}),
    "moderator": frozenset({"person", "moderator"}),
    "host": frozenset({"person", "host"}),
}


class BadField(ValueError):
    """A field is missing, or out of range.

    Attributes:
        name: the field's name.
        value: its value; None if it is missing.
        allowed: the values that are allowed.
    """

    def __init__(self, name: str, value: object, allowed: str) -> None:
        super().__init__(f"{name} is {'missing' if value is None else repr(value)[:100]}; allowed is {allowed}")
        self.name = name
        self.value = value
        self.allowed = allowed


@attrs.frozen
class Hosting:
    """The people of one store, for its hosts.

    Attributes:
        store: the people store.
        key: the author key.
    """

    store: PeopleStore
    key: bytes = attrs.field(repr=False)

    def look(self, what: str, fields: Fields) -> dict[str, Any]:
        """Answer a question.

        Raises:
            BadField: a field is missing, or out of range.
            Refused: the person in the question isn't in the store.
            StoreError: the store can't be read.
        """
        questions: dict[str, Callable[[Fields], dict[str, Any]]] = {
            "people": self._people,
            "codes": self._codes,
            "tokens": self._tokens,
            "export": self._export,
        }
        return questions[what](fields)

    async def act(self, what: str, fields: Fields) -> dict[str, Any]:
        """Do an act, and return its result.

        Raises:
            BadField: a field is missing, or out of range.
            Refused: the act isn't possible.
            StoreError: the store can't be written.
        """
        acts: dict[str, Callable[[Fields], Awaitable[dict[str, Any]]]] = {
            "codes": self._add_codes,
            "tokens": self._add_token,
            "role": self._set_role,
            "forget": self._forget,
            "host-link": self._add_host_link,
            "revoke": self._revoke,
        }
        return await acts[what](fields)

    def _people(self, fields: Fields) -> dict[str, Any]:
        after = _optional_text(fields, "after")
        if after is not None and not _AUTHOR.fullmatch(after):
            raise BadField("after", after, "an author of 16 hex digits")
        limit = _whole(fields, "limit", MOST_AT_ONCE, 100)
        found = self.store.people(None if after is None else int(after, 16), limit)
        following = f"{found[-1].author:016x}" if len(found) == limit else None
        return {"people": [_told_person(each) for each in found], "next": following, "count": self.store.head.people}

    def _codes(self, fields: Fields) -> dict[str, Any]:
        limit = _whole(fields, "limit", MOST_AT_ONCE, 100)
        found = self.store.codes(_optional_text(fields, "after"), limit)
        following = found[-1].id if len(found) == limit else None
        return {"codes": [_told_code(each) for each in found], "next": following, "count": self.store.head.codes}

    def _tokens(self, _fields: Fields) -> dict[str, Any]:
        tokens = sorted(self.store.tokens.values(), key=lambda token: (token.created_ms, token.id))
        return {"tokens": [_told_token(each) for each in tokens]}

    def _export(self, fields: Fields) -> dict[str, Any]:
        person = self._who(fields)
        kind, _, rest = person.id.partition(":")
        code = self.store.code_numbered(rest) if kind == "code" else None
        token = next((each for each in self.store.tokens.values() if kind == "token" and each.id == rest), None)
        return _told_person(person) | {
            "code": None if code is None else _told_code(code),
            "token": None if token is None else _told_token(token),
            "signed_out_ms": self.store.revoked.get(person.author, 0) or None,
            "reports": [report.exported() for report in self.store.reports_by(person.author)],
        }

    async def _add_codes(self, fields: Fields) -> dict[str, Any]:
        count = _whole(fields, "count", MOST_CODES_AT_ONCE)
        numbers = new_numbers(count)
        while self.store.code_numbered(numbers[0]) is not None:  # once in a million batches
            numbers = new_numbers(count)
        made: list[dict[str, str]] = []
        for begin in range(0, len(numbers), _CODES_A_CHANGE):
            codes = {number: new_code() for number in numbers[begin : begin + _CODES_A_CHANGE]}
            digests = {number: code_digest(code, self.key) for number, code in codes.items()}
            await self.store.change(AddCodes(digests, _now_ms()))
            made += [{"id": number, "code": code} for number, code in codes.items()]
        return {"codes": made}

    async def _add_token(self, fields: Fields) -> dict[str, Any]:
        text = _text(fields, "name")
        roles = _roles(fields, "bot", "moderator", "host") - {"person"} | {"bot"}
        try:
            name = name_of(text)
        except NotAName as error:
            raise BadField("name", text, f"another one: this one {error}") from error
        token, token_id = new_token(), new_id()
        named = Name(name, skeleton(name))
        await self.store.change(AddToken(token_digest(token, self.key), token_id, named, roles, _now_ms()))
        return {"token": token, "id": token_id, "author": f"{self.store.author_of(f'token:{token_id}'):016x}"}

    async def _set_role(self, fields: Fields) -> dict[str, Any]:
        roles = _roles(fields, *_ROLES)
        person = self._who(fields)
        await self.store.change(SetRoles(person.author, roles))
        return _told_person(attrs.evolve(person, roles=roles))

    async def _forget(self, fields: Fields) -> dict[str, Any]:
        person = self._who(fields)
        await self.store.change(Forget(person.author, _now_ms()))
        return {"author": f"{person.author:016x}"}

    async def _add_host_link(self, _fields: Fields) -> dict[str, Any]:
        secret = new_secret()
        await self.store.change(AddHostLink(host_link_digest(secret, self.key), _now_ms()))
        return {"secret": secret}

    async def _revoke(self, fields: Fields) -> dict[str, Any]:
        code, token = _optional_text(fields, "code"), _optional_text(fields, "token")
        if (code is None) == (token is None):
            raise BadField("code", code, "the number of a code, or else `token`, the id of a token")
        await self.store.change(RevokeToken(token) if code is None and token else RevokeCode(str(code), _now_ms()))
        return {"code": code} if token is None else {"token": token}

    def _who(self, fields: Fields) -> Person:
        text = _text(fields, "who")
        authors = [int(text, 16)] if _AUTHOR.fullmatch(text) else []
        authors += [self.store.author_of(text)] if ":" in text else []
        named = self.store.named(skeleton(text)) if len(text) <= 100 else None
        for author in [*authors, named]:
            person = None if author is None else self.store.person(author)
            if person is not None:
                return person
        raise Refused("unknown-person", "nobody has this author, id or name")


def _told_person(person: Person) -> dict[str, Any]:
    return {
        "author": f"{person.author:016x}",
        "id": person.id,
        "name": person.name,
        "roles": in_order(person.roles),
        "created_ms": person.created_ms,
        "seen_ms": person.seen_ms,
    }


def _told_code(code: Code) -> dict[str, Any]:
    return {
        "id": code.id,
        "author": f"{code.author:016x}",
        "created_ms": code.created_ms,
        "used_ms": code.used_ms,
        "last_ms": code.last_ms,
        "uses": code.uses,
        "revoked_ms": code.revoked_ms,
    }


def _told_token(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "author": f"{token.author:016x}",
        "name": token.name,
        "roles": in_order(token.roles),
        "created_ms": token.created_ms,
        "seen_ms": token.seen_ms,
    }


def _optional_text(fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not (isinstance(value, str) and 1 <= len(value) <= 2_000):
        raise BadField(name, value, "a text of 1 to 2,000 characters")
    return value


def _text(fields: Fields, name: str) -> str:
    text = _optional_text(fields, name)
    if text is None:
        raise BadField(name, None, "a text")
    return text


def _whole(fields: Fields, name: str, most: int, default: int | None = None) -> int:
    value = fields.get(name, default)
    number = whole(value)
    if number is None or not 1 <= number <= most:
        raise BadField(name, value, f"a whole number from 1 to {most:,}")
    return number


def _roles(fields: Fields, *allowed: str) -> frozenset[str]:
    role = _text(fields, "role")
    if role not in allowed:
        raise BadField("role", role, ", ".join(allowed))
    return _ROLES[role]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
