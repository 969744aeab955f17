"""Imports files into a new log, completely or not at all.

    files --blocks--> intake --rows--> spool (on the disk, sorted) --parts--> records --> a new log

There are two passes, since the canvas's size, its palette and the earliest edit are known only after reading all files.
Memory holds one block of lines or one part of the rows, however large the files are. The disk needs 42 bytes a row in
addition to the log.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import stat
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from placed.canvas.clock import wall_clock_ms
from placed.canvas.definition import Definition
from placed.canvas.events import Canvas
from placed.canvas.palette_files import palette_of
from placed.commands import canvas_note
from placed.commands.canvas_note import NoteUnusable
from placed.commands.import_.area import Area, AreaUnusable
from placed.commands.import_.blocks import FileUnusable, LineFile
from placed.commands.import_.formats import EXPORT_LINES, EXPORT_PARQUET, FORMATS, format_of
from placed.commands.import_.intake import BadLines, Intake
from placed.commands.import_.records import records_of
from placed.commands.import_.rows import Kind
from placed.commands.import_.spool import Spool, SpoolUnusable
from placed.commands.import_.values import shown
from placed.commands.new_log import new_log
from placed.storage.author_key import AuthorKeyError, author_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from placed.canvas.palette import Palette
    from placed.commands.import_.formats import Format
    from placed.commands.new_log import NewLog
    from placed.commands.settings.values import Settings

    Progress = Callable[[int, int, int], None]


_PARQUET_MAGIC: Final = b"PAR1"


class CannotImport(Exception):
    """Nothing was imported; the message says why, and what to do."""


@attrs.frozen
class Imported:
    """The result of an import.

    Attributes:
        definition: the canvas.
        palette: the name of its palette.
        edits: the number of edits.
        records: the number of records that hold them.
        first_ms: when the first edit was placed, ms since the epoch.
        last_ms: when the last edit was placed, ms since the epoch.
        bad: the lines that were left out.
    """

    definition: Definition
    palette: str
    edits: int
    records: int
    first_ms: int
    last_ms: int
    bad: BadLines


@attrs.frozen
class Asked:
    """The files and options of an import.

    Attributes:
        files: the files to read.
        origin: the coordinates of the canvas's top left pixel; None finds them from the files.
        skip_bad_lines: leave out lines that can't be used; otherwise one such line stops the import.
    """

    files: tuple[Path, ...]
    origin: tuple[int, int] | None = None
    skip_bad_lines: bool = False


async def import_tables(settings: Settings, asked: Asked, reading: Progress, writing: Progress) -> Imported:
    """Import tables of edits into the new log that the settings name.

    Args:
        settings: the settings of the log's server; their width, height and palette override the files'.
        asked: the files and options.
        reading: called with 0, the bytes read, and the bytes in all.
        writing: called with 0, the rows written, and the rows in all.

    Raises:
        CannotImport: a file or some of its lines can't be used, or the files hold no edits.
        NoNewLog: the log can't be made.
    """
    with _explained():
        form = _format(asked.files)
        told = _told_canvas(asked.files, form)
        colors = form.make_colors(settings.palette or (palette_of(told.rgb) if told else None))
        width, height = (told.width, told.height) if told else (None, None)
        area = Area(settings.width or width, settings.height or height, asked.origin)
    async with new_log(settings, created_ms=wall_clock_ms(), data=settings.data) as log:
        with _explained():
            key = author_key(settings.data, settings.author_key_file)
            spool = Spool(log.scratch)
            intake = Intake(form, colors, area, spool, key)
            # All rows go to the disk first: the files may be in any order, and the log begins with the oldest edit.
            with contextlib.closing(spool):
                _read_all(asked.files, form, intake, reading)
            _check(intake, asked)
            width, height = area.size()
            palette = colors.palette()
            definition = Definition(width, height, palette.rgb)
        rows = _placed(spool, area.origin, colors.indexes())
        return await _write(log, rows, spool.rows, definition, palette, intake.bad, writing)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (FileUnusable, NoteUnusable, AreaUnusable, AuthorKeyError, SpoolUnusable) as error:
        raise CannotImport(str(error)) from error


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # import reads a table twice
                raise FileUnusable(f"{path} is not an ordinary file; save its contents in one first")
            yield file
    except OSError as error:
        raise FileUnusable(f"{path}: can't be read: {error.strerror or error}") from error


def _open_at_once(path: str, flags: int) -> int:
    """Open a file; for a pipe, don't wait for a program that writes into it."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _format(files: Sequence[Path]) -> Format:
    """The format of all files.

    Raises:
        FileUnusable: a file can't be read, has no known format, or has another format than the first one.
    """
    found: dict[Path, Format] = {}
    for path in files:
        with _opened(path) as raw:
            # By its content and not its name: people rename files, and a wrong guess would call each line bad.
            is_parquet = raw.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC
            raw.seek(0)
            line = "" if is_parquet else LineFile(path, raw).first_line()
        form = EXPORT_PARQUET if is_parquet else format_of(line)
        if form is None:
            allowed = "; ".join(",".join(each.header) for each in FORMATS)
            raise FileUnusable(f"{path}, line 1: {shown(line)} is no known header; allowed are: {allowed}")
        found[path] = form
        if form is not found[files[0]]:
            raise FileUnusable(f"{path} is {form.title}, and {files[0]} is {found[files[0]].title}; import one kind")
    return found[files[0]]


