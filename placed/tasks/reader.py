"""Follows the log and applies it to the projection, whose only writer it is.

When the log can't be reached or unpacked, or no longer lets us in, the reader tries again for ever, at most every
`MAX_RETRY_SECONDS`. Meanwhile the server goes on serving what it has. The reader says once that this begins, and once
that it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from placed.backends import LogRefused, LogUnavailable, LogUndecodable, OffsetOutOfRange
from placed.canvas.clock import steady_clock_ms
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from placed.backends import Log
    from placed.canvas.projection import Projection

MAX_RETRY_SECONDS = 0.5  # a log that knows of its outage refuses at once, and is back within seconds
_FIRST_RETRY_SECONDS = 0.1


async def replay(
    log: Log, projection: Projection, *, end: int, feed_records: int, progress: Callable[[int], None]
) -> None:
    """Apply what the log holds below `end`, and fill the feed with its last `feed_records` records, as far as
    it has them.

    Args:
        log: to read from.
        projection: stands at a snapshot, or at the log's first offset.
        end: the log's next offset, when the start began.
        feed_records: how far back the feed reaches, so that clients go on after a restart without a new image.
        progress: called with the offset reached, after each batch.

    Raises:
        OffsetOutOfRange: retention has passed the projection's version, before or meanwhile.
        LogError: the log can't be read.
    """
    first, next_ = await log.bounds()
    if projection.version < first:
        raise OffsetOutOfRange(projection.version, first, next_)
    # What is before `since` was folded with another canvas, or other acts, than there are now.
    begin = max(first, projection.kept.since, min(projection.version, end - feed_records))
    projection.feed.restart(begin)
    if begin >= end:
        return
    async with log.read(begin) as batches:
        async for batch in batches:
            in_feed = batch.next_offset > end - feed_records
            if batch.values:
                projection.apply(batch, steady_clock_ms(), feed=in_feed)
            progress(batch.next_offset)
            if batch.next_offset >= end:
                return


class LogReader:
    """The task that follows the log.

    Attributes:
        reachable: whether the last read succeeded.
        position: the offset that it reads next; past the projection's version where a gap follows.
    """

    def __init__(self, log: Log, projection: Projection, applied: Callable[[], None]) -> None:
        self._log = log
        self._projection = projection
        self._applied = applied
        self.reachable = True
        self.position = projection.version

    async def run(self) -> None:
        """Follow for ever.

        Raises:
            LogError: the log is damaged, or no longer holds what comes next.
        """
        retry_seconds = _FIRST_RETRY_SECONDS
        while True:
            version = self._projection.version
            try:
                await self._follow()
            except (LogUnavailable, LogRefused, LogUndecodable) as error:
                if self._projection.version != version:
                    retry_seconds = _FIRST_RETRY_SECONDS
                self._note(reachable=False, reason=str(error))
                await trio.sleep(retry_seconds)
                retry_seconds = min(2 * retry_seconds, MAX_RETRY_SECONDS)

    async def _follow(self) -> None:
        # Not from the projection's version: a gap that lies before what can't be read would count as read again.
        async with self._log.read(self.position) as batches:
            self._note(reachable=True)
            async for batch in batches:
                self.position = batch.next_offset
                if batch.values:
                    self._projection.apply(batch, steady_clock_ms())
                    self._applied()

    def _note(self, *, reachable: bool, reason: str = "") -> None:
        if reachable == self.reachable:
            return
        self.reachable = reachable
        logger = get_logger(__name__)
        if reachable:
            logger.info("the log can be read again")
        else:
            logger.warning("the log can't be read", reason=reason)
