"""Records, batches and canvases for the tests of the pure core."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from placed.canvas.batch import Batch
from placed.canvas.definition import Definition
from placed.canvas.edit_code import EditCode
from placed.canvas.events import EDIT, Edits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import SearchStrategy
    from numpy.typing import NDArray

Edit = tuple[int, int, int, int]  # x, y, color, author

SMALL = Definition(5, 3, bytes(range(4 * 3)))  # 5 x 3 pixels, 4 colours: collisions are likely, no side is a power of 2


def code_of(definition: Definition) -> EditCode:
    """The layout of a canvas's edit codes."""
    return EditCode.of(definition.width, definition.height, definition.colors)


def edits(*several: Edit) -> NDArray[np.void]:
    """Edits as an array of dtype `EDIT`."""
    return np.array(list(several), EDIT)


def record(*several: Edit) -> bytes:
    """A record of edits."""
    return Edits(edits(*several)).encode()


def batch(values: Sequence[bytes], *, first: int = 0, time_ms: int = 0) -> Batch:
    """Consecutive records without a gap, all with one time."""
    return batch_at(range(first, first + len(values)), values, [time_ms] * len(values))


def batch_at(offsets: Sequence[int], values: Sequence[bytes], times_ms: Sequence[int]) -> Batch:
    """Records with the given offsets and times."""
    return Batch(np.array(offsets, np.int64), np.array(times_ms, np.int64), list(values))


def any_edit(definition: Definition = SMALL) -> SearchStrategy[Edit]:
    """Any edit that fits the canvas."""
    return st.tuples(
        st.integers(0, definition.width - 1),
        st.integers(0, definition.height - 1),
        st.integers(0, definition.colors - 1),
        st.integers(0, 2**64 - 1),
    )


def paint(canvas: NDArray[np.uint8], several: Sequence[Edit]) -> None:
    """Paint edits with a loop that is as slow and plain as can be."""
    for x, y, color, _author in several:
        canvas[y, x] = color


def blank(definition: Definition = SMALL) -> NDArray[np.uint8]:
    """A new canvas."""
    return np.zeros((definition.height, definition.width), np.uint8)
