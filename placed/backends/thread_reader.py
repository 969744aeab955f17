"""Lets a thread read a log that Trio has open: the thread asks for batch after batch.

thread      batches(offset) --asks--> channel of size 0 <--sends-- log.read(offset)      Trio's thread
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import trio

from placed.backends import LogError
from placed.canvas.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placed.backends import Log


@attrs.frozen
class _Reader:
    """One reader in Trio's thread: its batches, the scope that ends it, and its errors."""

    batches: trio.MemoryReceiveChannel[Batch]
    scope: trio.CancelScope
    failures: list[LogError]


class ThreadReader:
    """Reads an open log up to a given end.

    Make it in Trio's thread; `batches` is for another thread.

    Args:
        log: an open log.
        end: the offset after the last record to read.
        nursery: the nursery for the reading tasks.

    Attributes:
        token: the token of the Trio run that has the log open.
    """

    def __init__(self, log: Log, end: int, nursery: trio.Nursery) -> None:
        self._log = log
        self._end = end
        self._nursery = nursery
        self.token = trio.lowlevel.current_trio_token()

    def batches(self, offset: int) -> Iterator[Batch]:
        """The records from `offset` up to the end, in order.

        Raises:
            LogError: the records can't be read, or the nursery is cancelled.
        """
        reader: _Reader = trio.from_thread.run(self._nursery.start, self._read, offset, trio_token=self.token)
        try:
            while offset < self._end:
                try:
                    batch = trio.from_thread.run(reader.batches.receive, trio_token=self.token)
                except trio.EndOfChannel:
                    raise (reader.failures or [LogError("reading was ended")])[0] from None
                yield batch
                offset = batch.next_offset
        finally:
            trio.from_thread.run_sync(reader.scope.cancel, trio_token=self.token)

    async def _read(self, offset: int, task_status: trio.TaskStatus[_Reader]) -> None:
        send, receive = trio.open_memory_channel[Batch](0)
        reader = _Reader(receive, trio.CancelScope(), [])
        with reader.scope, send:
            task_status.started(reader)
            try:
                async with self._log.read(offset) as batches:
                    async for batch in batches:
                        await send.send(batch)
            except LogError as error:
                reader.failures.append(error)
