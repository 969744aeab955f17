"""Follows the log and applies its records to the projection. The reader is the projection's only writer.

When the log can't be reached or unpacked, or refuses the server, the reader tries again for ever, with pauses of up to
`MAX_RETRY_SECONDS`. Meanwhile the server goes on serving the canvas that it has. The reader logs once that this begins,
and once that it ends.
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

MAX_RETRY_SECONDS = 0.5  # a log that knows of its outage fails at once, and may be back within seconds
_FIRST_RETRY_SECONDS = 0.1


async def replay(
    log: Log, projection: Projection, *, end: int, feed_records: int, progress: Callable[[int], None]
) -> None:
    """Apply the log's records below `end`, and fill the feed with the last `feed_records` of them, as far as the log
    still has them.

    Args:
        log: the log to read.
        projection: the projection, at a snapshot's version or at the log's first offset.
        end: the log's next offset at the beginning of the start.
        feed_records: how far back the feed reaches, so that clients go on after a restart without a new image.
        progress: called after each batch with the offset reached.

    Raises:
        OffsetOutOfRange: retention has removed records after the projection's version, before this or meanwhile.
        LogError: the log can't be read.
    """
    first, next_ = await log.bounds()
    if projection.version < first:
        raise OffsetOutOfRange(projection.version, first, next_)
    # The feed can't begin before `since`: earlier records were folded with another canvas, or other acts, than now.
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
        reachable: whether the last attempt to read the log succeeded.
        position: the offset to read next; higher than the projection's version if the log has a gap there.
    """

    def __init__(self, log: Log, projection: Projection, applied: Callable[[], None]) -> None:
        self._log = log
        self._projection = projection
        self._applied = applied
        self.reachable = True
        self.position = projection.version

    async def run(self) -> None:
        """Follow the log for ever.

        Raises:
            LogError: the log is damaged, or no longer has the next record.
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
        # From `position`, not from the projection's version, which a gap doesn't move. Each attempt would read the gap
        # again before a record that can't be read, and so the log would seem readable again for a moment.
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