def _told_canvas(files: Sequence[Path], form: Format) -> Definition | None:
    """The canvas in the notes of our own tables; None if there is no note."""
    if not form.is_export:
        return None
    read = _parquet().told_canvas if form is EXPORT_PARQUET else canvas_note.read
    found: dict[Path, Definition | None] = {path: read(path) for path in files}
    canvases = {canvas for canvas in found.values() if canvas is not None}
    if len(canvases) > 1:
        raise FileUnusable(f"{' and '.join(map(str, found))} are of different canvases; import those of one")
    return next(iter(canvases), None)


def _read_all(files: Sequence[Path], form: Format, intake: Intake, progress: Progress) -> None:
    if form is EXPORT_PARQUET:
        _read_parquet(files, intake, progress)
        return
    total_bytes = sum(path.stat().st_size for path in files)
    before_bytes = 0
    for path in files:
        with _opened(path) as raw:
            lines = LineFile(path, raw)
            lines.first_line()
            if form is not EXPORT_LINES:
                lines.skip_line()
            for block in lines.blocks():
                intake.take(block, str(path))
                # A file may have become longer meanwhile.
                progress(0, min(before_bytes + lines.read_bytes, total_bytes), total_bytes)
            before_bytes += path.stat().st_size
    progress(0, total_bytes, total_bytes)


def _read_parquet(files: Sequence[Path], intake: Intake, progress: Progress) -> None:
    sizes_bytes = [path.stat().st_size for path in files]
    for number, path in enumerate(files):
        for part in _parquet().read_parquet(path, intake):
            progress(0, sum(sizes_bytes[:number]) + round(part * sizes_bytes[number]), sum(sizes_bytes))


def _parquet() -> Any:
    try:
        return importlib.import_module("placed.commands.import_.parquet")
    except ImportError as error:
        raise FileUnusable(f"{error.name} is missing; Parquet files need: pip install 'placed[parquet]'") from error


def _check(intake: Intake, asked: Asked) -> None:
    """Refuse bad lines unless the user wants to skip them, and refuse an import without any good line."""
    bad = intake.bad
    if bad.count and not asked.skip_bad_lines:
        more = f"; and {bad.count - len(bad.told):,} more" if bad.count > len(bad.told) else ""
        raise CannotImport(
            f"{'; '.join(bad.told)}{more}. {bad.count:,} of {intake.lines:,} lines can't be used, so nothing was "
            "imported; --skip-bad-lines leaves them out"
        )
    if intake.lines == bad.count:
        raise CannotImport(f"{', '.join(map(str, asked.files))}: there is no edit")


def _placed(spool: Spool, origin: tuple[int, int], indexes: NDArray[np.uint8]) -> Iterator[NDArray[np.void]]:
    """The spool's rows with the canvas's coordinates and colours."""
    for rows in spool:
        for name, begin in zip(("x", "y", "x2", "y2"), (*origin, *origin), strict=True):
            is_place = slice(None) if name in "xy" else rows["kind"] == Kind.RECTANGLE
            rows[name][is_place] -= begin
        rows["color"] = indexes[rows["color"]]
        yield rows


async def _write(
    log: NewLog,
    rows: Iterator[NDArray[np.void]],
    count: int,
    definition: Definition,
    palette: Palette,
    bad: BadLines,
    progress: Progress,
) -> Imported:
    edits, done, first_ms, last_ms = 0, 0, 0, 0
    for part in rows:
        # The first record defines the canvas, and has the time of the first edit: the past begins there.
        if not log.filling.next:
            first_ms = int(part["time_ms"][0])
            await log.filling.extend(np.array([first_ms]), [Canvas(definition).encode()])
        for records in records_of(part, definition):
            await log.filling.extend(records.times_ms, records.values)
            edits += records.edits
        last_ms = max(last_ms, int(part["time_ms"].max()))
        done += len(part)
        progress(0, done, count)
    return Imported(definition, palette.name, edits, log.filling.next, first_ms, last_ms, bad)
