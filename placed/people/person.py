"""People, the codes and tokens by which they come in, and the links for hosts. Pure.

Everything public knows a person by their author alone; ids are never shown to anybody but a host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

ROLES: Final = ("person", "bot", "moderator", "host")  # in the order of answers
PLAIN: Final = frozenset({"person"})
LOOK_AFTER: Final = frozenset({"moderator", "host"})  # they look after the canvas


def in_order(roles: Iterable[str]) -> list[str]:
    """The roles, as answers list them."""
    return [role for role in ROLES if role in set(roles)]


@attrs.frozen
class Person:
    """Somebody who has signed in, or a token that may paint.

    Attributes:
        author: what the public knows them by.
        id: who they are, such as `code:7kq2-001`; for hosts alone.
        name: what they are called; None while they have no name.
        roles: some of `ROLES`.
        created_ms: when they came, in ms since the epoch.
        seen_ms: when they last signed in, or used their token.
    """

    author: int
    id: str
    name: str | None
    roles: frozenset[str]
    created_ms: int
    seen_ms: int


@attrs.frozen
class Code:
    """A code for one person; its text is not kept.

    Attributes:
        digest: of its text, keyed.
        id: its number, by which a host knows it, such as `7kq2-001`.
        author: whom it signs in.
        created_ms: when it was made.
        used_ms: when it was first used; None while it wasn't.
        last_ms: when it was last used.
        uses: how often; more than once means other browsers, or another person.
        revoked_ms: when it was revoked; None while it holds.
    """

    digest: bytes
    id: str
    author: int
    created_ms: int
    used_ms: int | None = None
    last_ms: int | None = None
    uses: int = 0
    revoked_ms: int | None = None


@attrs.frozen
class Token:
    """A token by which a program acts; its text is not kept. One that was revoked is gone.

    Attributes:
        digest: of its text, keyed.
        id: by which a host knows it.
        author: whose edits it places.
        name: what the host called it.
        roles: what it may do.
        created_ms: when it was made.
        seen_ms: when it was last used, within some minutes; None while it wasn't.
    """

    digest: bytes
    id: str
    author: int
    name: str
    roles: frozenset[str]
    created_ms: int
    seen_ms: int | None = None


@attrs.frozen
class HostLink:
    """A link that makes whoever opens it first a host.

    Attributes:
        digest: of its secret, keyed.
        created_ms: when it was made; it holds for `HOST_LINK_MS`.
        used_ms: when it was used; None while it wasn't.
    """

    digest: bytes
    created_ms: int
    used_ms: int | None = None


HOST_LINK_MS: Final = 86_400_000  # a day: long enough to be sent to somebody, short enough to be lost
