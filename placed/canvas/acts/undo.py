"""Undoing, acts of kind `undo`: the values that an earlier act set are again as they were before it. Pure.

    {"kind": "undo", "by": …, "act": the id of the act that is undone, "paints": true}

Values that a later act has set since then stay. If the undone act painted, the undoing paints, too: its pixels come as
corrections. `paints` says so for an act that has left the record. An undoing can be undone, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from placed.canvas.acts import fields
from placed.canvas.acts.entries import undone
from placed.canvas.acts.gate import told_gate
from placed.canvas.acts.record import record_of, recorded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placed.canvas.acts.record import Entries
    from placed.canvas.change import Change
    from placed.canvas.events.act import Act
    from placed.canvas.state import State

_TABLES: Final = ("bans", "areas", "plans", "gate", "announcement")


def undo(state: State, act: Act, act_id: int, time_ms: int) -> Change:
    """Set the values of the undone act back; if it painted, corrections will follow.

    Raises:
        RecordRefused: the record names no act.
    """
    which, acts = fields.number(act, "act"), state.kept.acts
    found = {name: undone(acts.get(name, {}), act_id, which) for name in _TABLES}
    tables: dict[str, Any] = {name: table for name, table in found.items() if table is not None}
    tables |= told_gate(acts, tables, time_ms, act_id)
    tables["record"] = marked(record_of(acts), which, act_id)
    paints = "pixels" in record_of(acts).get(str(which), {}) or act.fields.get("paints") is True
    told = {"act": which, **({"pixels": None} if paints else {})}
    return recorded(state, act, act_id, time_ms, told, tables, is_done=not paints)


def marked(entries: Mapping[str, dict[str, Any]], which: int, act_id: int) -> Entries:
    """The entries of the record that change when the act `act_id` undoes `which`.

    They are the entry of that act, that of the act which it had undone itself, and so on: by turns an act becomes
    undone, and the next one no longer is.
    """
    entry = entries.get(str(which))
    if entry is None:
        return {}
    marked: Entries = {str(which): {**entry, "undone": act_id}}
    is_back = True
    # A record in the log can name any act, also a later one. The loop goes only to earlier acts, so it ends.
    while entry["kind"] == "undo" and entry["act"] < which:
        by, which = which, entry["act"]
        if str(which) not in entries or entries[str(which)].get("undone") != (by if is_back else None):
            break  # the act is gone from the record, or another act has undone it
        entry = entries[str(which)]
        rest = {name: value for name, value in entry.items() if name != "undone"}
        marked[str(which)] = rest if is_back else {**rest, "undone": by}
        is_back = not is_back
    return marked
