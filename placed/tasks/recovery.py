"""Makes a projection that stands at the log's end, from an open log and a stored snapshot.

The log's first record says what the canvas is or, where retention has removed that record, the snapshot does. A
snapshot is used only when it belongs to this log and this canvas and lies within the log. Otherwise the log is replayed
from its start; when the log no longer reaches back to that, the start is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from placed.backends import CannotStart, OffsetOutOfRange
from placed.canvas.clock import steady_clock_ms
from placed.canvas.cooldown import Cooldowns
from placed.canvas.definition import Definition
from placed.canvas.events import Canvas, decode_one
from placed.canvas.projection import Projection
from placed.canvas.refusal import RecordUnknown
from placed.canvas.snapshot import SnapshotDamaged
from placed.canvas.vocabulary import VOCABULARY
from placed.tasks.reader import replay
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from placed.backends import CopiedFrom, Log
    from placed.canvas.cooldown import Rule, Rules
    from placed.canvas.refusal import RecordRefused
    from placed.canvas.snapshot import Snapshot
    from placed.canvas.vocabulary import Vocabulary
    from placed.storage.snapshot_store import SnapshotStore

# Read again at a start, so that clients that were behind go on: 3 s of them at 333 edits a second, one in a record. At
# 1,000 in a record they are 13 MB, read in 0.06 s; 4,096 records would make a start a quarter longer.
FEED_RECORDS = 1_024
# A broker removes records a segment at a time, every few minutes: twice within one replay is rare, three times is a log
# that keeps less than it takes to read.
_TRIES = 3
_MOST_TOLD = 20  # a guess: more kinds of records than that nobody reads in the logs


@attrs.frozen
class Wanted:
    """The canvas that the operator asked for; None leaves a part to the canvas that is there.

    Attributes:
        width: in pixels.
        height: in pixels.
        rgb: the palette's colours.
        written: how the operator wrote `width`, `height` and `palette`, for messages; by default as flags.
    """

    width: int | None
    height: int | None
    rgb: bytes | None
    written: Mapping[str, str] = attrs.field(factory=dict)

    def definition(self, default: Definition) -> Definition:
        """The canvas to create, where `default` fills in the open parts."""
        return Definition(self.width or default.width, self.height or default.height, self.rgb or default.rgb)

    def check(self, created: Definition, now: Definition, where: str) -> None:
        """Raise `CannotStart` when the canvas was never what is asked for: it was `created` as one, and is another
        `now` if it has grown. Settings may go on saying what it was created as."""
        others = []
        if self.width not in (None, created.width, now.width):
            others.append(self.written.get("width", f"--width {self.width}"))
        if self.height not in (None, created.height, now.height):
            others.append(self.written.get("height", f"--height {self.height}"))
        if self.rgb not in (None, created.rgb, now.rgb):
            others.append(self.written.get("palette", "--palette"))
        if others:
            grown = "" if now == created else f", has grown to {now.size},"
            raise CannotStart(
                f"the canvas in {where} was created with {created.width} x {created.height} pixels and a palette of "
                f"{created.colors} colours{grown} and keeps them; start without {' and '.join(others)}, or with "
                "another --data"
            )

    def check_before_reading(self, created: Definition, where: str) -> None:
        """The same for what can be known before the log is read: a canvas can only have grown."""
        as_grown = Definition(
            max(self.width or 1, created.width),
            max(self.height or 1, created.height),
            self.rgb if self.rgb is not None and self.rgb.startswith(created.rgb) else created.rgb,
        )
        self.check(created, as_grown, where)


async def recover(
    log: Log,
    store: SnapshotStore,
    wanted: Wanted,
    *,
    default: Definition,
    rule: Rule,
    where: str,
    progress: Callable[[int, int, int], None],
    restore: Callable[[Projection, int], Awaitable[None]] | None = None,
    rules: Rules | None = None,
) -> tuple[Projection, int]:
    """Bring a projection to the log's end as it is now.

    Retention may remove records meanwhile, what is just read or the snapshot's version among them: then it begins anew,
    with the log as it is by then.

    Args:
        log: open.
        store: where the last snapshot is.
        wanted: the canvas that the operator asked for.
        default: the canvas to create if the operator asked for none.
        rule: of the cooldowns.
        where: the log's name, for messages.
        progress: called with begin, the offset reached, and end.
        restore: without a snapshot, brings a blank projection as near to the log's end, its second argument, as it can
            by other means than the log.
        rules: of those authors who have other cooldowns.

    Returns:
        The projection, and the version of the snapshot it began with; 0 without one.

    Raises:
        CannotStart: another canvas than asked for, or the log has lost its beginning.
        LogError: the log can't be read; OffsetOutOfRange when it loses records faster than they are read.
    """
    for _ in range(_TRIES - 1):
        try:
            return await _recover(log, store, wanted, default, (rule, rules), where, progress, restore)
        except OffsetOutOfRange as error:
            get_logger(__name__).warning("the log lost unread records; reading it again", reason=str(error))
    return await _recover(log, store, wanted, default, (rule, rules), where, progress, restore)


async def _recover(
    log: Log,
    store: SnapshotStore,
    wanted: Wanted,
    default: Definition,
    rules: tuple[Rule, Rules | None],
    where: str,
    progress: Callable[[int, int, int], None],
    restore: Callable[[Projection, int], Awaitable[None]] | None,
) -> tuple[Projection, int]:
    first, end = await log.bounds()
    created = await _first_definition(log, first, end)
    snapshot = await _usable_snapshot(log, store, created, first, end)
    if created is None:
        created = snapshot.kept.created if snapshot else wanted.definition(default)
    wanted.check_before_reading(created, where)
    if snapshot is None and first > 0:
        raise CannotStart(
            f"the log {where} begins at offset {first}: its beginning is gone, and there is no usable snapshot. "
            f"Restore a data folder whose snapshot is at version {first} or later, or start a new log"
        )
    if end == 0:
        await log.append(Canvas(created).encode())
        first, end = await log.bounds()
        # Another server may have been quicker on the same empty log.
        created = await _first_definition(log, first, end) or created
        wanted.check(created, created, where)
    projection = _begin(created, snapshot, first, Cooldowns(*rules))
    if snapshot is None and restore is not None:
        await restore(projection, end)
    begin = projection.version
    await replay(log, projection, end=end, feed_records=FEED_RECORDS, progress=lambda at: progress(begin, at, end))
    wanted.check(created, projection.definition, where)
    return projection, snapshot.version if snapshot else 0


def _begin(created: Definition, snapshot: Snapshot | None, first: int, cooldowns: Cooldowns) -> Projection:
    tell = TellSkipped()
    if snapshot is None:
        return Projection(created, first, cooldowns, on_refused=tell)
    cooldowns.load(snapshot.cooldowns, steady_clock_ms(), charge_ms=snapshot.charge_ms)
    return Projection(
        snapshot.definition, snapshot.version, cooldowns, canvas=snapshot.canvas, kept=snapshot.kept, on_refused=tell
    )


class TellSkipped:
    """Says in the logs what records were skipped: the first one of each reason, and of each thing that isn't known.

    A foreign writer must not flood the logs: at most `_MOST_TOLD` of them. /metrics counts all.
    """

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, offset: int, refusal: RecordRefused) -> None:
        """The record at `offset` is skipped."""
        what = refusal.what if isinstance(refusal, RecordUnknown) else refusal.reason.value
        if what not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(what)
            logger = get_logger(__name__)
            logger.warning("a record was not understood and is skipped", offset=offset, reason=str(refusal))


async def _first_definition(log: Log, first: int, end: int) -> Definition | None:
    if first > 0 or end == 0:
        return None
    value = await _first_value(log, first, end)
    event = decode_one(value)
    if isinstance(event, Canvas):
        return event.definition
    reason = f"its first record begins with {value[:8].hex() or 'nothing'}"
    get_logger(__name__).warning(
        "the log doesn't begin with its canvas; the settings' size and palette are used", reason=reason
    )
    return None


async def _first_value(log: Log, first: int, end: int) -> bytes:
    """The first record's bytes; none where the log holds nothing but a gap."""
    async with log.read(first) as batches:
        async for batch in batches:
            if batch.values or batch.next_offset >= end:
                return next(iter(batch.values), b"")
    raise AssertionError("a log's channel ends only by an error")


