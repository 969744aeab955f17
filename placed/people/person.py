"""Persons, the codes and tokens that let them in, and the links for hosts. Pure.

The public sees a person's author, or their name with `--show-authors names`; only hosts ever see ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

ROLES: Final = ("person", "bot", "moderator", "host")  # in the order of answers
PLAIN: Final = frozenset({"person"})
LOOK_AFTER: Final = frozenset({"moderator", "host"})  # the roles that look after the canvas


def in_order(roles: Iterable[str]) -> list[str]:
    """The roles, as answers list them."""
    return [role for role in ROLES if role in set(roles)]


@attrs.frozen
class Person:
    """Somebody who has signed in, or a token that may paint.

    Attributes:
        author: the person's author, which stands for them in the log.
        id: the person's id, such as `code:7kq2-001`; only hosts see it.
        name: the person's name; None while they have none.
        roles: some of `ROLES`.
        created_ms: when they first signed in, or the token was made, in ms since the epoch.
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
    """A code for one person; the store doesn't keep its text.

    Attributes:
        digest: the keyed digest of its text.
        id: its number, such as `7kq2-001`; hosts name the code by it.
        author: the author of the person that it signs in.
        created_ms: when it was made, in ms since the epoch.
        used_ms: when it was first used; None before its first use.
        last_ms: when it was last used.
        uses: how often it was used; more than once means several browsers, or another person.
        revoked_ms: when it was revoked; None while it's valid.
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
    """A token that lets a program act. The store doesn't keep its text, and removes a token that is revoked.

    Attributes:
        digest: the keyed digest of its text.
        id: its id; hosts name the token by it.
        author: the author of its edits.
        name: the name that the host gave it.
        roles: its roles.
        created_ms: when it was made, in ms since the epoch.
        seen_ms: when it was last used, to within a minute, or an hour with a topic; None before its first use.
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
    """A link that makes the first person who opens it a host.

    Attributes:
        digest: the keyed digest of its secret.
        created_ms: when it was made, in ms since the epoch; it is valid for `HOST_LINK_MS`.
        used_ms: when it was used; None before that.
    """

    digest: bytes
    created_ms: int
    used_ms: int | None = None


HOST_LINK_MS: Final = 86_400_000  # a day: long enough to be sent to somebody, short enough to be lost
