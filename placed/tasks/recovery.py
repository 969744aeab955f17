"""Makes a projection at the log's end, from an open log and a stored snapshot.

The log's first record gives the canvas's size and palette; if retention has removed that record, the snapshot does. A
snapshot is used only if it belongs to this log and this canvas and lies within the log. Otherwise the log is replayed
from its beginning; if that has been removed, too, the server doesn't start.
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

# The records that a start reads again for the feed, so that clients that were behind can go on: 3 s at 333 records a
# second with one edit each. With 1,000 edits each they are 13 MB, read in 0.06 s; 4,096 records would make a start a
# quarter longer.
FEED_RECORDS = 1_024
# A broker removes records a segment at a time, every few minutes. That two attempts are hit is rare; if three are, the
# log loses records faster than a server can read them.
_TRIES = 3
_MOST_TOLD = 20  # a guess: nobody reads log lines about more kinds of records than that


@attrs.frozen
class Wanted:
    """The canvas that the operator asked for; a part that is None is left to the canvas that exists.

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
        """The canvas to create; `default` fills in the parts that are None."""
        return Definition(self.width or default.width, self.height or default.height, self.rgb or default.rgb)

    def check(self, created: Definition, now: Definition, where: str) -> None:
        """Raise `CannotStart` if the wanted canvas differs from the real one, both as it was `created` and as it is
        `now`. After the canvas has grown, the operator may go on asking for the one that was created."""
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
        """The same check before the log is read: a larger canvas passes, because the canvas may have grown to it."""
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
    """Make a projection at the log's end as it is now.

    Retention may remove records meanwhile, perhaps the ones that this still has to read. Then it begins anew, with the
    log as it is by then.

    Args:
        log: an open log.
        store: the store with the last snapshot.
        wanted: the canvas that the operator asked for.
        default: the canvas to create if the operator asked for none.
        rule: the cooldown of most authors.
        where: the log's name, for messages.
        progress: called with begin, the offset reached, and end.
        restore: called without a snapshot, with a blank projection and the log's end: brings the projection as near to
            that end as it can, from other files than the log's.
        rules: the cooldowns of the other authors; None if there are none.

    Returns:
        The projection, and the version of the snapshot that it began with; 0 without one.

    Raises:
        CannotStart: the canvas isn't the wanted one, or the log has lost its beginning.
        LogError: the log can't be read; OffsetOutOfRange if it loses records faster than they are read.
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
        # Another server may have appended its canvas to the same empty log first, and then that one counts.
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
    """Logs skipped records: the first one for each reason, and for each type or kind that this server doesn't know.

    At most `_MOST_TOLD` lines, because a foreign writer must not flood the server's log. /metrics counts all of them.
    """

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, offset: int, refusal: RecordRefused) -> None:
        """Log that the record at `offset` is skipped."""
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
    """The first record's bytes; empty if the log holds nothing but a gap."""
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
    """Why a start can't begin with this snapshot, where the log has the offsets `first` up to `end`; None if it can."""
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
        return f"it was made by a server that didn't know {news[0]}, and so left it out"
    return None
