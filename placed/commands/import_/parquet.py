"""Reads our exports in Apache Parquet, with pyarrow, which the extra `placed[parquet]` brings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from placed.commands import canvas_note
from placed.commands.import_.blocks import FileUnusable
from placed.commands.import_.formats import EXPORT_COLUMNS
from placed.commands.import_.rows import FARTHEST, ROW, Kind
from placed.commands.import_.values import BadValue, color_rgb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from placed.canvas.definition import Definition
    from placed.commands.import_.intake import Intake

_AT_ONCE: Final = 1 << 17  # rows: 5 MB
_TYPES: Final = {
    "v": pa.int64(),
    "time": pa.timestamp("ms", tz="UTC"),
    "x": pa.int64(),
    "y": pa.int64(),
    "color": pa.int64(),
    "author": pa.uint64(),
    "rgb": pa.string(),
    "act": pa.uint64(),
}


def told_canvas(path: Path) -> Definition | None:
    """The canvas in the file's metadata; None if there is none.

    Raises:
        FileUnusable: the file can't be read, or isn't an export of ours.
        NoteUnusable: the metadata have no usable note.
    """
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise FileUnusable(f"{path}: can't be read: {error}") from error
    if missing := [name for name in EXPORT_COLUMNS if name not in schema.names]:
        raise FileUnusable(f"{path} has no column {', '.join(missing)}; allowed is an export of placed")
    note = (schema.metadata or {}).get(canvas_note.METADATA_KEY)
    return None if note is None else canvas_note.decode(note)


def read_parquet(path: Path, intake: Intake) -> Iterator[float]:
    """Give a file's rows to the intake part by part, and yield after each part how much is done, 0 to 1.

    Raises:
        FileUnusable: the file can't be read, or its columns have other types.
    """
    first_row = 1
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_AT_ONCE, columns=list(EXPORT_COLUMNS)):
                _take(batch, first_row, str(path), intake)
                first_row += len(batch)
                yield (first_row - 1) / file.metadata.num_rows
    except (OSError, pa.ArrowException, BadValue) as error:
        raise FileUnusable(f"{path}, rows from {first_row} on: {error}") from error


def _take(batch: pa.RecordBatch, first_row: int, file: str, intake: Intake) -> None:
    columns = {name: batch.column(name).cast(kind) for name, kind in _TYPES.items()}
    for name in ("v", "time", "x", "y", "color", "rgb"):
        if columns[name].null_count:
            raise BadValue(f"{name} is missing; allowed is a value in each row")
    is_act = pc.is_valid(columns["act"]).to_numpy(zero_copy_only=False)
    rows = np.zeros(len(batch), ROW)
    rows["order"] = columns["v"].to_numpy()
    rows["time_ms"] = columns["time"].cast(pa.int64()).to_numpy()
    rows["kind"] = np.where(is_act, Kind.CORRECTION, Kind.PIXEL)
    author = pc.fill_null(columns["author"], 0).to_numpy(zero_copy_only=False)
    rows["author"] = np.where(is_act, pc.fill_null(columns["act"], 0).to_numpy(zero_copy_only=False), author)
    x, y, color = (columns[name].to_numpy() for name in ("x", "y", "color"))
    for name, places in (("x", x), ("y", y)):
        rows[name] = np.clip(places, -FARTHEST, FARTHEST)
    rgb = _rgb(columns["rgb"])
    intake.take_rows(
        rows, x, y, np.where((color >= 0) & (color < 256), color | rgb << 8, -1), f"{file}, row", first_row
    )


def _rgb(column: pa.Array) -> NDArray[np.int64]:
    encoded = column.dictionary_encode()
    numbers = np.array([color_rgb(text) for text in encoded.dictionary.to_pylist()], np.int64)
    colors: NDArray[np.int64] = numbers[encoded.indices.to_numpy()]
    return colors
