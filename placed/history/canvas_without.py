"""The canvas without some of its changes: which pixels show one of them, and what they would show without any.

One pass over the past, from the oldest to the newest. It begins where the first of the changes may be: what a canvas
was there, the past tells at once.

Thread: any; blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from placed.history.past import Past, reading
from placed.history.stretch import NO_ACT
from placed.history.walk import forwards

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    from placed.canvas.definition import Definition
    from placed.history.changes import Changes
    from placed.history.walk import AnyPast

    IsLeftOut = Callable[[Changes], NDArray[np.bool_]]


@attrs.frozen(eq=False)
class Without:
    """A canvas from which some changes are left out.

    Attributes:
        shown: bool, shape (height, width): where the last change is one that is left out.
        colors: uint8, shape (height, width): the last colour by any other change.
    """

    shown: NDArray[np.bool_]
    colors: NDArray[np.uint8]


def without_authors(past: AnyPast, authors: Collection[int], version: int, definition: Definition) -> Without:
    """The canvas at a version without what these authors painted. Corrections are nobody's: they stay.

    Args:
        past: where to look.
        authors: whose edits are left out.
        version: of the canvas.
        definition: that version's, or a larger one.

    Raises:
        NotKept, NotIndexed: the past doesn't reach there. Edits from before its first version belong to nobody.
    """
    wanted = np.array(sorted(authors), np.uint64)
    start = min(_first_of(past, wanted), version)
    return _without(past, start, version, definition, lambda each: theirs(each, wanted))


def without_act(past: AnyPast, act: int, version: int, definition: Definition) -> Without:
    """The canvas at a version without an act's own corrections; otherwise as `without_authors`."""
    return _without(past, act, version, definition, lambda each: each.act == act)


def theirs(each: Changes, authors: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which changes are edits of one of these authors."""
    found: NDArray[np.bool_] = np.isin(each.author, authors) & (each.act == NO_ACT)
    return found


def _without(past: AnyPast, start: int, version: int, definition: Definition, is_left_out: IsLeftOut) -> Without:
    shown = np.zeros((definition.height, definition.width), np.bool_)
    colors = grown(past.canvas(start)[1], definition)
    for each in forwards(past, start, version, definition.width):
        left_out = is_left_out(each)
        # In order: the last one of a pixel wins.
        shown.reshape(-1)[each.pixel] = left_out
        others = ~left_out
        colors.reshape(-1)[each.pixel[others]] = each.color[others]
    return Without(shown, colors)


def grown(canvas: NDArray[np.uint8], definition: Definition) -> NDArray[np.uint8]:
    """An earlier canvas on one as large as it is now; what wasn't there yet is blank."""
    larger = np.zeros((definition.height, definition.width), np.uint8)
    larger[: canvas.shape[0], : canvas.shape[1]] = canvas
    return larger


def _first_of(past: AnyPast, authors: NDArray[np.uint64]) -> int:
    """A version before the first edit of any of these authors."""
    if not isinstance(past, Past):
        return past.first
    for kept in past.kept:
        with reading(kept) as segment:
            if np.isin(segment.people(), authors).any():
                return kept.start
    return past.tail.stretch.start if past.tail is not None else past.version
