"""The gate, acts of kind `open` and `close`: whether the canvas takes edits, now or from a time on. Pure.

    {"kind": "close", "by": …}                                   from here on
    {"kind": "close", "by": …, "at": 1700000000000}              a plan: from then on
    {"kind": "close", "by": …, "plan": the plan's id}            the plan comes true

The fold has no clock. When a server's clock reaches a plan's time, the server appends the same kind with the plan's id.
The first of these counts, and later ones change nothing. So servers agree even if their clocks differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from placed.canvas.acts import fields
from placed.canvas.acts.entries import put, value_of
from placed.canvas.acts.record import recorded, tell
from placed.canvas.change import NOTHING, Change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placed.canvas.events.act import Act
    from placed.canvas.state import State

MOST_PLANS: Final = 64
_GATE: Final = "gate"


@attrs.frozen(order=True)
class Plan:
    """A plan to open the canvas, or to close it.

    Attributes:
        at_ms: the planned moment, in ms since the epoch.
        act: the id of the act that plans it.
        kind: `open` or `close`.
        by: the author who planned it.
    """

    at_ms: int
    act: int
    kind: str
    by: int


def open_or_close(state: State, act: Act, act_id: int, time_ms: int) -> Change:
    """Open or close the canvas from here on, or plan that.

    Raises:
        RecordRefused: the plan's time isn't a moment, or there are too many plans.
    """
    acts = state.kept.acts
    at = fields.moment(act, "at")
    plans = dict(acts.get("plans", {}))
    if at is not None:
        plans = put(plans, {str(act_id): [at, act.kind, f"{act.by:016x}"]}, act_id, most=MOST_PLANS)
        return recorded(state, act, act_id, time_ms, {"at": at}, {"plans": plans})
    came_true = None
    if act.fields.get("plan") is not None:
        came_true = fields.number(act, "plan")
        planned = value_of(plans, str(came_true))
        if planned is None or planned[1] != act.kind:
            return NOTHING  # another server was first, or the plan has been undone
        del plans[str(came_true)]
    gate = put(acts.get(_GATE, {}), {_GATE: act.kind == "open"}, act_id, most=1)
    tables = {_GATE: gate, "plans": plans}
    return recorded(
        state, act, act_id, time_ms, {"plan": came_true}, {**tables, **told_gate(acts, tables, time_ms, act_id)}
    )


def told_gate(acts: Mapping[str, Any], tables: Mapping[str, Any], time_ms: int, act_id: int) -> dict[str, Any]:
    """The list of news with one more entry, if `tables` open or close the canvas; else nothing."""
    was, becomes = is_open(acts), is_open({**acts, **tables})
    return {} if was == becomes else tell(acts, "open" if becomes else "close", time_ms, act_id)


def is_open(acts: Mapping[str, Any]) -> bool:
    """Whether the canvas takes edits; it does until somebody closes it."""
    return value_of(acts.get(_GATE, {}), _GATE) is not False


def plans_of(acts: Mapping[str, Any]) -> list[Plan]:
    """All plans, the earliest first."""
    return sorted(
        Plan(value[0], int(act), value[1], int(value[2], 16))
        for act, (value, _, _) in acts.get("plans", {}).items()
        if value is not None
    )


def next_of(acts: Mapping[str, Any], kind: str) -> int | None:
    """The moment of the next plan to `open` or `close` the canvas, in ms since the epoch; None if there is none."""
    return next((plan.at_ms for plan in plans_of(acts) if plan.kind == kind), None)
