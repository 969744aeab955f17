"""Turns rows into records. All edits of one moment become one record, as on a busy server. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.backends import Log
from placed.canvas.events import EDIT, EDITS_HEADER, PIXEL, Correction, Edits
from placed.commands.import_.rows import Kind
from placed.commands.import_.shapes import pixels_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from placed.canvas.definition import Definition

MOST_EDITS: Final = (Log.max_value_bytes - len(EDITS_HEADER)) // EDIT.itemsize  # in one record


@attrs.frozen(eq=False)
class Records:
    """Consecutive records of the new log.

    Attributes:
        times_ms: int64, shape (n,).
        values: the records' bytes.
        edits: the number of edits in them.
    """

    times_ms: NDArray[np.int64]
    values: list[bytes]
    edits: int


def records_of(rows: NDArray[np.void], definition: Definition) -> Iterator[Records]:
    """The records of sorted rows with the canvas's coordinates and colours. The rows of one order must be complete."""
    special = np.flatnonzero(rows["kind"] != Kind.PIXEL).tolist()
    begin = 0
    for at in special:
        if at < begin:  # part of a correction that is written already
            continue
        yield from _of_pixels(rows[begin:at])
        if rows["kind"][at] == Kind.CORRECTION:
            begin = _end_of_correction(rows, at)
            yield _correction(rows[at:begin])
        else:
            begin = at + 1
            yield _of_edits(int(rows["time_ms"][at]), pixels_of(rows[at], definition))
    yield from _of_pixels(rows[begin:])


def _end_of_correction(rows: NDArray[np.void], begin: int) -> int:
    """The end of the correction that begins here: its rows have the same order and the same act."""
    same = [rows[name][begin:] == rows[name][begin] for name in ("kind", "order", "author")]
    is_other = ~np.logical_and.reduce(same)
    return begin + int(np.argmax(is_other)) if is_other.any() else len(rows)


def _correction(rows: NDArray[np.void]) -> Records:
    pixels = np.empty(len(rows), PIXEL)
    for name in ("x", "y", "color"):
        pixels[name] = rows[name]
    value = Correction(int(rows["author"][0]), pixels).encode()
    return Records(rows["time_ms"][:1].astype(np.int64), [value], len(rows))


def edit_records(edits: NDArray[np.void]) -> list[bytes]:
    """The fewest records that can hold these edits, dtype `EDIT`."""
    return [Edits(edits[at : at + MOST_EDITS]).encode() for at in range(0, len(edits), MOST_EDITS)]


def _of_edits(time_ms: int, edits: NDArray[np.void]) -> Records:
    """The edits of one moment; a shape outside the canvas has none."""
    values = edit_records(edits)
    return Records(np.full(len(values), time_ms, np.int64), values, len(edits))


def _of_pixels(rows: NDArray[np.void]) -> Iterator[Records]:
    if not len(rows):
        return
    edits = np.empty(len(rows), EDIT)
    for name in ("x", "y", "color", "author"):
        edits[name] = rows[name]
    is_first = np.concatenate([[True], np.diff(rows["order"]) != 0])
    begins = np.flatnonzero(is_first)
    sizes = np.diff(begins, append=len(rows))
    if int(sizes.max()) > MOST_EDITS:
        for a, size in zip(begins.tolist(), sizes.tolist(), strict=True):
            yield _of_edits(int(rows["time_ms"][a]), edits[a : a + size])
        return
    values = _encoded_each(edits) if len(begins) == len(rows) else _encoded(edits, is_first, begins, sizes)
    yield Records(rows["time_ms"][begins].astype(np.int64), values, len(rows))


def _encoded_each(edits: NDArray[np.void]) -> list[bytes]:
    """One record for each edit, for moments with one edit: most moments have one."""
    joined = np.empty((len(edits), len(EDITS_HEADER) + EDIT.itemsize), np.uint8)
    joined[:, : len(EDITS_HEADER)] = np.frombuffer(EDITS_HEADER, np.uint8)
    joined[:, len(EDITS_HEADER) :] = edits.view(np.uint8).reshape(-1, EDIT.itemsize)
    values: list[bytes] = joined.view(np.dtype((np.void, joined.shape[1]))).ravel().tolist()  # type: ignore[assignment]
    return values


def _encoded(
    edits: NDArray[np.void], is_first: NDArray[np.bool_], begins: NDArray[np.int64], sizes: NDArray[np.int64]
) -> list[bytes]:
    header = np.frombuffer(EDITS_HEADER, np.uint8)
    joined = np.empty(len(edits) * EDIT.itemsize + len(begins) * len(header), np.uint8)
    of_row = np.arange(len(edits)) * EDIT.itemsize + np.cumsum(is_first) * len(header)
    joined[of_row[:, None] + np.arange(EDIT.itemsize)] = edits.view(np.uint8).reshape(-1, EDIT.itemsize)
    starts = of_row[begins] - len(header)
    joined[starts[:, None] + np.arange(len(header))] = header
    data = joined.tobytes()
    ends = starts + len(header) + sizes * EDIT.itemsize
    return [data[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
