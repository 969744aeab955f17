"""Bans, acts of kind `ban` and `unban`: who may not paint, and until when. Pure.

    {"kind": "ban", "by": …, "authors": ["0123456789abcdef"], "until": 1700000000000 or null, "reason": …}
    {"kind": "unban", "by": …, "authors": ["0123456789abcdef"]}

Edits of banned authors that are in the log still paint: a server looks for bans before it appends an edit, and a replay
doesn't look for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from placed.canvas.acts import fields
from placed.canvas.acts.entries import put, value_of
from placed.canvas.acts.record import recorded, some_authors
from placed.canvas.refusal import RecordRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placed.canvas.change import Change
    from placed.canvas.events.act import Act
    from placed.canvas.state import State

MOST_BANS: Final = 100_000  # 5 MB of a snapshot


@attrs.frozen
class Ban:
    """An author's ban from painting.

    Attributes:
        until_ms: the first moment at which the author may paint again, in ms since the epoch; None if never.
        act: the id of the act that banned the author.
    """

    until_ms: int | None
    act: int


def ban(state: State, act: Act, act_id: int, time_ms: int) -> Change:
    """Ban the act's authors from painting, from here on until a moment or for good.

    Raises:
        RecordRefused: the act names no author, or too many authors are banned.
    """
    until = fields.moment(act, "until")
    who = _authors(act)
    bans = put(
        _table(state),
        {author: [until] for author in who},
        act_id,
        most=MOST_BANS,
        is_over=lambda it: _over(it, time_ms),
    )
    return recorded(state, act, act_id, time_ms, {**some_authors(who), "until": until}, {"bans": bans})


def unban(state: State, act: Act, act_id: int, time_ms: int) -> Change:
    """Let the act's authors paint again, from here on.

    Raises:
        RecordRefused: the act names no author.
    """
    who, table = _authors(act), _table(state)
    lifted = dict.fromkeys(author for author in who if value_of(table, author) is not None)
    bans = put(table, lifted, act_id, most=MOST_BANS)
    return recorded(state, act, act_id, time_ms, some_authors(who), {"bans": bans})


def ban_of(acts: Mapping[str, Any], author: int, now_ms: int) -> Ban | None:
    """The ban of `author`; None if the author isn't banned. It costs a look into a dictionary."""
    entry = acts.get("bans", {}).get(f"{author:016x}")
    if entry is None or entry[0] is None or _over(entry[0], now_ms):
        return None
    return Ban(entry[0][0], entry[1])


def bans_of(acts: Mapping[str, Any], now_ms: int) -> list[tuple[str, Ban]]:
    """The banned authors, as 16 hexadecimal digits, and their bans; the latest first. 100,000 of them take 50 ms."""
    entries = acts.get("bans", {}).items()
    found = [
        (author, Ban(value[0], act))
        for author, (value, act, _) in entries
        if value is not None and not _over(value, now_ms)
    ]
    return sorted(found, key=lambda it: (-it[1].act, it[0]))


def has_bans(acts: Mapping[str, Any]) -> bool:
    """Whether any author may be banned."""
    return bool(acts.get("bans"))


def _authors(act: Act) -> list[str]:
    who = fields.authors(act)
    if not who:
        raise RecordRefused(f"an act {act.kind} without authors")
    return who


def _table(state: State) -> Mapping[str, list[Any]]:
    table: Mapping[str, list[Any]] = state.kept.acts.get("bans", {})
    return table


def _over(value: list[int | None], now_ms: int) -> bool:
    return value[0] is not None and value[0] <= now_ms
