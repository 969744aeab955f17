"""Reads the edits of a `POST /edits`: a JSON object with one list. Accepts all edits, or none. Pure."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np

from placed.canvas.events import EDIT
from placed.http.answer import invalid_parameter, missing_parameter
from placed.http.body import JSON, Members, json_members, media_type
from placed.http.parameters import integer, query_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.canvas.definition import Definition
    from placed.http.answer import Request

MOST_EDITS: Final = 1_000  # 13 KB of a record, and about 0.5 ms
_EXPECTED: Final = 'a JSON object such as {"edits": [[1, 2, 3], [4, 5, 6]]}'
_NAMES: Final = ("x", "y", "color")


def edits_of(request: Request, definition: Definition, most: int) -> NDArray[np.void]:
    """The edits of a `POST /edits`.

    Args:
        request: the request; its query is ignored.
        definition: the definition of the canvas.
        most: how many edits one request may hold.

    Returns:
        dtype `placed.canvas.events.EDIT`, shape (n,), in the order given, n from 1 to `most`; the author is 0.

    Raises:
        Problem: 400, the body is no such object, or an edit doesn't fit the canvas; 414; 415.
    """
    query_pairs(request.query)
    listed = _listed(request, most)
    limits = (definition.width, definition.height, definition.colors)
    table = _table(listed, limits)
    if table is None:
        table = np.array([_checked(index, one, limits) for index, one in enumerate(listed)])
    edits = np.zeros(len(listed), EDIT)
    edits["x"], edits["y"], edits["color"] = table.T
    return edits


def _listed(request: Request, most: int) -> list[object]:
    """The list under `edits`, of 1 to `most` entries."""
    allowed = f"a list of 1 to {most} edits, each [x, y, color]"
    members = Members()
    if request.body:
        media_type(request, JSON)
        members = json_members(request.body, _EXPECTED)
    if not members:
        raise missing_parameter("edits", allowed)
    for name, value in members:
        if name != "edits":
            raise invalid_parameter(name[:64], _shown(value), "edits alone", "is unknown here")
    if len(members) > 1:
        raise invalid_parameter("edits", f"{len(members)} lists", allowed, "is repeated")
    ((_, listed),) = members
    if type(listed) is not list:  # a JSON object is a `Members` here, a subclass of list
        raise invalid_parameter("edits", _shown(listed), allowed, "is not a list")
    if not 1 <= len(listed) <= most:
        raise invalid_parameter("edits", f"{len(listed)} edits", allowed, "is too long" if listed else "is empty")
    return listed


def _shown(value: object) -> object:
    """A short text for a value that may be as long as a body."""
    if isinstance(value, Members):
        return "an object"
    return "a list" if isinstance(value, list) else value


def _table(listed: list[object], limits: tuple[int, int, int]) -> NDArray[np.float64] | None:
    """The numbers of all edits, shape (n, 3); None if the edits have to be checked one by one."""
    try:
        if not set(map(type, chain.from_iterable(listed))) <= {int, float}:  # type: ignore[arg-type]  # may raise
            return None
        table = np.array(listed, np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    if table.shape != (len(listed), 3) or not ((table >= 0) & (table < limits) & (table == np.floor(table))).all():
        return None
    return table


def _checked(index: int, one: object, limits: tuple[int, int, int]) -> list[int]:
    if type(one) is not list or len(one) != len(limits):
        raise invalid_parameter(f"edits[{index}]", one, "[x, y, color]", "is not an edit")
    return [
        value if type(value) is int and 0 <= value < limit else integer(f"edits[{index}].{name}", value, 0, limit - 1)
        for name, value, limit in zip(_NAMES, one, limits, strict=True)
    ]
