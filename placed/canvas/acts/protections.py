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
    """An area that is protected.

    Attributes:
        act: the id of the act that protects it, by which it is unprotected.
        x: of its first column.
        y: of its first row.
        width: in pixels.
        height: in pixels.
    """

    act: int
    x: int
    y: int
    width: int
    height: int


def protect(state: State, act: Act, act_id: int, time_ms: int) -> Change:
    """From here on an area is protected.

    Raises:
        RecordRefused: it isn't on the canvas, or too many are protected.
    """
    area = fields.area(act, state)
    areas = put(_table(state), {str(act_id): area}, act_id, most=MOST_PROTECTIONS)
    return recorded(state, act, act_id, time_ms, {"area": area}, {"areas": areas})


def unprotect(state: State, act: Act, act_id: int, time_ms: int) -> Change:
    """From here on it isn't.

    Raises:
        RecordRefused: no area is protected by that act.
    """
    lifted, table = fields.number(act, "act"), _table(state)
    area = value_of(table, str(lifted))
    if area is None:
        raise RecordRefused(f"an act unprotect of {lifted}, which protects no area")
    areas = put(table, {str(lifted): None}, act_id, most=MOST_PROTECTIONS)
    return recorded(state, act, act_id, time_ms, {"act": lifted, "area": area}, {"areas": areas})


def protections(acts: Mapping[str, Any]) -> list[Protection]:
    """All areas that are protected."""
    return [Protection(int(act), *value) for act, (value, _, _) in acts.get("areas", {}).items() if value is not None]


def _table(state: State) -> Mapping[str, list[Any]]:
    table: Mapping[str, list[Any]] = state.kept.acts.get("areas", {})
    return table
