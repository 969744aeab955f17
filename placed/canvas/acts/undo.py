"""Undoing, acts of kind `undo`: what an earlier act set is again as it was before. Pure.

    {"kind": "undo", "by": …, "act": the id of the act that is undone, "paints": true}

What a later act has set since then stays. The pixels of an act that paints come as corrections, as those of any such
act: those of an act that has left the record are told by `paints`. An undoing can be undone, too.
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
    """What the act has set is as before; if it paints, its corrections will follow.

    Raises:
        RecordRefused: it names no act.
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
    """What changes of a record when the act `act_id` undoes `which`.

    It's the entries of that act, of what it had undone itself, and so on: in turn one is undone, and one no longer.
    """
    entry = entries.get(str(which))
    if entry is None:
        return {}
    marked: Entries = {str(which): {**entry, "undone": act_id}}
    is_back = True
    # A record can name an act that came later, too: so it goes back alone, and ends.
    while entry["kind"] == "undo" and entry["act"] < which:
        by, which = which, entry["act"]
        if str(which) not in entries or entries[str(which)].get("undone") != (by if is_back else None):
            break  # it is gone from the record, or another act has undone it
        entry = entries[str(which)]
        rest = {name: value for name, value in entry.items() if name != "undone"}
        marked[str(which)] = rest if is_back else {**rest, "undone": by}
        is_back = not is_back
    return marked
