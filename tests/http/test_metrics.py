"""The metrics of requests and streams, over each lane; each lane's answers count as its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import trio

from placed import __version__
from placed.backends.memory import open_memory_log
from placed.canvas.events import EDIT, Edits
from placed.stream.chunked import chunk_of
from tests.support.exposition import metrics
from tests.support.http_connection import connect
from tests.support.serving import LIMIT_SECONDS, Server

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    Start = Callable[..., AbstractAsyncContextManager[Server]]

SIDE = 1_000
_POLL_SECONDS = 0.02


async def until(server: Server, holds: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    """Wait until the metrics are as expected, and return them."""
    with trio.fail_after(LIMIT_SECONDS):
        while not holds(told := await metrics(server.port)):  # noqa: ASYNC110 - it only tells when asked
            await trio.sleep(_POLL_SECONDS)
    return told


async def test_answers_are_counted_in_their_lane_by_class(server: Server, lane: str) -> None:
    before = await metrics(server.port)
    image = await server.get("/canvas.png")
    await server.get("/canvas.png", ("If-None-Match", image.headers["etag"]))
    await server.place(1, 1, 1)
    await server.place(1, 1, 99)
    await server.get("/nothing")
    await server.get("/edit")
    await server.exchange(b"nonsense\r\n\r\n")
    told = await metrics(server.port)

    def more(of: str, status: str) -> float:
        name = f'placed_http_responses_total{{lane="{of}",status="{status}"}}'
        return told[name] - before[name]

    assert 'placed_edit_requests_total{outcome="method-not-allowed"}' not in told
    hot = {status: more(lane, status) for status in ("2xx", "3xx", "4xx", "5xx")}
    cold = 3 if lane == "slow" else 0  # /metrics itself, unknown paths, and broken requests go to Hypercorn
    assert hot == {"2xx": 2 + bool(cold), "3xx": 1, "4xx": 1 + cold, "5xx": 0}
    assert (more("slow", "2xx"), more("slow", "4xx")) == ((3, 4) if cold else (1, 3))
    assert told['placed_problems_total{code="invalid-parameter"}'] == 1
    assert told['placed_problems_total{code="not-found"}'] == 1
    assert told['placed_problems_total{code="invalid-body"}'] == 1
    assert told['placed_edit_requests_total{outcome="placed"}'] == 1
    assert told['placed_edit_requests_total{outcome="invalid-parameter"}'] == 1


async def test_frames_and_bytes_are_those_that_came(server: Server, lane: str) -> None:
    async with server.follow("v=1&format=json") as stream:
        frames = 0
        for x in range(5):
            await server.place(x, 0, 1)
            assert (await stream.event()).id == str(x + 2)
            frames += 1
        told = await metrics(server.port)
        rest = stream.text[stream.text.index(b"id: ") :]  # after the stream's opening
        assert told[f'placed_frames_sent_total{{lane="{lane}"}}'] == frames
        chunks = frames + rest.count(b"event: status")  # one may come with a frame, as there is a viewer now
        chunking = chunks * (len(chunk_of(b"x" * 20)) - 20) if lane == "fast" else 0  # Hypercorn makes the slow lane's
        assert told[f'placed_stream_sent_bytes_total{{lane="{lane}"}}'] == len(rest) + chunking
        assert told[f'placed_subscribers{{lane="{lane}"}}'] == 1
        assert told[f'placed_delivery_seconds_count{{lane="{lane}"}}'] == frames
    other = "fast" if lane == "slow" else "slow"
    for name in ("placed_frames_sent_total", "placed_stream_sent_bytes_total", "placed_subscribers"):
        assert told[f'{name}{{lane="{other}"}}'] == 0


async def test_who_catches_up_with_the_past_is_no_late_delivery(server: Server, lane: str) -> None:
    await server.place(1, 1, 1)
    async with server.follow("v=1") as stream:
        await stream.event()
        told = await metrics(server.port)
    assert told[f'placed_delivery_seconds_count{{lane="{lane}"}}'] == 0
    assert told[f'placed_frames_sent_total{{lane="{lane}"}}'] == 1


@pytest.mark.parametrize(("query", "code"), [("v=99", "future"), ("v=1&log=another", "other-log")])
async def test_reloads_are_counted_by_their_word(server: Server, query: str, code: str) -> None:
    async with server.follow(query) as stream:
        await stream.event()
    told = await metrics(server.port)
    assert told[f'placed_reloads_total{{code="{code}"}}'] == 1
    assert sum(value for name, value in told.items() if name.startswith("placed_reloads_total")) == 1


def _many_edits(chance: random.Random) -> bytes:
    edits = np.zeros(60_000, EDIT)
    for name, most in (("x", SIDE), ("y", SIDE), ("color", 16)):
        edits[name] = np.frombuffer(chance.randbytes(4 * len(edits)), np.uint32) % most
    return Edits(edits).encode()


async def test_who_takes_nothing_is_a_laggard_until_it_is_gone(start: Start, lane: str, chance: random.Random) -> None:
    name = f'placed_laggards{{lane="{lane}"}}'
    async with open_memory_log() as log, start(open_log=log, width=SIDE, height=SIDE) as server:
        async with server.follow("v=1"), connect(server.port, receive_buffer_bytes=2_048) as stalled:
            await stalled.send("/edits?v=1&format=json")
            await until(server, lambda told: told[f'placed_subscribers{{lane="{lane}"}}'] == 2)
            for _ in range(12):  # 0.9 MB each as JSON: more than the sockets' buffers hold
                version = await log.append(_many_edits(chance)) + 1
                await until(server, lambda told: told["placed_version"] >= version)  # noqa: B023
            await until(server, lambda told: told[name] >= 1)
        await until(server, lambda told: told[name] == told[f'placed_subscribers{{lane="{lane}"}}'] == 0)


async def test_image_tells_its_version_and_when_it_was_made(server: Server) -> None:
    before = await metrics(server.port)
    assert np.isnan(before["placed_image_version"])
    assert np.isnan(before["placed_image_timestamp_seconds"])
    await server.get("/canvas.png")
    told = await metrics(server.port)
    assert (told["placed_image_version"], told["placed_image_encode_seconds_count"]) == (1, 1)
    assert abs(told["placed_image_timestamp_seconds"] - time.time()) < LIMIT_SECONDS


async def test_connections_that_are_refused_are_counted_by_whose_limit_it_was(start: Start) -> None:
    limits: dict[str, Any] = {"max_connections_per_client": 1, "unlimited_clients": ()}
    async with start(**limits) as server, connect(server.port) as connection:
        await connection.request("/healthz")
        assert (await server.get("/healthz")).status == 429
        answer = await connection.request("/metrics")
    assert b'placed_connections_refused_total{reason="client-limit"} 1.0' in answer.body
    assert b'placed_connections_refused_total{reason="server-full"} 0.0' in answer.body
    assert b"placed_connections_accepted_total 1.0" in answer.body


async def test_server_says_what_it_is_and_that_its_loop_keeps_time(server: Server) -> None:
    told = await until(server, lambda told: told["placed_loop_lag_seconds_count"] >= 1)
    (build,) = [name for name in told if name.startswith("placed_build_info")]
    assert f'version="{__version__}"' in build
    assert 'log="memory"' in build
    assert told["placed_appends_in_flight"] == told["placed_edits_waiting"] == 0
