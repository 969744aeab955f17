"""The table that an export holds, whatever kind of file it is in.

    v        the version at which the pixel is to be seen: its record's offset + 1; the same for all of one record
    time     that record's time, UTC, to the millisecond
    x, y     where, from the top left pixel on, 0, 0
    color    the palette's index
    author   who: 16 hexadecimal digits; in Parquet the same as a number; none for a correction
    rgb      the colour itself, #rrggbb
    act      of a correction the act's id; none for an edit

Rows are in the log's order, so that the last one of a pixel is its colour.
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
    """Rows of a table that are all edits, or all of one act.

    Attributes:
        rows: dtype `placed.history.stretch.ROW`, shape (n,), n >= 1.
        act: the id of the act that they are corrections of; None for edits.
        definition: the canvas that they are on.
    """

    rows: NDArray[np.void]
    act: int | None
    definition: Definition


def parts_of(rows: NDArray[np.void], definition: Definition) -> Iterator[Part]:
    """The rows in parts, in order."""
    ends = [*(np.flatnonzero(np.diff(rows["act"])) + 1).tolist(), len(rows)]
    begin = 0
    for end in ends:
        if begin < end:
            act = int(rows["act"][begin])
            yield Part(rows[begin:end], None if act == NO_ACT else act, definition)
        begin = end


class Table(abc.ABC):
    """A table that is being written."""

    @abc.abstractmethod
    def write(self, part: Part) -> None:
        """Add rows.

        Raises:
            OSError: there is no room, or the disk fails.
        """

    @abc.abstractmethod
    def finish(self, definition: Definition, log_id: str) -> None:
        """Add what belongs to its end: the canvas as it is now, and whose log it is."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close the file, finished or not. Idempotent."""


def colors_of(definition: Definition) -> list[str]:
    """The palette's colours as #rrggbb."""
    return [f"#{definition.rgb[at : at + 3].hex()}" for at in range(0, len(definition.rgb), 3)]
