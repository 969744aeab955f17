"""Restores the canvas from the history, so that a start without a snapshot need not read the whole log.

The canvas comes from the last segment. The projection also gets, in their order, all records that aren't edits, and the
edits of about the last half hour, which the cooldowns need. Then it is the same as if it had read the log up to the
segment's end. May import Trio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np
import trio

from placed.canvas.batch import Batch
from placed.canvas.clock import steady_clock_ms
from placed.canvas.cooldown import Cooldowns
from placed.canvas.events import Edits, decode
from placed.canvas.projection import Projection
from placed.history.chain import Wanted, find_chain
from placed.history.layout import SegmentDamaged
from placed.history.stretch import NO_ACT, Other
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from placed.backends import Log
    from placed.history.folder import SegmentFile
    from placed.history.ground import Ground


async def restore(folder: Path, log: Log, projection: Projection, end: int) -> None:
    """Bring a projection from offset 0 to the end of the history, as far as the history has no gap from there on.

    If there is no such history, nothing happens.

    Args:
        folder: the history's folder.
        log: the projection's log.
        projection: a blank projection.
        end: the log's next offset.
    """
    wanted = Wanted(log.id, log.copied_from, end)
    since_ms = steady_clock_ms() - projection.cooldowns.look_back_ms
    try:
        found = await trio.to_thread.run_sync(_find, folder, wanted, since_ms)
    except (SegmentDamaged, OSError) as error:
        get_logger(__name__).warning("the history can't be used; the canvas is rebuilt from the log", reason=str(error))
        return
    if found is None or not _fits(found, projection):
        return
    now_ms = steady_clock_ms()
    _apply_others(found, projection)
    for authors, times_ms in found.recent:
        projection.cooldowns.count(authors, times_ms, now_ms)
        await trio.lowlevel.checkpoint()
    projection.canvas[:] = found.ground.canvas
    projection.version = found.ground.version
    projection.feed.restart(found.ground.version)


@attrs.frozen(eq=False)
class _Found:
    """The parts of a history that a projection needs.

    Attributes:
        ground: the canvas at the end of the last sound segment.
        before: the records before the first edit.
        first_edit: that edit's record, or a part of it; empty if there are no edits.
        after: all later records that aren't edits.
        recent: authors and times of edits; all edits that may matter to the cooldowns are among them.
    """

    ground: Ground
    before: Batch
    first_edit: Batch
    after: Batch
    recent: list[tuple[NDArray[np.uint64], NDArray[np.int64]]]


def _fits(found: _Found, projection: Projection) -> bool:
    """Whether the log's other records make a canvas of the history's size; a second projection tries that."""
    trial = Projection(projection.definition, projection.version, Cooldowns(projection.cooldowns.rule))
    _apply_others(found, trial)
    return trial.definition == found.ground.definition


def _apply_others(found: _Found, projection: Projection) -> None:
    """Give the projection all records that aren't edits, and tell it where the first edit comes."""
    now_ms = steady_clock_ms()
    if found.before.values:
        projection.apply(found.before, now_ms, feed=False)
    for run in decode(found.first_edit.offsets, found.first_edit.times_ms, found.first_edit.values):
        projection.state.begin(run)
    if found.after.values:
        projection.apply(found.after, now_ms, feed=False)


# The functions below run in a worker thread.


def _find(folder: Path, wanted: Wanted, since_ms: int) -> _Found | None:
    chain = _whole(folder, wanted)
    found = _last(chain)
    if found is None:
        return None
    count, ground, others = found
    begin = count - 1
    while begin and (header := chain[begin].header) and header.first_ms > since_ms:
        begin -= 1
    first = _first_edit(chain[:count])
    offset = first[0].offset if first else ground.version
    before, after = ([o for o in others if (o.offset < offset) == is_before] for is_before in (True, False))
    # One segment more, so that there is an older edit, if there are any: the cooldowns need to know that.
    recent = list(_edits(chain[max(0, begin - 1) : count]))
    return _Found(ground, _batch(before), _batch(first), _batch(after), recent)


def _whole(folder: Path, wanted: Wanted) -> list[SegmentFile]:
    """The segments from offset 0 up to the first one that is damaged or missing."""
    chain = find_chain(folder, wanted).chain
    if not chain or chain[0].start:
        return []
    sound = next((index for index, each in enumerate(chain) if each.header is None), len(chain))
    return chain[:sound]


def _last(chain: list[SegmentFile]) -> tuple[int, Ground, list[Other]] | None:
    """How many segments are sound, the canvas at the end of the last of them, and all their other records."""
    others: list[list[Other]] = []
    for each in chain:
        try:
            with each.open(verify=False) as segment:
                others.append(list(segment.others()[0]))
        except SegmentDamaged:
            break
    for count in range(len(others), 0, -1):
        try:
            with chain[count - 1].open() as segment:
                return count, segment.end_ground(), [other for part in others[:count] for other in part]
        except SegmentDamaged:
            continue
    return None


def _first_edit(chain: list[SegmentFile]) -> list[Other]:
    """A record with one edit of the log's first record that has edits; an empty list if there are none."""
    for each in chain:
        if each.header is not None and each.header.edits:
            with each.open() as segment:
                offset, ms, x, y, color, author, _ = segment.stretch().rows[0].item()
            return [Other(0, offset, ms, Edits.one(x, y, color, author).encode())]
    return []


def _batch(others: list[Other]) -> Batch:
    return Batch(
        np.array([other.offset for other in others], np.int64),
        np.array([other.ms for other in others], np.int64),
        [other.value for other in others],
    )


def _edits(chain: list[SegmentFile]) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int64]]]:
    for each in chain:
        with each.open() as segment:
            rows = segment.stretch().rows
        rows = rows[rows["act"] == NO_ACT]
        yield np.ascontiguousarray(rows["author"]), np.ascontiguousarray(rows["ms"])
