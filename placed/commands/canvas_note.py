"""Writes and reads the note next to an exported table: the canvas' size and palette, which have no place in a table.

    edits.csv.gz
    edits.csv.gz.canvas.json    {"width": 1000, "height": 1000, "palette": ["#ffffff", …], "log": "…", …}

A Parquet file has the same inside, in its metadata under `placed`. Pure, except that it reads and writes the file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from placed.canvas.definition import Definition
from placed.commands.part_file import part_file

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX: Final = ".canvas.json"
METADATA_KEY: Final = b"placed"
_MAX_BYTES: Final = 64 << 10  # 256 colours are 3 KB


class NoteUnusable(ValueError):
    """The file isn't a note, or can't be read; the message names it."""


def note_path(table: Path) -> Path:
    """The path of a table's note."""
    return table.with_name(table.name + SUFFIX)


def encode(definition: Definition, log_id: str) -> str:
    """The note of a canvas."""
    colors = [f"#{definition.rgb[at : at + 3].hex()}" for at in range(0, len(definition.rgb), 3)]
    return json.dumps({"width": definition.width, "height": definition.height, "palette": colors, "log": log_id})


def write(table: Path, definition: Definition, log_id: str) -> None:
    """Put a note next to a table, complete or not at all.

    Raises:
        CannotWrite: the note can't be written.
    """
    with part_file(note_path(table)) as part:
        part.write_text(encode(definition, log_id) + "\n", encoding="utf-8")


def decode(text: str | bytes) -> Definition:
    """The canvas that a note describes.

    Raises:
        NoteUnusable: the text isn't a note.
    """
    try:
        found: dict[str, Any] = json.loads(text)
        rgb = b"".join(bytes.fromhex(color.removeprefix("#")) for color in found["palette"])
        return Definition(int(found["width"]), int(found["height"]), rgb)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NoteUnusable(f"it doesn't give a canvas's width, height and palette: {error}") from error


def read(table: Path) -> Definition | None:
    """The canvas that the note next to a table describes; None if there is no note.

    Raises:
        NoteUnusable: the file isn't a note, or can't be read.
    """
    path = note_path(table)
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NoteUnusable(f"{path} can't be read: {error.strerror}") from error
    try:
        return decode(data)
    except NoteUnusable as error:
        raise NoteUnusable(f"{path}: {error}") from error
