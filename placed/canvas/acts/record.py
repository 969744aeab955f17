"""The record of acts: the last acts, by whom, and whether they are done. Pure.

    "record": {"17": {"kind": "wipe", "by": "0123456789abcdef", "time": 1700000000000, "done": false, "pixels": null,
                      "area": [0, 0, 8, 8]}}
    "told": [["close", 1700000000000, 21]]

An act that paints has `pixels`, which is null until it is done. An act that was undone has `undone`, the id of the act
that undid it. `told` is the list of news that everybody may know: when the canvas was opened and closed, and when
something was announced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from placed.canvas.acts import fields
from placed.canvas.change import Change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placed.canvas.events.act import Act
    from placed.canvas.state import State

MOST_RECORDED: Final = 1_000  # with a reason each, 0.3 MB of a snapshot; 2 at the most. The log has all.
MOST_TOLD: Final = 1_000
_SHOWN_AUTHORS: Final = 8  # of an act's; the log has all

Entries = dict[str, dict[str, Any]]


def recorded(
    state: State,
    act: Act,
    act_id: int,
    time_ms: int,
    told: Mapping[str, Any],
    tables: Mapping[str, Any] | None = None,
    *,
    is_done: bool = True,
) -> Change:
    """The change that puts an act on record.

    Args:
        state: the state before the act.
        act: the act.
        act_id: its id.
        time_ms: the time of its record, in ms since the epoch.
        told: its fields, bounded; fields that are None are left out, except `pixels`.
        tables: everything else that it sets in `kept.acts`.
        is_done: whether it is complete; False if corrections, or a new canvas, will follow.
    """
    told = {"reason": fields.text(act, "reason"), **told}
    shown = {name: value for name, value in told.items() if value is not None or name == "pixels"}
    entry = {"kind": act.kind, "by": f"{act.by:016x}", "time": time_ms, "done": is_done, **shown}
    entries = {**record_of(state.kept.acts), **(tables or {}).get("record", {}), str(act_id): entry}
    if len(entries) > MOST_RECORDED:
        del entries[next(iter(entries))]  # the oldest: they come in the order of their ids
    return Change(acts={**(tables or {}), "record": entries})


def record_of(acts: Mapping[str, Any]) -> Mapping[str, dict[str, Any]]:
    """The last acts by their ids, oldest first."""
    entries: Mapping[str, dict[str, Any]] = acts.get("record", {})
    return entries


def some_authors(authors: list[str]) -> dict[str, Any]:
    """The fields with an act's authors: all of them, or, if they are many, some of them and how many there are."""
    if len(authors) <= _SHOWN_AUTHORS:
        return {"authors": authors or None}
    return {"authors": authors[:_SHOWN_AUTHORS], "authors_count": len(authors)}


def tell(acts: Mapping[str, Any], kind: str, time_ms: int, act_id: int) -> dict[str, Any]:
    """The list of news that everybody may know, with one more entry."""
    return {"told": [*acts.get("told", []), [kind, time_ms, act_id]][-MOST_TOLD:]}


def told_of(acts: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """The news that everybody may know, oldest first: `open`, `close` or `announce`, the time, and the act's id."""
    return [(kind, time_ms, act_id) for kind, time_ms, act_id in acts.get("told", [])]
