"""Reads blocks of lines, puts their rows into a spool, and counts and names the lines that can't be used. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.commands.import_.rows import FARTHEST, ROW, Kind
from placed.commands.import_.values import BadValue

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.commands.import_.area import Area
    from placed.commands.import_.blocks import Block
    from placed.commands.import_.colors import Colors
    from placed.commands.import_.formats import Columns, Format, Line
    from placed.commands.import_.spool import Spool

MOST_TOLD: Final = 5


@attrs.define
class BadLines:
    """The lines that can't be used.

    Attributes:
        count: how many there are.
        told: the place and the fault of each of the first bad lines.
    """

    count: int = 0
    told: list[str] = attrs.field(factory=list)

    def add(self, place: str, reason: str) -> None:
        """Add a bad line."""
        self.count += 1
        if len(self.told) < MOST_TOLD:
            self.told.append(f"{place}: {reason}")


def author_of_text(text: bytes, key: bytes) -> int:
    """The author, 0 to 2**64 - 1, of a user's name in a file: a keyed hash, as for an address."""
    return int.from_bytes(hashlib.blake2b(text, digest_size=8, key=key).digest(), "little")


class Intake:
    """Reads the lines of one import.

    Args:
        form: the lines' format.
        colors: turns the lines' colours into codes.
        area: checks the lines' coordinates.
        spool: takes the rows.
        key: the author key, which turns users' names or hashes into authors.

    Attributes:
        lines: the number of lines read, not counting empty ones.
        bad: the lines that can't be used.
    """

    def __init__(self, form: Format, colors: Colors, area: Area, spool: Spool, key: bytes) -> None:
        self._form = form
        self._colors = colors
        self._area = area
        self._spool = spool
        self._key = key
        self.lines = 0
        self.bad = BadLines()

    def take(self, block: Block, file: str) -> None:
        """Read one block; `file` is the file's name in messages."""
        rows = np.zeros(len(block), ROW)
        is_row = np.zeros(len(block), np.bool_)
        self._take_simple(block, rows, is_row)
        for index in np.flatnonzero(~is_row).tolist():
            text = block.line(index)
            if not text.strip():
                continue
            self.lines += 1
            try:
                rows[index] = self.row(self._form.parse(text))
                is_row[index] = True
            except BadValue as error:
                self.bad.add(f"{file}, line {block.first_line + index}", str(error))
        self.add(rows if is_row.all() else rows[is_row])

    def take_rows(
        self,
        rows: NDArray[np.void],
        x: NDArray[np.int64],
        y: NDArray[np.int64],
        colors: NDArray[np.int64],
        place: str,
        first: int,
    ) -> None:
        """Take rows from another reader; a row counts as bad if its place or colour isn't allowed.

        Args:
            rows: dtype `ROW`; this method fills in their colours.
            x: the rows' x, without `ROW`'s limits.
            y: the rows' y, without `ROW`'s limits.
            colors: colours in the form that `Colors` takes; -1 is never allowed.
            place: the word for a row in messages, before its number.
            first: the number of the first row.
        """
        self.lines += len(rows)
        good = self._area.holds(x, y) & (colors >= 0)
        codes, are_colors = self._colors.codes(colors[good])
        rows["color"][good] = codes
        good[good] = are_colors
        for index in np.flatnonzero(~good).tolist():
            try:
                self._area.check(int(x[index]), int(y[index]))
                reason = self._colors.why(int(colors[index])) if colors[index] >= 0 else "its color is no index"
            except BadValue as error:
                reason = str(error)
            self.bad.add(f"{place} {first + index}", reason)
        self.add(rows if good.all() else rows[good])

    def add(self, rows: NDArray[np.void]) -> None:
        """Take good rows."""
        self._area.note(rows)
        self._spool.add(rows)

    def _take_simple(self, block: Block, rows: NDArray[np.void], is_row: NDArray[np.bool_]) -> None:
        """Fill in the rows of all lines that `columns` can read."""
        found = self._form.columns(block)
        good = np.flatnonzero(found.good & self._area.holds(found.x, found.y))
        # Colours come last, so that a line with another fault adds no colour to the palette.
        codes, are_colors = self._colors.codes(found.color[good])
        good = good[are_colors]
        chosen = found.lines[good]
        rows["time_ms"][chosen] = found.time_ms[good]
        rows["order"][chosen] = (found.time_ms if found.order is None else found.order)[good]
        rows["x"][chosen], rows["y"][chosen] = found.x[good], found.y[good]
        rows["color"][chosen] = codes[are_colors]
        rows["author"][chosen] = self._authors(block, found, good)
        is_row[chosen] = True
        self.lines += len(chosen)

    def _authors(self, block: Block, found: Columns, good: NDArray[np.int64]) -> NDArray[np.uint64]:
        if found.author is not None:
            return found.author[good]
        data, key, blake2b = block.data, self._key, hashlib.blake2b
        begins, ends = found.texts[good].T.tolist()
        # The most expensive part of an import, 1.1 us a line: one expression, to keep it fast.
        digests = [blake2b(data[a:b], digest_size=8, key=key).digest() for a, b in zip(begins, ends, strict=True)]
        return np.frombuffer(b"".join(digests), "<u8")

    def row(self, line: Line) -> tuple[int, ...]:
        """The row of a line, in the fields of `ROW`.

        Raises:
            BadValue: the line's colour or place isn't allowed.
        """
        if max(abs(line.x), abs(line.y), abs(line.x2), abs(line.y2)) > FARTHEST:
            raise BadValue(f"x {line.x}, y {line.y}; allowed are {-FARTHEST} to {FARTHEST}")
        self._area.check(line.x, line.y)
        if line.kind is Kind.RECTANGLE:
            self._area.check(line.x2, line.y2)
        author = line.author
        if isinstance(author, str):
            author = author_of_text(author.encode("utf-8", "surrogateescape"), self._key)
        color = self._colors.code(line.color)
        return line.order, line.time_ms, author, line.x, line.y, line.x2, line.y2, line.kind, color
