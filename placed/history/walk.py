"""Walks over a past, from change to change, a part at a time: forwards, or backwards.

A segment's part takes 3 ms for 131,072 edits, since neither offsets nor times are unpacked.

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
    """What the records with `start <= offset < end` set, in parts that follow one another.

    Args:
        past: where to look.
        start: the first version.
        end: the version after the last record.
        width: of the canvas whose pixels' numbers are wanted: that of `end`, or a later one.

    Raises:
        NotKept, NotIndexed: the past doesn't reach there, or a part has to be read again.
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
    """All that the records before `end` set, the newest part first; otherwise as `forwards`."""
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
