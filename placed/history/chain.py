"""Finds the segments of a folder that form a history without a gap.

    in the folder     [0, 90)  [90, 200) damaged    [300, 400)   [350, 500)   [500, 600) of another log
    the chain         [0, 90)  [90, 200) damaged  [200, 300) missing  [300, 400)

A damaged or missing segment is part of the chain, without a header; the indexer has to read its records from the log
again. May not import Trio.

Thread: blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from placed.history.folder import SegmentFile, list_folder, path_of
from placed.history.layout import SegmentDamaged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from placed.backends import CopiedFrom
    from placed.history.ground import Ground
    from placed.history.layout import Header


@attrs.frozen
class Wanted:
    """The history to look for.

    Attributes:
        log_id: the log's id.
        copied_from: the log that this one was restored from; its segments count up to the version of the copy.
        end: the log's next offset.
    """

    log_id: str
    copied_from: CopiedFrom | None
    end: int

    def has(self, header: Header) -> bool:
        """Whether a segment is of this log, and ends within it."""
        if header.log_id == self.log_id:
            return header.end <= self.end
        origin = self.copied_from
        return origin is not None and header.log_id == origin.log_id and header.end <= min(origin.version, self.end)


@attrs.frozen
class Found:
    """The segments in a folder.

    Attributes:
        chain: segments that follow one another: each begins where the one before ends.
        strange: segments of another log, or from beyond this log's end.
        needless: segments with records that other segments have as well.
    """

    chain: list[SegmentFile]
    strange: list[SegmentFile]
    needless: list[SegmentFile]


def find_chain(folder: Path, wanted: Wanted) -> Found:
    """The history in `folder`.

    Raises:
        OSError: the folder can't be read.
    """
    found = Found([], [], [])
    for each in list_folder(folder):
        if each.header is not None and not wanted.has(each.header):
            found.strange.append(each)
        elif found.chain and each.start < found.chain[-1].end:
            found.needless.append(each)
        else:
            if found.chain and found.chain[-1].end < each.start:
                start, end = found.chain[-1].end, each.start
                found.chain.append(SegmentFile(path_of(folder, start, end), start, end, None))
            found.chain.append(each)
    return found


def last_ground(chain: Sequence[SegmentFile]) -> tuple[int, Ground | None]:
    """How many of the chain's segments count, and the canvas at their end. Segments after the last sound one don't."""
    for count in range(len(chain), 0, -1):
        try:
            with chain[count - 1].open() as segment:
                return count, segment.end_ground()
        except SegmentDamaged:
            continue
    return 0, None
