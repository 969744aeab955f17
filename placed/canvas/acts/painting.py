"""Acts that paint, of kind `wipe`, `stamp` and `restore`. Their pixels come as corrections, and then `done`. Pure.

    {"kind": "wipe", "by": …, "area": [x, y, width, height], "color": …}
    {"kind": "stamp", "by": …, "area": [x, y, width, height]}
    {"kind": "restore", "by": …, "area": …, "authors": [], "to": {"v": …} or {"t": ms since the epoch}}

The fold doesn't work out which pixels they mean: the server that did the act has done so, with the history's help.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from placed.canvas.acts import fields
from placed.canvas.acts.record import recorded, some_authors
from placed.canvas.limits import MAX_COLORS
from placed.canvas.refusal import RecordRefused

if TYPE_CHECKING:
    from placed.canvas.change import Change
    from placed.canvas.events.act import Act
    from placed.canvas.state import State


def paint(state: State, act: Act, act_id: int, time_ms: int) -> Change:
    """Put the act on record; its corrections will follow.

    Raises:
        RecordRefused: one of its fields has a value that isn't allowed.
    """
    told: dict[str, Any] = {
        "area": None if act.fields.get("area") is None else fields.area(act, state),
        "color": None if act.fields.get("color") is None else fields.number(act, "color", most=MAX_COLORS - 1),
        "to": _to(act),
        **some_authors(fields.authors(act)),
        "pixels": None,
    }
    return recorded(state, act, act_id, time_ms, told, is_done=False)


def _to(act: Act) -> dict[str, int] | None:
    match act.fields.get("to"):
        case None:
            return None
        case {"v": int(at), **rest} if not rest and at >= 0:
            return {"v": int(at)}
        case {"t": int(at), **rest} if not rest and at >= 0:
            return {"t": int(at)}
        case other:
            raise RecordRefused(f"an act {act.kind} to {str(other)[:100]}; allowed is a version or a moment")
