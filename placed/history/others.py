"""Finds the records of a past that are neither edits nor corrections, such as acts, without reading the others.

Thread: any; blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from placed.history.past import reading
from placed.history.segment import has_others

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placed.history.past import Past
    from placed.history.stretch import Other


def others_since(past: Past, version: int) -> Iterator[Other]:
    """The other records with `version <= offset`, in order. Segments without any aren't opened: their headers tell.

    Raises:
        NotKept, NotIndexed: the past doesn't have that version, or the indexer has to read a part again.
    """
    past.check(version)
    for at in range(max(0, past.at(version)), len(past.kept)):
        if past.kept[at].end > version and has_others(past.header(at)):
            with reading(past.kept[at]) as segment:
                others = segment.others()[0]
            yield from (other for other in others if other.offset >= version)
    if past.tail is not None:
        yield from (other for other in past.tail.stretch.others if other.offset >= version)
