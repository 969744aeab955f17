"""Tables of what acts have set. Each entry knows the act that set it and what was there before, for undoing.

    "bans": {"0123456789abcdef": [[null], 17, null]}        key: [value, the act's id, the value before]

A value of null isn't set, or not any more. An act's undoing swaps the two values of each entry that is still its own,
and the entry is then the undoing's; so an undoing can be undone as well, and what a later act has set stays. All of it
is JSON, as snapshots have it. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from placed.canvas.refusal import Reason, RecordRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Table = dict[str, list[Any]]


def put(
    table: Mapping[str, list[Any]],
    new: Mapping[str, Any],
    act_id: int,
    *,
    most: int,
    is_over: Callable[[Any], bool] = lambda value: False,
) -> Table:
    """The table after an act has set `new`.

    Args:
        table: as it was.
        new: values by key; None takes one away.
        act_id: the act's.
        most: how many entries there may be. Those that aren't set, or are over, go when there would be more.
        is_over: whether a value no longer means anything.

    Raises:
        RecordRefused: there would be more all the same.
    """
    entries = {**table, **{key: [value, act_id, value_of(table, key)] for key, value in new.items()}}
    if len(entries) > most:
        entries = {key: it for key, it in entries.items() if key in new or not (it[0] is None or is_over(it[0]))}
    if len(entries) > most:
        raise RecordRefused(f"{len(entries)} of these; allowed are {most}", Reason.FULL)
    return entries


def value_of(table: Mapping[str, list[Any]], key: str) -> Any:
    """What is set for a key; None where nothing is."""
    entry = table.get(key)
    return None if entry is None else entry[0]


def undone(table: Mapping[str, list[Any]], act_id: int, undone_id: int) -> Table | None:
    """The table after the act `act_id` has undone what `undone_id` set; None where that changes nothing."""
    mine = {key: [before, act_id, value] for key, (value, by, before) in table.items() if by == undone_id}
    return {**table, **mine} if mine else None
