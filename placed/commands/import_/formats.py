"""Recognises the tables that can be imported, by their headers, and reads their lines. Pure.

    Reddit 2017   ts,user_hash,x_coordinate,y_coordinate,color
    Reddit 2022   timestamp,user_id,pixel_color,coordinate      "x,y", or "x,y,x2,y2" of a moderator's rectangle
    Reddit 2023   timestamp,user,coordinate,pixel_color         likewise, or {X: 0, Y: 0, R: 5} of a circle
    placed        v,time,x,y,color,author,rgb,act               `placed export`

There are two ways to read a line. `columns` reads all simple lines of a block at once, with numpy, and marks the good
ones. `parse` reads one line, in any allowed form, and says what is wrong with a bad one.
"""

from __future__ import annotations

import abc
import csv
import json
import re
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.commands.import_ import columns as read
from placed.commands.import_ import values
from placed.commands.import_.colors import Colors, IndexColors, OwnColors, RgbColors
from placed.commands.import_.rows import Kind
from placed.commands.import_.values import BadValue, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from placed.canvas.palette import Palette
    from placed.commands.import_.blocks import Block

EXPORT_COLUMNS: Final = ("v", "time", "x", "y", "color", "author", "rgb", "act")
_QUOTE: Final = ord('"')
_HASH: Final = ord("#")
_COORDINATE_DIGITS: Final = 5
_CIRCLE: Final = re.compile(r"\{X: (-?[0-9]{1,5}), Y: (-?[0-9]{1,5}), R: ([0-9]{1,5})\}", re.ASCII)


@attrs.frozen
class Line:
    """The values of one line. `color` is in the form that `Colors` takes; the author is a number, or a text to hash."""

    order: int
    time_ms: int
    author: int | str
    x: int
    y: int
    color: int
    kind: Kind = Kind.PIXEL
    x2: int = 0
    y2: int = 0


@attrs.frozen(eq=False)
class Columns:
    """The values of a block's simple lines; arrays of shape (n,).

    Attributes:
        lines: the lines' indexes in the block.
        order: as in `ROW`; None means the order of the times.
        time_ms: as in `ROW`.
        x: as in `ROW`.
        y: as in `ROW`.
        color: in the form that `Colors` takes.
        author: uint64; None if authors are texts, which lie between `texts[:, 0]` and `texts[:, 1]`.
        texts: see author; shape (n, 2).
        good: whether the whole line could be read.
    """

    lines: NDArray[np.int64]
    order: NDArray[np.int64] | None
    time_ms: NDArray[np.int64]
    x: NDArray[np.int64]
    y: NDArray[np.int64]
    color: NDArray[np.int64]
    author: NDArray[np.uint64] | None
    texts: NDArray[np.int64]
    good: NDArray[np.bool_]


class Format(abc.ABC):
    """One kind of table.

    Attributes:
        title: its name in messages.
        header: the names of its columns.
        make_colors: makes the `Colors` for its colours, from a palette or None.
        is_export: whether it is an export of placed.
    """

    def __init__(self, title: str, header: tuple[str, ...], make_colors: Callable[[Palette | None], Colors]) -> None:
        self.title = title
        self.header = header
        self.make_colors = make_colors
        self.is_export = header == EXPORT_COLUMNS

    @abc.abstractmethod
    def columns(self, block: Block) -> Columns:
        """All simple lines of a block."""

    @abc.abstractmethod
    def line(self, fields: list[str]) -> Line:
        """Read the fields of one line.

        Raises:
            BadValue: a field isn't understood.
        """

    def parse(self, text: str) -> Line:
        """Read one line; raises as `line` does."""
        try:
            (fields,) = csv.reader([text], strict=True)
        except (csv.Error, ValueError) as error:
            raise BadValue(f"{shown(text)}: {error}") from None
        if len(fields) != len(self.header):
            raise BadValue(f"{shown(text)} has {len(fields)} fields; allowed are {len(self.header)}")
        return self.line(fields)


