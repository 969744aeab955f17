"""A server for a whole file of tests, in a thread of its own: for tests that ask, and leave it as it was.

    a test's thread                          the server's thread
     | one Trio for each test                 | one Trio, until the file's tests are done
     | requests, over sockets --------------> | answers

To start and end a server costs 30 ms of the processor, and a request 2 ms. So those that are refused one by one, in
hundreds of tests, share it. Whoever paints, or has settings, takes a server of their own: `tests.support.serving`.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import trio

from tests.support.serving import LIMIT_SECONDS, Server, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Ready = tuple[Server, Callable[[], None]]


@contextlib.contextmanager
def standing_server(lane: str, folder: Path) -> Iterator[Server]:
    """A server with an empty canvas, a log in memory and no cooldown.

    Args:
        lane: one of `LANES`.
        folder: holds the data folder.
    """
    ready: Future[Ready] = Future()
    with ThreadPoolExecutor(1, "standing server") as threads:
        ended = threads.submit(trio.run, _stand, lane, folder, ready)
        either: set[Future[Any]] = {ready, ended}
        wait(either, 2 * LIMIT_SECONDS, FIRST_COMPLETED)  # it gives up sooner itself
        if ended.done():
            ended.result()  # raises why it couldn't start
        server, leave = ready.result(0)
        try:
            yield server
        finally:
            leave()
            ended.result(LIMIT_SECONDS)


async def _stand(lane: str, folder: Path, ready: Future[Ready]) -> None:
    leaving = trio.Event()
    token = trio.lowlevel.current_trio_token()
    async with serving(lane, folder) as server:
        ready.set_result((server, lambda: token.run_sync_soon(leaving.set)))
        await leaving.wait()