async def _usable_snapshot(
    log: Log, store: SnapshotStore, created: Definition | None, first: int, end: int
) -> Snapshot | None:
    logger = get_logger(__name__)
    reason = store.damage
    snapshot = None
    try:
        snapshot = await store.load()
    except SnapshotDamaged as damage:
        reason = str(damage)
    if snapshot is not None:
        reason = why_unusable(snapshot, log.id, log.copied_from, created, first, end)
    if reason is None:
        return snapshot
    logger.warning("the snapshot can't be used; the canvas is rebuilt from the log", reason=reason)
    return None


def why_unusable(
    snapshot: Snapshot,
    log_id: str,
    copied_from: CopiedFrom | None,
    created: Definition | None,
    first: int,
    end: int,
    vocabulary: Vocabulary = VOCABULARY,
) -> str | None:
    """Why a start can't begin with this snapshot of a log that holds `first` up to `end`; None when it can."""
    is_of_original = (
        copied_from is not None and snapshot.log_id == copied_from.log_id and snapshot.version <= copied_from.version
    )
    if snapshot.log_id != log_id and not is_of_original:
        return f"it is of another log, {snapshot.log_id}, not of {log_id}"
    if snapshot.version > end:
        return f"it is at version {snapshot.version}, and the log ends at {end}"
    if snapshot.version < first:
        return f"it is at version {snapshot.version}, and the log begins at {first}"
    if not snapshot.kept.is_of(snapshot.definition) or created not in (None, snapshot.kept.created):
        return "it is of another size or palette than the log's canvas"
    news = sorted(what for what in snapshot.kept.unknown if vocabulary.knows(what))
    if news:
        return f"it is of a server that didn't know {news[0]}, and left out what that says"
    return None
