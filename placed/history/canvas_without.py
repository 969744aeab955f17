"""The canvas without some of its changes: which pixels show one of them, and which colours they would have otherwise.

It takes one pass over the past, from the oldest record to the newest. The pass begins where the first of the changes
may be, with the past's canvas at that version.

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
    """A canvas without some changes.

    Attributes:
        shown: bool, shape (height, width): the pixels whose last change is one of those left out.
        colors: uint8, shape (height, width): the last colour by any other change.
    """

    shown: NDArray[np.bool_]
    colors: NDArray[np.uint8]


def without_authors(past: AnyPast, authors: Collection[int], version: int, definition: Definition) -> Without:
    """The canvas at a version without the edits of these authors. Corrections have no author, and stay.

    Args:
        past: the past to look in.
        authors: the authors whose edits are left out.
        version: the version of the canvas.
        definition: the canvas's size and palette at that version, or larger ones.

    Raises:
        NotKept, NotIndexed: the past doesn't have that version. Edits before its first version count as nobody's.
    """
    wanted = np.array(sorted(authors), np.uint64)
    start = min(_first_of(past, wanted), version)
    return _without(past, start, version, definition, lambda each: theirs(each, wanted))


def without_act(past: AnyPast, act: int, version: int, definition: Definition) -> Without:
    """The canvas at a version without an act's own corrections; otherwise as `without_authors`."""
    return _without(past, act, version, definition, lambda each: each.act == act)


def theirs(each: Changes, authors: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """A mask of the changes that are edits of one of these authors."""
    found: NDArray[np.bool_] = np.isin(each.author, authors) & (each.act == NO_ACT)
    return found


def _without(past: AnyPast, start: int, version: int, definition: Definition, is_left_out: IsLeftOut) -> Without:
    shown = np.zeros((definition.height, definition.width), np.bool_)
    colors = grown(past.canvas(start)[1], definition)
    for each in forwards(past, start, version, definition.width):
        left_out = is_left_out(each)
        # In order: the last change of a pixel wins.
        shown.reshape(-1)[each.pixel] = left_out
        others = ~left_out
        colors.reshape(-1)[each.pixel[others]] = each.color[others]
    return Without(shown, colors)


def grown(canvas: NDArray[np.uint8], definition: Definition) -> NDArray[np.uint8]:
    """An earlier canvas, made as large as `definition`; its new pixels are blank."""
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
