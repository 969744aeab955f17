"""Reads who has signed in at the proxy before the server, from the header that the proxy sets. Pure.

The header counts if the peer itself, at the other end of the connection, is a trusted proxy: what a client says of
itself counts for nothing. The proxy has to set it or take it away in every request. One that adds its own to a client's
makes a list, with a comma; a user's name has none here, so a list is nobody.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import attrs

from placed.canvas.author import author_of_person
from placed.http.client_address import is_inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placed.http.answer import Request
    from placed.http.client_address import Network

MOST_CHARACTERS: Final = 255
ALLOWED: Final = f"1 to {MOST_CHARACTERS} printable characters without a comma"
_KNOWN: Final = 4_096  # users, 1 MB; who paints, paints again
_SPACES: Final = re.compile(r"\s+")


@attrs.frozen
class User:
    """Somebody whom the proxy knows.

    Attributes:
        id: of the person here.
        author: theirs.
        name: as the proxy has it.
    """

    id: str
    author: int
    name: str


@attrs.frozen
class UserHeader:
    """One server's.

    Attributes:
        name: in small letters.
        trusted: the proxies that may set it.
        author_key: secret; makes authors.
    """

    name: str
    trusted: Sequence[Network]
    author_key: bytes = attrs.field(repr=False)

    def user(self, request: Request) -> User | None:
        """Who sent `request`, by the proxy's word; None where it says nothing, or nothing that can be a user."""
        value = request.headers.get(self.name)
        if not value or not is_inside(request.peer, self.trusted):
            return None
        return _user(value, self.author_key)


@lru_cache(maxsize=_KNOWN)
def _user(value: str, author_key: bytes) -> User | None:
    name = user_of(value)
    if name is None:
        return None
    person_id = (
        f"proxy:{name.casefold()}"  # directories take Ada and ada for the same, and would give her charges twice
    )
    return User(person_id, author_of_person(person_id, author_key), name)


def user_of(value: str) -> str | None:
    """The user's name in a header's value, which was read as Latin-1, in its one form; None if it can't be one."""
    if len(value) > 4 * MOST_CHARACTERS:
        return None
    try:
        told = value.encode("latin-1").decode()
    except UnicodeError:
        told = value
    name = _SPACES.sub(" ", unicodedata.normalize("NFKC", told)).strip()
    if not 1 <= len(name) <= MOST_CHARACTERS or "," in name or not name.isprintable():
        return None
    return name
