"""Makes problems of what the people store can't do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from placed.http.answer import Problem, retry_after

if TYPE_CHECKING:
    from placed.people.changes import Refused
    from placed.storage.lmdb_environment import StoreError

RETRY_SECONDS: Final = 2.0


def people_unavailable(_error: StoreError) -> Problem:
    """The 503 for a store that can't be read or written; its own words name a path, which is nobody's business here."""
    detail = "the people store can't be read or written just now; nobody can sign in"
    return Problem(503, "people-unavailable", detail, retry_after(RETRY_SECONDS))


def taken_or_full(refusal: Refused) -> Problem | None:
    """The problem of a name that somebody has, or of a store that is full; None for any other refusal."""
    if refusal.reason == "name-taken":
        return Problem(409, "name-taken", str(refusal))
    if refusal.reason == "full":
        return Problem(429, "too-many-people", str(refusal), retry_after(RETRY_SECONDS))
    return None
