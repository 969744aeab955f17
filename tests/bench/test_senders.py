"""The load generators themselves: what they count, and from which moment."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import trio

from bench.equipment.load_process import Busy, busy_share, warnings
from bench.load.audience import _lateness
from bench.load.senders import Load
from tests.support.parts import require

LIMIT_SECONDS = 30.0
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"v":3}'


@pytest.fixture(autouse=True)
def needs_epoll() -> None:
    """Skip the test where there is no epoll: the generators need Linux."""
    require("/proc", Path("/proc/self/status").exists(), "run on Linux")


async def sent(load: Load) -> dict[str, Any]:
    """The results of `bench.load.senders` for a load."""
    command = [sys.executable, "-m", "bench.load.senders", json.dumps(attrs.asdict(load))]
    with trio.fail_after(LIMIT_SECONDS):
        done = await trio.run_process(command, capture_stdout=True, cwd=Path(__file__).parents[2])
    told: dict[str, Any] = json.loads(done.stdout)
    return told


async def serve(nursery: trio.Nursery, stall_seconds: float) -> int:
    """Start a server that delays its first answer; return its port."""
    first = [True]

    async def one(stream: trio.SocketStream) -> None:
        waiting = b""
        async for data in stream:
            waiting += data
            while b"\r\n\r\n" in waiting:
                waiting = waiting.partition(b"\r\n\r\n")[2]
                if first.pop() if first else False:
                    await trio.sleep(stall_seconds)
                await stream.send_all(ANSWER)

    listeners = await nursery.start(partial(trio.serve_tcp, one, 0, host="127.0.0.1"))
    port: int = listeners[0].socket.getsockname()[1]
    return port


async def test_open_loop_counts_from_when_a_request_was_due(nursery: trio.Nursery) -> None:
    port = await serve(nursery, stall_seconds=0.6)
    told = await sent(Load("127.0.0.1", port, connections=1, rate=100, seconds=0.3, keeps_moments=True))
    assert told["statuses"] == {"200": 30}
    assert told["unanswered"] == 0
    assert told["latency_ms"]["p50"] > 250  # no request was answered before 600 ms, and all were due before 300 ms
    assert [moment[:2] for moment in told["moments"]] == [[number, 3] for number in range(1, 31)]


async def test_closed_loop_asks_only_as_fast_as_it_is_answered(nursery: trio.Nursery) -> None:
    port = await serve(nursery, stall_seconds=0.6)
    told = await sent(Load("127.0.0.1", port, connections=1, seconds=0.3))
    assert told["statuses"] == {"200": 1}
    assert told["latency_ms"]["p50"] >= 600


async def test_requests_without_an_answer_are_counted(nursery: trio.Nursery) -> None:
    async def hang_up(stream: trio.SocketStream) -> None:
        await stream.receive_some()

    listeners = await nursery.start(partial(trio.serve_tcp, hang_up, 0, host="127.0.0.1"))
    port = listeners[0].socket.getsockname()[1]
    told = await sent(Load("127.0.0.1", port, connections=2, rate=20, seconds=0.5))
    assert told["statuses"] == {}
    assert told["unanswered"] >= 10


def test_edit_has_arrived_with_the_first_frame_at_or_past_its_version() -> None:
    placed = np.array([(2, 10.0), (3, 10.1), (4, 10.2), (9, 10.3)])
    seen = np.array([(2, 10.5), (4, 10.6)])
    assert _lateness(placed, seen).tolist() == pytest.approx([500, 500, 400])


def test_generator_that_fills_its_core_is_told_of() -> None:
    assert busy_share([Busy(1.0, 2.0), Busy(0.9, 2.0)]) == pytest.approx(0.95)
    assert warnings([0.5, 0.89]) == []
    assert "95 %" in warnings([0.1, 0.95])[0]
