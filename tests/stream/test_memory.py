"""How much of the server's memory a stream takes while it keeps up."""

from __future__ import annotations

import socket
import tracemalloc

import trio
import trio.testing

from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.feed import Feed
from placed.canvas.projection import Projection
from placed.http.client_limit import ClientLimit
from placed.stream.broadcaster import Broadcaster
from placed.stream.frames import Format
from placed.stream.subscriber_sockets import SubscriberSockets
from tests.support.records import SMALL, batch, code_of, record

STREAMS = 2_400
BEGIN = 700_000  # larger than the small numbers that Python shares anyway


def _append(projection: Projection, broadcaster: Broadcaster) -> None:
    projection.apply(batch([record((1, 1, 1, 7))], first=projection.version), 0)
    broadcaster.publish()


async def test_stream_that_names_this_log_and_has_no_limit_takes_less_than_480_bytes() -> None:
    projection = Projection(SMALL, BEGIN, Cooldowns(Rule(10, 0)), feed=Feed(code_of(SMALL), BEGIN, max_records=10))
    broadcaster, limit = Broadcaster(projection, "log-1"), ClientLimit(0)
    sockets = SubscriberSockets(broadcaster, heartbeat_seconds=15.0, stall_seconds=30.0, frame_seconds=0.0)
    pairs = [socket.socketpair() for _ in range(STREAMS)]
    for ours, _ in pairs:
        ours.setblocking(False)
    fds = [ours.detach() for ours, _ in pairs]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sockets.run)
        await trio.testing.wait_all_tasks_blocked()
        tracemalloc.start()
        try:
            for fd in fds:
                version, log_id = int(str(BEGIN)), "".join(["log", "-1"])  # separate texts, as in each query
                place = limit.enter("192.0.2.1")
                sockets.add(fd, broadcaster.subscribe(version, Format.CODES, log_id, place))
            _append(projection, broadcaster)
            await trio.testing.wait_all_tasks_blocked()
            taken_bytes, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            nursery.cancel_scope.cancel()
    for _, theirs in pairs:
        theirs.close()
    assert taken_bytes / STREAMS < 480