class Reddit2017(Format):
    """ts,user_hash,x_coordinate,y_coordinate,color."""

    def __init__(self) -> None:
        header = ("ts", "user_hash", "x_coordinate", "y_coordinate", "color")
        super().__init__("Reddit's table of 2017", header, IndexColors)

    def columns(self, block: Block) -> Columns:
        """See `Format`."""
        lines, bounds = read.split(block, 4)
        begins, ends = bounds[:, :-1] + 1, bounds[:, 1:]
        time_ms, good = read.moments_ms(block.buffer, begins[:, 0], ends[:, 0])
        x, is_x = read.integers(block.buffer, begins[:, 2], ends[:, 2], digits=_COORDINATE_DIGITS)
        y, is_y = read.integers(block.buffer, begins[:, 3], ends[:, 3], digits=_COORDINATE_DIGITS)
        color, is_color = read.integers(block.buffer, begins[:, 4], ends[:, 4], digits=3)
        texts, is_text = _texts(block, begins[:, 1], ends[:, 1])
        return Columns(lines, None, time_ms, x, y, color, None, texts, good & is_x & is_y & is_color & is_text)

    def line(self, fields: list[str]) -> Line:
        """See `Format`."""
        time_ms = values.moment_ms(fields[0], "ts")
        x, y, color = (values.whole_number(fields[at], self.header[at]) for at in (2, 3, 4))
        return Line(time_ms, time_ms, _user(fields[1]), x, y, color)


class RedditHex(Format):
    """The tables of 2022 and 2023: both have a moment, a user, a colour as #hex and a coordinate."""

    def __init__(self, title: str, header: tuple[str, ...]) -> None:
        super().__init__(title, header, RgbColors)
        self._is_color_first = header.index("pixel_color") < header.index("coordinate")

    def columns(self, block: Block) -> Columns:
        """See `Format`."""
        lines, bounds = read.split(block, 4)
        begins, ends = bounds[:, :-1] + 1, bounds[:, 1:]
        color_at, x_at = (2, 3) if self._is_color_first else (4, 2)
        time_ms, good = read.moments_ms(block.buffer, begins[:, 0], ends[:, 0])
        color, is_color = _colors(block, begins[:, color_at], ends[:, color_at])
        # "x,y" in quotes
        x_begins, y_ends = begins[:, x_at], ends[:, x_at + 1]
        good &= (block.buffer[x_begins] == _QUOTE) & (block.buffer[y_ends - 1] == _QUOTE)
        x, is_x = read.integers(block.buffer, x_begins + 1, ends[:, x_at], digits=_COORDINATE_DIGITS)
        y, is_y = read.integers(block.buffer, begins[:, x_at + 1], y_ends - 1, digits=_COORDINATE_DIGITS)
        texts, is_text = _texts(block, begins[:, 1], ends[:, 1])
        return Columns(lines, None, time_ms, x, y, color, None, texts, good & is_color & is_x & is_y & is_text)

    def line(self, fields: list[str]) -> Line:
        """See `Format`."""
        by_name = dict(zip(self.header, fields, strict=True))
        time_ms = values.moment_ms(fields[0], "timestamp")
        color = values.color_rgb(by_name["pixel_color"])
        kind, (x, y, x2, y2) = _coordinate(by_name["coordinate"])
        return Line(time_ms, time_ms, _user(fields[1]), x, y, color, kind, x2, y2)


class Export(Format):
    """v,time,x,y,color,author,rgb,act."""

    def __init__(self) -> None:
        super().__init__("an export of placed", EXPORT_COLUMNS, OwnColors)

    def columns(self, block: Block) -> Columns:
        """See `Format`."""
        lines, bounds = read.split(block, 7)
        begins, ends = bounds[:, :-1] + 1, bounds[:, 1:]
        buffer = block.buffer
        v, good = read.integers(buffer, begins[:, 0], ends[:, 0], digits=18)
        time_ms, is_time = read.moments_ms(buffer, begins[:, 1], ends[:, 1])
        x, is_x = read.integers(buffer, begins[:, 2], ends[:, 2], digits=_COORDINATE_DIGITS)
        y, is_y = read.integers(buffer, begins[:, 3], ends[:, 3], digits=_COORDINATE_DIGITS)
        index, is_index = read.integers(buffer, begins[:, 4], ends[:, 4], digits=3)
        author, is_author = read.hex_numbers(buffer, begins[:, 5], ends[:, 5], digits=16)
        rgb, is_rgb = _colors(block, begins[:, 6], ends[:, 6])
        good &= is_time & is_x & is_y & is_index & (index >= 0) & (index < 256) & is_author & is_rgb & (v >= 0)
        good &= begins[:, 7] == ends[:, 7]  # corrections by an act are rare: `line` reads them one by one
        return Columns(lines, v, time_ms, x, y, index | rgb << 8, author, bounds[:, :2], good)

    def line(self, fields: list[str]) -> Line:
        """See `Format`."""
        v, x, y, index = (values.whole_number(fields[at], self.header[at]) for at in (0, 2, 3, 4))
        time_ms = values.moment_ms(fields[1])
        color = own_color(index, values.color_rgb(fields[6]))
        if v < 0:
            raise BadValue(f"v {v}; allowed are versions, from 0 on")
        if not fields[7]:
            return Line(v, time_ms, values.author_id(fields[5]), x, y, color)
        act = values.whole_number(fields[7], "act")
        if act < 0 or fields[5]:
            raise BadValue(f"act {act} with the author {shown(fields[5])}; allowed is an act's id, and no author")
        return Line(v, time_ms, act, x, y, color, Kind.CORRECTION)


