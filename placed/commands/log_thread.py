"""Reads a log for a program without Trio: Trio runs in a thread of its own, and hands over batch after batch.

The caller is in the main thread, so Ctrl-C reaches it, also while it waits.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING, Final

import trio

from placed.backends import CannotStart, LogError
from placed.backends.opening import open_log
from placed.backends.thread_reader import ThreadReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placed.backends import Log
    from placed.commands.settings.values import Settings

_END_SECONDS: Final = 10.0  # for the thread to end; a log closes in less


class ThreadLog(ThreadReader):
    """A log that Trio's thread has open; `open_in_thread` makes it.

    Attributes:
        id: the log's id.
        first: its first offset.
        next: its next offset at the time of opening; `batches` ends there.
    """

    def __init__(self, log: Log, bounds: tuple[int, int], nursery: trio.Nursery) -> None:
        self.id = log.id
        self.first, self.next = bounds
        super().__init__(log, self.next, nursery)


@contextlib.contextmanager
def open_in_thread(settings: Settings) -> Iterator[ThreadLog]:
    """The existing log that these settings name.

    Raises:
        LogError: it can't be opened.
        CannotStart: a package that it needs isn't installed.
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
