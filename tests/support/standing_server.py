"""One server for a whole test file, in a thread of its own: for tests that only ask, and leave the server as it was.

    a test's thread                          the server's thread
     | one Trio for each test                 | one Trio, until the file's tests are done
     | requests, over sockets --------------> | answers

To start and end a server takes 30 ms of CPU, and a request 2 ms. So hundreds of tests of refused requests share one
server. A test that paints, or needs settings, starts a server of its own: `tests.support.serving`.
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
    """Run a server with an empty canvas, a log in memory and no cooldown.

    Args:
        lane: one of `LANES`.
        folder: holds the data folder.
    """
    ready: Future[Ready] = Future()
    with ThreadPoolExecutor(1, "standing server") as threads:
        ended = threads.submit(trio.run, _stand, lane, folder, ready)
        either: set[Future[Any]] = {ready, ended}
        wait(either, 2 * LIMIT_SECONDS, FIRST_COMPLETED)  # the server itself gives up sooner
        if ended.done():
            ended.result()  # raises the reason why it couldn't start
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
