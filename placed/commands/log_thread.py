"""Reads a log for a program without Trio: Trio runs in a thread of its own, and hands over batch after batch.

    caller      batches(offset) --asks--> channel of size 0 <--sends-- log.read(offset)      Trio's thread

Ctrl-C reaches the caller, which is in the main thread, while it waits too.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING, Final

import attrs
import trio

from placed.backends import CannotStart, LogError
from placed.backends.opening import open_log
from placed.canvas.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placed.backends import Log
    from placed.commands.settings.values import Settings

_END_SECONDS: Final = 10.0  # for the thread; a log closes in less


@attrs.frozen
class _Reader:
    """One reader in Trio's thread: its batches, how to end it, and what it failed of."""

    batches: trio.MemoryReceiveChannel[Batch]
    scope: trio.CancelScope
    failures: list[LogError]


class ThreadLog:
    """A log that Trio's thread has open; made by `open_in_thread`.

    Attributes:
        id: the log's.
        first: its first offset.
        next: the next one, as it was when it was opened.
        token: of the Trio that runs it.
    """

    def __init__(self, log: Log, bounds: tuple[int, int], nursery: trio.Nursery) -> None:
        self.id = log.id
        self.first, self.next = bounds
        self._log = log
        self._nursery = nursery
        self.token = trio.lowlevel.current_trio_token()

    def batches(self, offset: int) -> Iterator[Batch]:
        """The records from `offset` up to `next`, in order.

        Raises:
            LogError: they can't be read.
        """
        reader: _Reader = trio.from_thread.run(self._nursery.start, self._read, offset, trio_token=self.token)
        try:
            while offset < self.next:
                try:
                    batch = trio.from_thread.run(reader.batches.receive, trio_token=self.token)
                except trio.EndOfChannel:
                    raise reader.failures[0] from None
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


@contextlib.contextmanager
def open_in_thread(settings: Settings) -> Iterator[ThreadLog]:
    """The log that these settings name, which is there already.

    Raises:
        LogError: it can't be opened.
        CannotStart: a part that it needs isn't installed.
    """
    opened: queue.SimpleQueue[ThreadLog | Exception] = queue.SimpleQueue()
    stop = trio.Event()

    async def serve() -> None:
        try:
            async with open_log(settings, create=False) as log, trio.open_nursery() as nursery:
                opened.put(ThreadLog(log, await log.bounds(), nursery))
                await stop.wait()
                nursery.cancel_scope.cancel()
        except (LogError, CannotStart) as error:
            opened.put(error)

    thread = threading.Thread(target=trio.run, args=(serve,), name="placed-log", daemon=True)
    thread.start()
    found = opened.get()
    if isinstance(found, Exception):
        raise found
    try:
        yield found
    finally:
        with contextlib.suppress(trio.RunFinishedError):
            trio.from_thread.run_sync(stop.set, trio_token=found.token)
        thread.join(_END_SECONDS)
