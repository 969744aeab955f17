"""Events: the decoded records of a log, in order, and their bytes.

    record    format u8, 1 | type u8 | payload                                 little-endian and packed

    type  event       payload
    1     Edits       n >= 1 times   x u16 | y u16 | color u8 | author u64     13 bytes each
    2     Canvas      width u16 | height u16 | n times   red u8 | green u8 | blue u8       2 to 256 colours
    3     Act         a JSON object in UTF-8, at most 64 KB: `kind`, `by`, and what the kind needs
    4     Correction  the act's id u64 | n >= 1 times   x u16 | y u16 | color u8           5 bytes each
    any   Unknown     of a format or type that this server doesn't know: a newer server may have written it
    any   Broken      its bytes don't fit its type

The first record of a log is its canvas: the size and palette that all later records depend on. So every server, and
every restart, knows them from the log alone.

`decode` takes a batch as the log gives it, and makes runs of it. All edits between two other records are one run, and
one numpy array; any other record is a run of its own:

    offsets    7      8            9      12           13       14     15
    records    edits  edits        act    correction   edits    ???    edits
               └───────────┐
    runs      [Run(Edits, 2 records), Run(Act), Run(Correction), Run(Edits), Run(Unknown), Run(Edits)]
                    │
                    ├─ offsets  [7, 8]          where they are; the act's id is 9, and the correction's `act` is 9
                    ├─ times_ms [1000, 1004]    the log's own time of each record
                    ├─ counts   [2, 1]          how many edits each holds
                    ├─ event.edits              x, y, color and author of these 3 edits, in order
                    └─ values                   the records' bytes

To see each edit with its record: `np.repeat(run.offsets, run.counts)` has the offset of each, and likewise its time.
The event of a single record encodes to that record again, byte for byte; only an act's JSON may have been written in
another way.

Decoding knows no canvas: the fold decides whether an edit lies inside it, and whether a canvas may become another.
Decoding is the same on every server, and raises nothing. A new type is a file here, and a line in `TYPES`. Pure.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from placed.canvas.events.act import MAX_ACT_BYTES, Act
from placed.canvas.events.canvas import Canvas
from placed.canvas.events.correction import PIXEL, Correction
from placed.canvas.events.decoding import decode_run, decode_value
from placed.canvas.events.edits import EDIT, EDIT_STRUCT, EDITS_HEADER, Edits
from placed.canvas.events.event import FORMAT, Event, Run
from placed.canvas.events.skipped import Broken, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "EDIT",
    "EDITS_HEADER",
    "EDIT_STRUCT",
    "FORMAT",
    "MAX_ACT_BYTES",
    "PIXEL",
    "TYPES",
    "Act",
    "Broken",
    "Canvas",
    "Correction",
    "Edits",
    "Event",
    "Run",
    "Unknown",
    "decode",
    "decode_one",
]

TYPES: Final[Mapping[int, type[Event]]] = MappingProxyType(
    {event.TYPE: event for event in (Edits, Canvas, Act, Correction)}
)


def decode(
    offsets: NDArray[np.int64],
    times_ms: NDArray[np.int64],
    values: list[bytes],
    *,
    types: Mapping[int, type[Event]] = TYPES,
) -> list[Run]:
    """Decode consecutive records into runs, in order; together the runs have all records.

    Args:
        offsets: int64, shape (records,), ascending.
        times_ms: int64, shape (records,), the log's own time of each record.
        values: the records' bytes.
        types: the record types that this server knows.
    """
    return decode_run(offsets, times_ms, values, types)


def decode_one(value: bytes, *, types: Mapping[int, type[Event]] = TYPES) -> Event:
    """Decode a single record."""
    return decode_value(value, types)
