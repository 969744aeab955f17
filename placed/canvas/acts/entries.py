"""Tables of values that acts have set. Each entry has the act that set it and the value before, for undoing.

    "bans": {"0123456789abcdef": [[null], 17, null]}        key: [value, the act's id, the value before]

A null value means that nothing is set, or no longer. To undo an act, the fold swaps the two values of each entry that
still has the act's id, and gives the entry the id of the act that undoes. So an undoing can be undone as well, and
values that a later act has set stay. All of it is JSON, as in snapshots. Pure.
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
        table: the table before the act.
        new: values by key; None removes a value.
        act_id: the act's id.
        most: the most entries. If there would be more, old entries go whose value is null or over.
        is_over: says whether a value no longer means anything, such as a ban that has ended.

    Raises:
        RecordRefused: there would be more entries all the same.
    """
    entries = {**table, **{key: [value, act_id, value_of(table, key)] for key, value in new.items()}}
    if len(entries) > most:
        entries = {key: it for key, it in entries.items() if key in new or not (it[0] is None or is_over(it[0]))}
    if len(entries) > most:
        raise RecordRefused(f"{len(entries)} of these; allowed are {most}", Reason.FULL)
    return entries


def value_of(table: Mapping[str, list[Any]], key: str) -> Any:
    """The value that is set for a key; None if none is."""
    entry = table.get(key)
    return None if entry is None else entry[0]


def undone(table: Mapping[str, list[Any]], act_id: int, undone_id: int) -> Table | None:
    """The table after the act `act_id` has undone the act `undone_id`; None if that changes nothing."""
    mine = {key: [before, act_id, value] for key, (value, by, before) in table.items() if by == undone_id}
    return {**table, **mine} if mine else None
