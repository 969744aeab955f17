"""Keeps the overviews of a history beside its segments, and makes missing ones.

    history/00000000000000000000-00000000000004194304.overview    of the 32 segments between these offsets

    segments   | 32 of one canvas | 32 of one canvas | 5 | 32 of the canvas after it grew | 17
    overviews  |        one       |       one        | - |              one               | -

Without an overview, the segments themselves are read: there are at most 31 of them in a row, as long as the canvas
doesn't grow. May not import Trio.

Thread: everything here blocks.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.history.folder import FileReader, check_room, path_of, write_file
from placed.history.overview import (
    SEGMENTS,
    Overview,
    OverviewDamaged,
    OverviewHeader,
    Part,
    decode_overview_header,
    encode_overview,
    part_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from placed.canvas.definition import Definition
    from placed.history.folder import SegmentFile

FEW_SEGMENTS: Final = 8  # of a small overview, which one of `SEGMENTS` replaces later
_NAME: Final = re.compile(r"[0-9]{20}-[0-9]{20}\.overview")


@attrs.define(eq=False)
class OverviewFile:
    """One overview in the folder.

    Attributes:
        path: the overview's file.
        header: the overview's header.
        is_damaged: whether a reader has found damage in it.
        is_verified: whether this process has checked the whole overview.
    """

    path: Path
    header: OverviewHeader
    is_damaged: bool = False
    is_verified: bool = False

    @contextlib.contextmanager
    def open(self) -> Iterator[Overview]:
        """The open overview, while the block runs.

        Raises:
            OverviewDamaged: the overview is damaged or missing; `is_damaged` is True from then on.
        """
        try:
            with FileReader(self.path) as read:
                overview = Overview(self.header, read)
                if not self.is_verified:
                    overview.verify()
                    self.is_verified = True
                yield overview
        except (OverviewDamaged, OSError) as error:
            self.is_damaged = True
            raise OverviewDamaged(f"{self.path} can't be used: {error}") from error


def list_overviews(folder: Path) -> list[OverviewFile]:
    """The overviews in the folder, in order. Damaged files are deleted: the indexer makes them again.

    Raises:
        OSError: the folder can't be read.
    """
    if not folder.exists():
        return []
    found = []
    for path in sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name)):
        try:
            with FileReader(path) as read:
                found.append(OverviewFile(path, decode_overview_header(read)))
        except (OSError, OverviewDamaged):
            path.unlink(missing_ok=True)
    return found


def fitting(overviews: Sequence[OverviewFile], chain: Sequence[SegmentFile]) -> list[OverviewFile]:
    """The sound overviews of the chain's segments as they are now, in order. No segment is in two of them: the overview
    with more segments counts."""
    places = {each.start: index for index, each in enumerate(chain)}
    taken = np.zeros(len(chain), np.bool_)
    found: list[OverviewFile] = []
    for overview in sorted(overviews, key=lambda each: -len(each.header.parts)):
        at = places.get(overview.header.start)
        if overview.is_damaged or at is None:
            continue
        of = slice(at, at + len(overview.header.parts))
        is_whole = len(chain[of]) == len(overview.header.parts) and all(map(_is, chain[of], overview.header.parts))
        if is_whole and not taken[of].any():
            taken[of] = True
            found.append(overview)
    return sorted(found, key=lambda each: each.header.start)


def _is(each: SegmentFile, part: Part) -> bool:
    """Whether an overview was made from this segment. A damaged segment counts, because it becomes the same again."""
    if each.header is None:
        return (each.start, each.end) == (part.start, part.end)
    return part_of(each.header) == part


def next_group(
    chain: Sequence[SegmentFile], overviews: Sequence[OverviewFile], now: Definition, *, few: bool = True
) -> list[SegmentFile] | None:
    """The first segments without an overview, or with one from before the canvas grew; None if there are none.

    Args:
        chain: the segments.
        overviews: the existing overviews.
        now: the canvas's size and palette now.
        few: whether `FEW_SEGMENTS` segments are enough, if there aren't more yet.
    """
    return _next_group(chain, overviews, now, SEGMENTS) or (
        _next_group(chain, overviews, now, FEW_SEGMENTS) if few else None
    )


def _next_group(
    chain: Sequence[SegmentFile], overviews: Sequence[OverviewFile], now: Definition, count: int
) -> list[SegmentFile] | None:
    """The first `count` segments without an overview of at least `count` segments."""
    size = (now.width, now.height)
    known = {each.header.start: each.header for each in overviews if each.header.now == size}
    known = {start: header for start, header in known.items() if len(header.parts) >= count}
    group: list[SegmentFile] = []
    at = 0
    while at < len(chain):
        each = chain[at]
        overview = known.get(each.start)
        if overview is not None:
            at += len(overview.parts)
            group.clear()
            continue
        at += 1
        if each.header is None or not each.is_verified:
            group.clear()
            continue
        if group and group[0].header is not None and group[0].header.definition != each.header.definition:
            group.clear()
        group.append(each)
        if len(group) == count:
            return group
    return None


def make_overview(folder: Path, group: Sequence[SegmentFile], now: Definition) -> OverviewFile:
    """Make the overview of segments, and write it. It replaces a file of that name.

    Raises:
        SegmentDamaged: a segment is damaged.
        OSError: no room, no permission, a disk error.
    """
    check_room(folder, 0)  # before the work
    with contextlib.ExitStack() as stack:
        data = encode_overview([stack.enter_context(each.open()) for each in group], now)
    path = path_of(folder, group[0].start, group[-1].end).with_suffix(".overview")
    check_room(folder, len(data))
    write_file(folder, [data], path)
    with FileReader(path) as read:
        return OverviewFile(path, decode_overview_header(read), is_verified=True)


def remove_overviews(overviews: Sequence[OverviewFile]) -> None:
    """Delete overviews of segments that aren't there any more.

    Raises:
        OSError: they can't be deleted.
    """
    for each in overviews:
        each.path.unlink(missing_ok=True)
