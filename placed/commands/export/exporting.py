"""Reads a log, and writes its edits into a file."""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Final

import attrs

from placed.commands import canvas_note
from placed.commands.export.table import parts_of
from placed.commands.export.text import TextTable
from placed.commands.part_file import part_file
from placed.commands.past import open_past

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from placed.canvas.definition import Definition
    from placed.commands.export.table import Table
    from placed.commands.settings.values import Settings
    from placed.history.reading import ReadPast

    Progress = Callable[[int, int, int], None]

PARQUET: Final = ".parquet"
KINDS: Final[dict[str, Callable[[Path], Table]]] = {
    ".csv": lambda path: TextTable(path, is_json=False, is_gzip=False),
    ".csv.gz": lambda path: TextTable(path, is_json=False, is_gzip=True),
    ".jsonl": lambda path: TextTable(path, is_json=True, is_gzip=False),
    ".jsonl.gz": lambda path: TextTable(path, is_json=True, is_gzip=True),
    PARQUET: lambda path: _parquet(path),
}


@attrs.frozen
class Exported:
    """The result of an export.

    Attributes:
        rows: the number of rows.
        bytes: the size of the file.
        first: the log's first offset; above 0 if its beginning is gone.
        definition: the canvas at its end.
    """

    rows: int
    bytes: int
    first: int
    definition: Definition


class MissingPart(Exception):
    """A package that an extra brings isn't installed; the message names it."""


def kind_of(path: Path) -> str | None:
    """The kind of file that the name's ending asks for; None if no kind has that ending."""
    return next((ending for ending in sorted(KINDS, key=len, reverse=True) if path.name.endswith(ending)), None)


def _parquet(path: Path) -> Table:
    try:
        module = importlib.import_module("placed.commands.export.parquet")
    except ImportError as error:
        raise MissingPart(f"{error.name} is missing; Parquet files need: pip install 'placed[parquet]'") from error
    table: Table = module.ParquetTable(path)
    return table


def export(settings: Settings, path: Path, kind: str, progress: Progress) -> Exported:
    """Write all edits of the log that the settings name.

    Args:
        settings: a server's settings; the server may be running.
        path: the file; an existing one is replaced once the new one is complete.
        kind: one of `KINDS`.
        progress: called with the first version, the version reached, and the last one.

    Raises:
        CannotRead: the log can't be read.
        CannotWrite: the file can't be written.
        MissingPart: an extra isn't installed.
    """
    with open_past(settings) as opened, part_file(path) as part:
        with contextlib.closing(KINDS[kind](part)) as table:
            rows, definition = _write(table, opened.past, progress)
            table.finish(definition, opened.log_id)
        size_bytes = part.stat().st_size
        if kind != PARQUET:
            canvas_note.write(path, definition, opened.log_id)
    return Exported(rows, size_bytes, opened.past.first, definition)


def _write(table: Table, past: ReadPast, progress: Progress) -> tuple[int, Definition]:
    """Write all rows; how many, and the canvas at the end."""
    count, (definition, _) = 0, past.canvas(past.first)
    for stretch, now in past.stretches(past.first, past.version):
        definition = now
        for part in parts_of(stretch.rows, definition):
            table.write(part)
            count += len(part.rows)
        progress(past.first, stretch.end, past.version)
    return count, definition
