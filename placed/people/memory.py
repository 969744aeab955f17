"""The part of the people store that is kept in memory, because any request may need it.

It has the tokens, the roles beyond plain `person`, and the times at which authors ended their sessions. It takes a few
MB, however many people there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from placed.people.person import PLAIN
from placed.people.records import author_in
from placed.people.secrets import DIGEST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from placed.people.person import Token
    from placed.people.view import People


class SignedOut(Mapping[int, int]):
    """Author -> the ms since the epoch up to which their sessions don't count.

    Attributes:
        floor_ms: the same for all authors; above 0 once more authors have signed out than the store keeps one by one.
    """

    def __init__(self, times_ms: dict[int, int], floor_ms: int) -> None:
        self._times_ms = times_ms
        self.floor_ms = floor_ms

    def __getitem__(self, author: int) -> int:
        return max(self._times_ms[author], self.floor_ms)

    def __iter__(self) -> Iterator[int]:
        return iter(self._times_ms)

    def __len__(self) -> int:
        return len(self._times_ms)

    def __contains__(self, author: object) -> bool:
        return author in self._times_ms

    def get(self, author: int, default: int = 0) -> int:  # type: ignore[override]  # as sessions ask: never None
        """As `dict.get`, but at least `floor_ms`, also for an author that isn't in it."""
        return max(self._times_ms.get(author, default), self.floor_ms)

    def become(self, other: SignedOut) -> None:
        """Take over the content of `other`."""
        self._times_ms = other._times_ms
        self.floor_ms = other.floor_ms

    def set(self, author: int, time_ms: int | None) -> None:
        """Set an author's time; None removes it."""
        if time_ms is None:
            self._times_ms.pop(author, None)
        else:
            self._times_ms[author] = time_ms


class Memory:
    """The part in memory; only the store writes it. Its mappings stay the same objects, so their users see each change.

    Attributes:
        tokens: digest -> token.
        roles: author -> roles, of all authors that are more than a plain person.
        signed_out: author -> the time up to which their sessions don't count.
        remembered: `Head.remembered` of the state that memory has.
    """

    def __init__(self) -> None:
        self.tokens: dict[bytes, Token] = {}
        self.roles: dict[int, frozenset[str]] = {}
        self.signed_out = SignedOut({}, 0)
        self.remembered = -1

    @classmethod
    def of(cls, people: People) -> Memory:
        """Read all of it anew.

        Thread: blocks for 20 us for each entry.
        """
        memory = cls()
        head = people.head
        memory.tokens = {token.digest: token for token in people.tokens()}
        memory.roles = dict(people.roles())
        memory.signed_out = SignedOut(dict(people.signed_out()), head.floor_ms)
        memory.remembered = head.remembered
        return memory

    def become(self, other: Memory) -> None:
        """Take over the content of `other`."""
        for mine, others in ((self.tokens, other.tokens), (self.roles, other.roles)):
            mine.clear()
            mine.update(others)  # type: ignore[arg-type]  # each pair is of one type
        self.signed_out.become(other.signed_out)
        self.remembered = other.remembered

    def refresh(self, people: People, keys: Iterable[bytes]) -> None:
        """Read the entries anew that the just written `keys` belong to."""
        for key in keys:
            kind = key[:1]
            if kind == b"t":
                self._refresh_token(people, key[1 : 1 + DIGEST_BYTES])
            elif kind == b"o":
                stored = people.field(key)
                self.signed_out.set(author_in(key), None if stored is None else stored.fields["signed_out_ms"])
            elif kind == b"p" and key[-1:] in (b"r", b"i"):
                self._refresh_roles(people, author_in(key))

    def _refresh_token(self, people: People, digest: bytes) -> None:
        token = people.token(digest)
        if token is None:
            self.tokens.pop(digest, None)
        else:
            self.tokens[digest] = token

    def _refresh_roles(self, people: People, author: int) -> None:
        roles = people.roles_of(author)
        if roles == PLAIN:
            self.roles.pop(author, None)
        else:
            self.roles[author] = roles