class ExportLines(Format):
    """Our export as JSON, one object a line."""

    def __init__(self) -> None:
        super().__init__("an export of placed, as JSON", EXPORT_COLUMNS, OwnColors)

    def columns(self, block: Block) -> Columns:
        """No lines: `parse` reads each line by itself."""
        none = np.empty(0, np.int64)
        texts = np.empty((0, 2), np.int64)
        return Columns(none, None, none, none, none, none, None, texts, np.empty(0, np.bool_))

    def parse(self, text: str) -> Line:
        """See `Format`."""
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadValue(f"{shown(text)} is not JSON: {error}") from None
        if not isinstance(found, dict) or found.keys() != set(self.header):
            raise BadValue(f"{shown(text)}; allowed is an object of {', '.join(self.header)}")
        return self.line(["" if found[name] is None else str(found[name]) for name in self.header])

    def line(self, fields: list[str]) -> Line:
        """See `Format`."""
        return Export().line(fields)


def own_color(index: int, rgb: int) -> int:
    """A colour in the form that `OwnColors` takes.

    Raises:
        BadValue: no palette has such an index.
    """
    if not 0 <= index < 256:
        raise BadValue(f"color {index}; allowed are 0 to 255")
    return index | rgb << 8


def _colors(
    block: Block, begins: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    rgb, good = read.hex_numbers(block.buffer, begins + 1, ends, digits=6)
    return rgb.astype(np.int64), good & (block.buffer[begins] == _HASH)


def _texts(
    block: Block, begins: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The bounds of texts, and a mask: whether a text is there and has no quotes, which would change its meaning."""
    return np.stack([begins, ends], axis=1), (begins < ends) & (block.buffer[begins] != _QUOTE)


def _user(text: str) -> str:
    if not text:
        raise BadValue(f"user {text!r}; allowed is a hash or a name")
    return text


def _coordinate(text: str) -> tuple[Kind, tuple[int, int, int, int]]:
    circle = _CIRCLE.fullmatch(text.strip())
    if circle:
        x, y, radius = map(int, circle.groups())
        return Kind.CIRCLE, (x, y, radius, 0)
    parts = text.split(",")
    if len(parts) not in (2, 4):
        raise BadValue(
            f"coordinate {shown(text)}; allowed are 'x,y', 'x,y,x2,y2' for a rectangle, and '{{X: 0, Y: 0, R: 5}}'"
        )
    numbers = [values.whole_number(part, f"coordinate {shown(text)}:") for part in parts]
    if len(numbers) == 2:
        return Kind.PIXEL, (numbers[0], numbers[1], 0, 0)
    return Kind.RECTANGLE, (numbers[0], numbers[1], numbers[2], numbers[3])


FORMATS: Final[tuple[Format, ...]] = (
    Reddit2017(),
    RedditHex("Reddit's table of 2022", ("timestamp", "user_id", "pixel_color", "coordinate")),
    RedditHex("Reddit's table of 2023", ("timestamp", "user", "coordinate", "pixel_color")),
    Export(),
)


EXPORT_LINES: Final = ExportLines()
EXPORT_PARQUET: Final = ExportLines()  # the same rows, in a file that has no lines


def format_of(header: str) -> Format | None:
    """The format whose table begins with this line; None if no format does."""
    if header.startswith("{"):
        return EXPORT_LINES
    names = tuple(name.strip().strip('"').lower() for name in header.split(","))
    return next((each for each in FORMATS if each.header == names), None)
