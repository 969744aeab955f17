"""A pin, an act of kind `pin`: a place with a word, until another act removes it. A new kind of act in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placed.canvas.change import Change
from placed.canvas.refusal import RecordRefused

if TYPE_CHECKING:
    from placed.canvas.events import Act
    from placed.canvas.state import State

_MOST_PINS = 8


def pin(state: State, act: Act, act_id: int, _time_ms: int) -> Change:
    """Set the word at a place; without a word, remove the pin there."""
    match act.fields:
        case {"at": [int(x), int(y)], "word": str(word)}:
            pins = {**state.kept.acts.get("pins", {}), f"{x},{y}": [word, act_id]}
        case {"at": [int(x), int(y)]}:
            pins = {place: it for place, it in state.kept.acts.get("pins", {}).items() if place != f"{x},{y}"}
        case _:
            raise RecordRefused(f"a pin without a place: {act.fields!r}")
    if len(pins) > _MOST_PINS:
        raise RecordRefused(f"{len(pins)} pins; allowed are {_MOST_PINS}")
    return Change(acts={"pins": pins})
