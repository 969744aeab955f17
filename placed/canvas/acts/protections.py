"""Protections, acts of kind `protect` and `unprotect`: areas in which only moderators and hosts paint. Pure.

{"kind": "protect", "by": …, "area": [x, y, width, height]}
{"kind": "unprotect", "by": …, "act": the id of the act that protects}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from placed.canvas.acts import fields
from placed.canvas.acts.entries import put, value_of
from placed.canvas.acts.record import recorded
from placed.canvas.refusal import RecordRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placed.canvas.change import Change
    from placed.canvas.events.act import Act
    from placed.canvas.state import State

MOST_PROTECTIONS: Final = 1_000


@attrs.frozen
class Protection:
    """A protected area.

    Attributes:
        act: the id of the act that protects it; an `unprotect` names this id.
        x: its first column.
        y: its first row.
        width: its width in pixels.
        height: its height in pixels.
    """

    act: int
    x: int
    y: int
    width: int
    height: int


def protect(state: State, act: Act, act_id: int, time_ms: int) -> Change:
    """Protect an area from here on.

    Raises:
        RecordRefused: the area isn't all on the canvas, or too many areas are protected.
    """
    area = fields.area(act, state)
    areas = put(_table(state), {str(act_id): area}, act_id, most=MOST_PROTECTIONS)
    return recorded(state, act, act_id, time_ms, {"area": area}, {"areas": areas})


def unprotect(state: State, act: Act, act_id: int, time_ms: int) -> Change:
    """End an area's protection.

    Raises:
        RecordRefused: the named act protects no area.
    """
    lifted, table = fields.number(act, "act"), _table(state)
    area = value_of(table, str(lifted))
    if area is None:
        raise RecordRefused(f"an act unprotect of {lifted}, which protects no area")
    areas = put(table, {str(lifted): None}, act_id, most=MOST_PROTECTIONS)
    return recorded(state, act, act_id, time_ms, {"act": lifted, "area": area}, {"areas": areas})


def protections(acts: Mapping[str, Any]) -> list[Protection]:
    """All protected areas."""
    return [Protection(int(act), *value) for act, (value, _, _) in acts.get("areas", {}).items() if value is not None]


def _table(state: State) -> Mapping[str, list[Any]]:
    table: Mapping[str, list[Any]] = state.kept.acts.get("areas", {})
    return table
