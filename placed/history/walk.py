"""Goes through the changes of a past, a part at a time: forwards, or backwards.

A segment with 131,072 edits takes 3 ms, because neither offsets nor times have to be unpacked.

Thread: any; blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from placed.history.changes import Changes
from placed.history.past import Past, reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placed.history.reading import ReadPast

    AnyPast = Past | ReadPast


def forwards(past: AnyPast, start: int, end: int, width: int) -> Iterator[Changes]:
    """The changes of the records with `start <= offset < end`, in parts that follow one another.

    Args:
        past: the past to look in.
        start: the first version.
        end: the version after the last record.
        width: the canvas's width to number the pixels by: that at `end`, or at a later version.

    Raises:
        NotKept, NotIndexed: the past doesn't have these versions, or the indexer has to read a part again.
    """
    if not isinstance(past, Past):
        for stretch, definition in past.stretches(start, end):
            yield Changes.of(stretch, definition).on(definition.width, width)
        return
    past.check(start)
    past.check(end)
    for at in range(max(0, past.at(start)), len(past.kept)):
        if past.kept[at].start < end and past.kept[at].end > start:
            yield _in_segment(past, at, start, end, width)
    yield from _in_tail(past, start, end, width)


def backwards(past: Past, end: int, width: int) -> Iterator[Changes]:
    """The changes of all records before `end`, the newest part first; otherwise as `forwards`."""
    past.check(end)
    yield from _in_tail(past, past.first, end, width)
    for at in range(past.at(end - 1), -1, -1):
        yield _in_segment(past, at, past.first, end, width)


def _in_segment(past: Past, at: int, start: int, end: int, width: int) -> Changes:
    with reading(past.kept[at]) as segment:
        return segment.changes(start, end).on(segment.header.definition.width, width)


def _in_tail(past: Past, start: int, end: int, width: int) -> Iterator[Changes]:
    tail = past.tail
    if tail is not None and tail.stretch.start < end and tail.stretch.end > start:
        yield Changes.of(tail.stretch.since(start).until(end), tail.definition).on(tail.definition.width, width)
