"""Writes exports as text: CSV (RFC 4180), or JSON with one object a line. Files named .gz are gzipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from isal import igzip

from placed.commands.export.table import Table, colors_of
from placed.commands.import_.formats import EXPORT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from placed.canvas.definition import Definition
    from placed.commands.export.table import Part

_GZIP_LEVEL: Final = 1  # 16.5 million rows: 7 s and 262 MB; level 2 takes twice as long for 4 % less


class TextTable(Table):
    """A file of lines.

    Args:
        path: the new file.
        is_json: whether the lines are JSON; otherwise they are CSV, with a header.
        is_gzip: whether the file is gzipped.
    """

    def __init__(self, path: Path, *, is_json: bool, is_gzip: bool) -> None:
        self._file: Any = igzip.open(path, "wb", compresslevel=_GZIP_LEVEL) if is_gzip else path.open("wb")  # type: ignore[no-untyped-call]
        self._lines = _json_lines if is_json else _csv_lines
        if not is_json:
            self._file.write((",".join(EXPORT_COLUMNS) + "\n").encode())

    def write(self, part: Part) -> None:
        """See `Table`."""
        self._file.write("".join(self._lines(part)).encode())

    def finish(self, definition: Definition, log_id: str) -> None:
        """Do nothing: a note next to the file has the canvas (`placed.commands.canvas_note`)."""

    def close(self) -> None:
        """See `Table`."""
        self._file.close()


def _columns(part: Part) -> Iterable[tuple[Any, ...]]:
    rows = part.rows
    rgb = np.array(colors_of(part.definition))[rows["color"]]
    moments = np.datetime_as_string(rows["ms"].astype("M8[ms]"), unit="ms")
    columns = (rows["offset"] + 1, moments, rows["x"], rows["y"], rows["color"], rows["author"], rgb)
    return zip(*(column.tolist() for column in columns), strict=True)


def _csv_lines(part: Part) -> list[str]:
    if part.act is None:
        return [f"{v},{time}Z,{x},{y},{c},{author:016x},{rgb},\n" for v, time, x, y, c, author, rgb in _columns(part)]
    act = part.act
    return [f"{v},{time}Z,{x},{y},{color},,{rgb},{act}\n" for v, time, x, y, color, _, rgb in _columns(part)]


def _json_lines(part: Part) -> list[str]:
    row = '{"v": %d, "time": "%sZ", "x": %d, "y": %d, "color": %d, "author": %s, "rgb": "%s", "act": %s}\n'
    act = "null" if part.act is None else str(part.act)
    return [
        row % (v, time, x, y, color, "null" if part.act is not None else f'"{author:016x}"', rgb, act)
        for v, time, x, y, color, author, rgb in _columns(part)
    ]
