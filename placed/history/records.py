"""Makes a stretch's records again, byte for byte. Pure."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import numpy as np

from placed.canvas.events import EDIT, FORMAT, PIXEL, Correction, Edits
from placed.history.stretch import NO_ACT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from placed.history.stretch import Stretch

# The same bytes as from `Edits.encode` and `Correction.encode`; these take ten times as long for records of one edit.
_EDITS: Final = bytes([FORMAT, Edits.TYPE])
_CORRECTION: Final = bytes([FORMAT, Correction.TYPE])
_ACT: Final = struct.Struct("<Q")


def records_of(stretch: Stretch) -> Iterator[tuple[int, int, bytes]]:
    """The offset, the time in ms and the bytes of each record, in order."""
    others = iter([*stretch.others, None])
    other = next(others)
    for offset, ms, value in _records_with_rows(stretch.rows):
        while other is not None and other.offset < offset:
            yield other.offset, other.ms, other.value
            other = next(others)
        yield offset, ms, value
    while other is not None:
        yield other.offset, other.ms, other.value
        other = next(others)


def _records_with_rows(rows: NDArray[np.void]) -> Iterator[tuple[int, int, bytes]]:
    edits, pixels = _as(rows, EDIT).tobytes(), _as(rows, PIXEL).tobytes()
    begins = np.flatnonzero(np.diff(rows["offset"], prepend=np.int64(-1)))
    ends = np.append(begins[1:], len(rows))[: len(begins)]
    columns = (rows[name][begins].tolist() for name in ("offset", "ms", "act"))
    for begin, end, offset, ms, act in zip(begins.tolist(), ends.tolist(), *columns, strict=True):
        if act == NO_ACT:
            yield offset, ms, _EDITS + edits[begin * EDIT.itemsize : end * EDIT.itemsize]
        else:
            yield offset, ms, _CORRECTION + _ACT.pack(act) + pixels[begin * PIXEL.itemsize : end * PIXEL.itemsize]


def _as(rows: NDArray[np.void], dtype: np.dtype[np.void]) -> NDArray[np.void]:
    found = np.empty(len(rows), dtype)
    for name in dtype.names or ():
        found[name] = rows[name]
    return found
