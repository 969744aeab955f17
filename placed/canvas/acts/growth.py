"""Growth, acts of kind `grow`: they say who made the canvas larger. A record of type 2 follows, and does it. Pure.

{"kind": "grow", "by": …, "width": …, "height": …, "colors": ["#rrggbb"], those that are added}
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from placed.canvas.acts import fields
from placed.canvas.acts.record import recorded
from placed.canvas.definition import Definition
from placed.canvas.limits import MAX_SIDE_PX
from placed.canvas.refusal import Reason, RecordRefused

if TYPE_CHECKING:
    from placed.canvas.change import Change
    from placed.canvas.events.act import Act
    from placed.canvas.state import State

_COLOR: Final = re.compile(r"#[0-9a-f]{6}")


def grow(state: State, act: Act, act_id: int, time_ms: int) -> Change:
    """Put the act on record; a record with the new canvas will follow.

    Raises:
        RecordRefused: the canvas can't grow like that.
    """
    after = grown(state.definition, act)
    told = {"width": after.width, "height": after.height, "colors": act.fields.get("colors") or None}
    return recorded(state, act, act_id, time_ms, told, is_done=False)


def grown(now: Definition, act: Act) -> Definition:
    """The canvas's definition after an act `grow`; a side that the act leaves out stays.

    Raises:
        RecordRefused: the act doesn't make the canvas larger, or no canvas may be like that.
    """
    colors = act.fields.get("colors", [])
    if not isinstance(colors, list) or not all(isinstance(it, str) and _COLOR.fullmatch(it) for it in colors):
        raise RecordRefused("an act grow whose colors are no list of #rrggbb")
    sides = [
        own if act.fields.get(name) is None else fields.number(act, name, most=MAX_SIDE_PX)
        for name, own in (("width", now.width), ("height", now.height))
    ]
    try:
        after = Definition(sides[0], sides[1], now.rgb + bytes.fromhex("".join(color[1:] for color in colors)))
    except ValueError as error:
        raise RecordRefused(f"an act grow: {error}", Reason.CANVAS) from error
    if after == now or not now.can_become(after):
        raise RecordRefused(f"an act grow to {after.size}, of a canvas of {now.size}", Reason.CANVAS)
    return after
