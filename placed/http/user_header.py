"""Reads which user has signed in at the proxy in front of the server, from a header that the proxy sets. Pure.

The header counts only if the peer, at the other end of the connection, is a trusted proxy; a client's own header counts
for nothing. The proxy must set or remove the header in every request. A proxy that adds its own value to a client's
makes a list with a comma. A user's name has no comma here, so a list names nobody.
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
_KNOWN: Final = 4_096  # users, 1 MB; somebody who paints soon paints again
_SPACES: Final = re.compile(r"\s+")


@attrs.frozen
class User:
    """A user who has signed in at the proxy.

    Attributes:
        id: the id of the person here.
        author: the author of that person.
        name: the name that the proxy sent.
    """

    id: str
    author: int
    name: str


@attrs.frozen
class UserHeader:
    """The user header of one server.

    Attributes:
        name: the header's name, in small letters.
        trusted: the proxies that may set it.
        author_key: secret; makes authors.
    """

    name: str
    trusted: Sequence[Network]
    author_key: bytes = attrs.field(repr=False)

    def user(self, request: Request) -> User | None:
        """The user that the proxy names in `request`; None without the header, or if its value can't be a user."""
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
        f"proxy:{name.casefold()}"  # to a directory Ada and ada are the same user, who mustn't have charges twice
    )
    return User(person_id, author_of_person(person_id, author_key), name)


def user_of(value: str) -> str | None:
    """The user's name in a header's value, which was read as Latin-1, in its one form; None if it can't be a name."""
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
