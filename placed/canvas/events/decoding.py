"""Decodes a batch of the log's records into runs of events, in order. Pure.

Most records are edits. A batch of only edits takes a few numpy operations, however many records it has. Any other
record costs some microseconds, and ends the run before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from placed.canvas.events.edits import EDIT, Edits
from placed.canvas.events.event import FORMAT, Run
from placed.canvas.events.skipped import Broken, Unknown
from placed.canvas.refusal import RecordRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from placed.canvas.events.event import Event

_HEAD = 2  # bytes: format and type


def decode_value(value: bytes, types: Mapping[int, type[Event]]) -> Event:
    """Decode one record. It never raises: a bad record becomes an event that changes nothing."""
    if len(value) < _HEAD:
        return Broken(value, f"{len(value)} bytes; a record has at least {_HEAD}")
    if value[0] != FORMAT:
        return Unknown(value, f"format {value[0]}")
    found = types.get(value[1])
    if found is None:
        return Unknown(value, f"type {value[1]}")
    try:
        return found.decode(value[_HEAD:])
    except RecordRefused as refusal:
        return Broken(value, str(refusal))


def decode_run(
    offsets: NDArray[np.int64],
    times_ms: NDArray[np.int64],
    values: list[bytes],
    types: Mapping[int, type[Event]],
) -> list[Run]:
    """Decode consecutive records; see `placed.canvas.events.decode`."""
    if len(values) <= 1:  # at low load each batch is one record
        return [_alone(offsets, times_ms, values, types)] if values else []
    sizes = np.fromiter(map(len, values), np.int64, len(values))
    joined = np.frombuffer(b"".join(values), np.uint8)
    starts = np.cumsum(sizes) - sizes
    is_edits = _which_are_edits(joined, starts, sizes)
    if is_edits.all():
        return [Run(_edits(joined, starts, sizes), offsets, times_ms, _counts(sizes), values)]
    runs = []
    for begin, end in _stretches(is_edits):
        part = slice(begin, end)
        if is_edits[begin]:
            bytes_ = joined[starts[begin] : starts[end - 1] + sizes[end - 1]]
            event = _edits(bytes_, starts[part] - starts[begin], sizes[part])
            runs.append(Run(event, offsets[part], times_ms[part], _counts(sizes[part]), values[part]))
        else:
            for at in range(begin, end):
                one = slice(at, at + 1)
                runs.append(_alone(offsets[one], times_ms[one], values[one], types))
    return runs


def _alone(
    offsets: NDArray[np.int64], times_ms: NDArray[np.int64], values: list[bytes], types: Mapping[int, type[Event]]
) -> Run:
    event = decode_value(values[0], types)
    return Run(event, offsets, times_ms, np.array([event.pixel_count]), values)


def _which_are_edits(
    joined: NDArray[np.uint8], starts: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.bool_]:
    are: NDArray[np.bool_] = (sizes >= _HEAD + EDIT.itemsize) & ((sizes - _HEAD) % EDIT.itemsize == 0)
    begin = starts if are.all() else starts[are]  # an empty record at the end would begin past all bytes
    are[are] = (joined[begin] == FORMAT) & (joined[begin + 1] == Edits.TYPE)
    return are


def _counts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return (sizes - _HEAD) // EDIT.itemsize


def _edits(joined: NDArray[np.uint8], starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> Edits:
    size = int(sizes[0])
    if (sizes == size).all():  # the common case, and 6 times as fast as the mask
        rows = np.ascontiguousarray(joined.reshape(-1, size)[:, _HEAD:])
        return Edits(rows.reshape(-1).view(EDIT))
    keep = np.ones(len(joined), np.bool_)
    keep[starts] = keep[starts + 1] = False
    return Edits(joined[keep].view(EDIT))


def _stretches(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """The half-open ranges in which all flags are the same, in order."""
    ends: Sequence[int] = [*(np.flatnonzero(flags[1:] != flags[:-1]) + 1).tolist(), len(flags)]
    return zip([0, *ends[:-1]], ends, strict=True)
