"""Turns errors of the log and the writer into problems that say why the server can't take an edit now."""

from __future__ import annotations

from typing import Final

from placed.backends import LogUnavailable, OutcomeUnknown
from placed.http.answer import Problem, retry_after
from placed.tasks.writer import WriterClosed, WriterFull

UNAVAILABLE_RETRY_SECONDS: Final = 2.0
_FULL_RETRY_SECONDS: Final = 1.0
_RESTART_RETRY_SECONDS: Final = 3.0


def unavailable(error: Exception) -> Problem:
    """The 503 for a log or writer that takes no edits now."""
    if isinstance(error, WriterFull):
        return Problem(503, "writer-full", str(error), retry_after(_FULL_RETRY_SECONDS))
    if isinstance(error, WriterClosed):
        return Problem(503, "shutting-down", str(error), retry_after(_RESTART_RETRY_SECONDS))
    after = retry_after(UNAVAILABLE_RETRY_SECONDS)
    if isinstance(error, OutcomeUnknown):
        detail = "the log hasn't answered: the edit may have been placed, and the stream of edits will tell"
        return Problem(503, "outcome-unknown", detail, after)
    detail = "the log can't be written just now; nothing was placed"
    return Problem(503, "log-unavailable", detail if isinstance(error, LogUnavailable) else str(error), after)
