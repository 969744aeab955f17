"""The past that an act needs: from the history, and from the log itself if the history isn't whole, or is off.

    history up to the version?   yes: ask it
                                 no:  its sound segments, and the log for all else, read forwards once

To read the log takes a second for a million edits, so there is a limit. An act that needs more is refused: on a long
log, moderators need a server that keeps a history.

Cancellation: the thread ends after the part of the log that it is reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import attrs
import trio

from placed.backends.thread_reader import ThreadReader
from placed.history.past import NotIndexed, PastError
from placed.history.reading import past_of
from placed.history.short_turns import ShortTurns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from placed.backends import Log
    from placed.canvas.batch import Batch
    from placed.history.indexer import Indexer
    from placed.history.walk import AnyPast

MOST_LOG_BYTES: Final = 256 << 20  # 20 million edits of 13 bytes each; some 20 s
_PATIENCE_SECONDS: Final = 2.0  # for a history that is nearly there

Found = TypeVar("Found")


class TooFar(PastError):
    """The question needs more of the log than the server may read."""


@attrs.define
class WholePast:
    """The past of a canvas, as far as the history or the log still has it.

    Attributes:
        log: the log.
        indexer: the history; None on a server that keeps none.
        most_bytes: the most bytes of the log that are read for one act.
    """

    log: Log
    indexer: Indexer | None = None
    most_bytes: int = MOST_LOG_BYTES
    _thread: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1), init=False)
    _turns: ShortTurns = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._turns = self.indexer.turns if self.indexer is not None else ShortTurns()

    async def ask(self, version: int, call: Callable[[AnyPast], Found]) -> Found:
        """Call `call` in a worker thread, with a past that goes at least up to a version; returns its result.

        Args:
            version: a version that the canvas has had.
            call: asks the past; it is called once more if the history turns out to be damaged.

        Raises:
            PastError: neither the history nor the log reaches as far as `call` asks.
            LogError: the log can't be read.
            Exception: what `call` raises.
        """
        indexer = self.indexer
        if indexer is not None and await indexer.reach(version, _PATIENCE_SECONDS):
            past = indexer.past
            try:
                return await self._in_thread(lambda: call(past))
            except NotIndexed:
                indexer.tell_damage()
        return await self._ask_log(version, call)

    async def _in_thread(self, call: Callable[[], Found]) -> Found:
        return await self._turns.in_thread(call, self._thread)

    async def _ask_log(self, version: int, call: Callable[[AnyPast], Found]) -> Found:
        """As `ask`, with a past from the history's sound segments, and from the log for all else."""
        first, _ = await self.log.bounds()
        kept = self.indexer.past.kept if self.indexer is not None else ()
        found: list[Found] = []
        failed: list[Exception] = []
        async with trio.open_nursery() as nursery:
            bounded = _Bounded(ThreadReader(self.log, version, nursery).batches, self.most_bytes)
            try:
                found.append(await self._in_thread(lambda: call(past_of(kept, first, version, bounded.batches))))
            except Exception as error:  # noqa: BLE001 - raised below: outside of the nursery it would be in a group
                failed.append(error)
            nursery.cancel_scope.cancel()
        if failed:
            raise failed[0]
        return found[0]


@attrs.define
class _Bounded:
    """Batches of a log, up to `left_bytes` in all."""

    read: Callable[[int], Iterator[Batch]]
    left_bytes: int

    def batches(self, offset: int) -> Iterator[Batch]:
        """The records from `offset` on.

        Raises:
            TooFar: the records have too many bytes.
        """
        for batch in self.read(offset):
            self.left_bytes -= sum(map(len, batch.values))
            if self.left_bytes < 0:
                raise TooFar(
                    f"this needs more than {MOST_LOG_BYTES >> 20} MB of the log; a server that keeps a history "
                    "can do it"
                )
            yield batch
