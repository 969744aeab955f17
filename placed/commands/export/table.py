"""The table of an export; all kinds of files have the same columns.

    v        the first version that shows the pixel: its record's offset + 1; all rows of one record have the same
    time     that record's time, UTC, to the millisecond
    x, y     the pixel; 0, 0 is the top left one
    color    its new colour, as an index of the palette
    author   the author: 16 hexadecimal digits, in Parquet a number; empty for a correction
    rgb      the same colour as #rrggbb
    act      the id of the act that a correction belongs to; empty for an edit

Rows are in the log's order, so the last row of a pixel has its present colour.
"""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING

import attrs
import numpy as np

from placed.history.stretch import NO_ACT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from placed.canvas.definition import Definition


@attrs.frozen(eq=False)
class Part:
    """Consecutive rows that are all edits, or all corrections of one act.

    Attributes:
        rows: dtype `placed.history.stretch.ROW`, shape (n,), n >= 1.
        act: the id of the act that the rows belong to; None for edits.
        definition: the size and palette of the canvas.
    """

    rows: NDArray[np.void]
    act: int | None
    definition: Definition


def parts_of(rows: NDArray[np.void], definition: Definition) -> Iterator[Part]:
    """Split rows into parts, in order."""
    ends = [*(np.flatnonzero(np.diff(rows["act"])) + 1).tolist(), len(rows)]
    begin = 0
    for end in ends:
        if begin < end:
            act = int(rows["act"][begin])
            yield Part(rows[begin:end], None if act == NO_ACT else act, definition)
        begin = end


class Table(abc.ABC):
    """A file that takes the rows of an export."""

    @abc.abstractmethod
    def write(self, part: Part) -> None:
        """Add rows.

        Raises:
            OSError: there is no room, or the disk fails.
        """

    @abc.abstractmethod
    def finish(self, definition: Definition, log_id: str) -> None:
        """Write the end of the file: the canvas's present size and palette, and the log's id."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close the file, finished or not. Idempotent."""


def colors_of(definition: Definition) -> list[str]:
    """The palette's colours as #rrggbb."""
    return [f"#{definition.rgb[at : at + 3].hex()}" for at in range(0, len(definition.rgb), 3)]
