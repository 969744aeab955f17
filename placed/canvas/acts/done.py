"""Done, acts of kind `done`: all records that an earlier act needed are in the log. The server appends it. Pure.

{"kind": "done", "by": …, "act": the id of the act that is done, "pixels": how many it has painted}

If an act needs a `done` and never gets it, a crash or an outage broke it off: it is on record as unfinished.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from placed.canvas.acts import fields
from placed.canvas.acts.record import record_of
from placed.canvas.change import NOTHING, Change

if TYPE_CHECKING:
    from placed.canvas.events.act import Act
    from placed.canvas.state import State


def done(state: State, act: Act, _act_id: int, _time_ms: int) -> Change:
    """Mark the act as done. If it is no longer on record, or is done already, nothing changes.

    Raises:
        RecordRefused: the record names no act.
    """
    which = fields.number(act, "act")
    entries = record_of(state.kept.acts)
    entry = entries.get(str(which))
    if entry is None or entry["done"]:
        return NOTHING
    counted = {"pixels": fields.number(act, "pixels")} if "pixels" in entry else {}
    return Change(acts={"record": {**entries, str(which): {**entry, "done": True, **counted}}})
