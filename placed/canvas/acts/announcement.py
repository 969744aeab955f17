"""The announcement, acts of kind `announce`: a sentence that everybody's page shows, until a time. Pure.

{"kind": "announce", "by": …, "text": …, "until": 1700000000000 or null}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from placed.canvas.acts import fields
from placed.canvas.acts.entries import put, value_of
from placed.canvas.acts.record import recorded, tell
from placed.canvas.refusal import RecordRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placed.canvas.change import Change
    from placed.canvas.events.act import Act
    from placed.canvas.state import State

_KEY: Final = "announcement"


@attrs.frozen
class Announcement:
    """An announcement.

    Attributes:
        text: the sentence.
        until_ms: the first moment at which pages no longer show it, in ms since the epoch; None if it has no end.
        act: the id of the act that announced it.
    """

    text: str
    until_ms: int | None
    act: int


def announce(state: State, act: Act, act_id: int, time_ms: int) -> Change:
    """Put the act's sentence in the place of the one before.

    Raises:
        RecordRefused: the act has no sentence.
    """
    text, until = fields.text(act, "text"), fields.moment(act, "until")
    if text is None:
        raise RecordRefused("an act announce without a text")
    acts = state.kept.acts
    tables = {_KEY: put(acts.get(_KEY, {}), {_KEY: [text, until]}, act_id, most=1)}
    told = {"text": text, "until": until}
    return recorded(state, act, act_id, time_ms, told, {**tables, **tell(acts, "announce", time_ms, act_id)})


def announcement_of(acts: Mapping[str, Any], now_ms: int) -> Announcement | None:
    """The announcement that pages show now; None if there is none, or it is over."""
    table = acts.get(_KEY, {})
    value = value_of(table, _KEY)
    if value is None or (value[1] is not None and value[1] <= now_ms):
        return None
    return Announcement(value[0], value[1], table[_KEY][1])
