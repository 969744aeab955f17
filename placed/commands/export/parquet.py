"""Writes exports as Apache Parquet, with pyarrow, which the extra `placed[parquet]` brings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from placed.commands import canvas_note
from placed.commands.export.table import Table, colors_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from placed.canvas.definition import Definition
    from placed.commands.export.table import Part

SCHEMA: Final = pa.schema(
    [
        pa.field("v", pa.int64(), nullable=False),
        pa.field("time", pa.timestamp("ms", tz="UTC"), nullable=False),
        pa.field("x", pa.uint16(), nullable=False),
        pa.field("y", pa.uint16(), nullable=False),
        pa.field("color", pa.uint8(), nullable=False),
        pa.field("author", pa.uint64()),
        pa.field("rgb", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("act", pa.uint64()),
    ]
)
# Rows in one row group. 1,048,576 rows are 40 MB in memory, and more make the file no smaller.
_GROUP_ROWS: Final = 1 << 20
# Versions and times rise by little: as differences they take almost no space.
_ENCODINGS: Final = {"v": "DELTA_BINARY_PACKED", "time": "DELTA_BINARY_PACKED"}


class ParquetTable(Table):
    """A Parquet file that is being written."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(
            path,
            SCHEMA,
            compression="zstd",
            use_dictionary=["color", "rgb"],
            column_encoding=_ENCODINGS,
        )
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0

    def write(self, part: Part) -> None:
        """See `Table`."""
        self._waiting.append(_batch(part))
        self._rows += len(part.rows)
        if self._rows >= _GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            table = pa.Table.from_batches(self._waiting, SCHEMA).unify_dictionaries()
            self._writer.write_table(table, row_group_size=_GROUP_ROWS)
        self._waiting, self._rows = [], 0

    def finish(self, definition: Definition, log_id: str) -> None:
        """See `Table`."""
        self._flush()
        self._writer.add_key_value_metadata({canvas_note.METADATA_KEY: canvas_note.encode(definition, log_id)})

    def close(self) -> None:
        """See `Table`."""
        self._writer.close()


def _batch(part: Part) -> pa.RecordBatch:
    rows, count = part.rows, len(part.rows)
    color = _column(rows, "color")
    is_edit = part.act is None
    columns = [
        pa.array(rows["offset"] + 1),
        pa.array(_column(rows, "ms")).cast(SCHEMA.field("time").type),
        pa.array(_column(rows, "x")),
        pa.array(_column(rows, "y")),
        pa.array(color),
        pa.array(_column(rows, "author")) if is_edit else pa.nulls(count, pa.uint64()),
        pa.DictionaryArray.from_arrays(pa.array(color.astype(np.int32)), pa.array(colors_of(part.definition))),
        pa.nulls(count, pa.uint64()) if is_edit else pa.array(np.full(count, part.act, np.uint64)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _column(rows: NDArray[np.void], name: str) -> NDArray[np.generic]:
    return np.ascontiguousarray(rows[name])
