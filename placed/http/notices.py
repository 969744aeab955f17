"""Tells all clients whether the canvas takes edits, when that changes, and the announcement: in /info and the status.

    {"gate": {"open": true, "opens": null, "closes": "2026-12-01T18:00:00.000Z"}, "announcement": null}

The status leaves out `gate` while the canvas is open and nothing is planned, and `announcement` while there is none. So
the status stays short on a canvas without acts. Pure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from placed.canvas.acts.announcement import announcement_of
from placed.canvas.acts.gate import is_open, next_of
from placed.http.answer import Problem
from placed.http.moment import in_words
from placed.moderation.rules import Banned, Closed, Forbidden, Protected

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAINLY_OPEN: Final = {"open": True, "opens": None, "closes": None}


def notices(acts: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    """The members of /info."""
    gate = {
        "open": is_open(acts),
        "opens": _moment(next_of(acts, "open")),
        "closes": _moment(next_of(acts, "close")),
    }
    found = announcement_of(acts, now_ms)
    told = None if found is None else {"text": found.text, "until": _moment(found.until_ms)}
    return {"gate": gate, "announcement": told}


def status_members(acts: Mapping[str, Any], now_ms: int) -> bytes:
    """The members of the status, each after a comma; empty without any."""
    if not acts:  # this is called several times a second
        return b""
    told = {name: value for name, value in notices(acts, now_ms).items() if value not in (None, _PLAINLY_OPEN)}
    return b", %b" % json.dumps(told).encode()[1:-1] if told else b""


def problem_of(forbidden: Forbidden) -> Problem:
    """The 403 for an edit that acts forbid."""
    match forbidden:
        case Closed(opens_ms=opens_ms):
            opens = _moment(opens_ms)
            when = "" if opens is None else f"; it opens at {opens}"
            return Problem(403, "closed", f"the canvas is closed{when}", opens=opens)
        case Banned(until_ms=until_ms):
            until = _moment(until_ms)
            return Problem(403, "banned", f"you are banned from painting here {_until(until)}", until=until)
        case Protected(protection=it):
            area = [it.x, it.y, it.width, it.height]
            detail = f"the area {area} is protected: only moderators and hosts paint there"
            return Problem(403, "protected", detail, area=area, act=it.act)
    raise forbidden


def _until(until: str | None) -> str:
    return "for good" if until is None else f"until {until}"


def _moment(ms: int | None) -> str | None:
    return None if ms is None else in_words(ms)
