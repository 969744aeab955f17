"""Turns errors and refusals of the people store into problems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from placed.http.answer import Problem, retry_after

if TYPE_CHECKING:
    from placed.people.changes import Refused
    from placed.storage.lmdb_environment import StoreError

RETRY_SECONDS: Final = 2.0


def people_unavailable(_error: StoreError) -> Problem:
    """The 503 for a store that can't be read or written, without the error's own text: that names a path."""
    detail = "the people store can't be read or written just now; nobody can sign in"
    return Problem(503, "people-unavailable", detail, retry_after(RETRY_SECONDS))


def taken_or_full(refusal: Refused) -> Problem | None:
    """The problem for a name that somebody else has, or for a full store; None for any other refusal."""
    if refusal.reason == "name-taken":
        return Problem(409, "name-taken", str(refusal))
    if refusal.reason == "full":
        return Problem(429, "too-many-people", str(refusal), retry_after(RETRY_SECONDS))
    return None
