"""Catching up from a real server: everything arrives, others go first, and one address can't ask for ever."""

from __future__ import annotations

import json
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import trio

from placed.backends.memory import open_memory_log
from placed.canvas.events import EDIT, Edits
from placed.http.catch_up_limit import FRAMES_FOR_EACH_STREAM
from placed.stream import sse
from tests.support.exposition import metrics
from tests.support.http_connection import connect
from tests.support.serving import LIMIT_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    from placed.backends import Log
    from tests.support.http_connection import Response
    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

SIDE = 1_000
EDITS, RECORD_EDITS = 60_000, 100
FRAMES = EDITS // 3_072
STREAMS = 9  # those of the test; some may have left without the server's knowledge when the next one comes
LIMITED: dict[str, Any] = {"max_streams_per_client": STREAMS, "unlimited_clients": ()}


@pytest.fixture
async def memory_log() -> AsyncGenerator[Log]:
    """A log to which a test appends directly."""
    async with open_memory_log() as log:
        yield log


async def fill(server: Server, log: Log) -> None:
    """Append many edits, which the server reads."""
    edits = np.zeros(EDITS, EDIT)
    edits["x"], edits["y"] = np.arange(EDITS) % SIDE, np.arange(EDITS) // SIDE
    edits["color"] = np.arange(EDITS) % 15 + 1
    with trio.fail_after(LIMIT_SECONDS):
        for at in range(0, EDITS, RECORD_EDITS):
            version = await log.append(Edits(edits[at : at + RECORD_EDITS]).encode()) + 1
        while server.projection.version < version:
            await server.info()


async def caught_up(server: Server, query: str, *headers: tuple[str, str]) -> list[list[int]]:
    """All edits of one catch-up."""
    edits: list[list[int]] = []
    async with server.follow(query, *headers) as stream:
        with trio.fail_after(LIMIT_SECONDS):
            version = 0
            while version < server.projection.version:
                told = json.loads((await stream.event()).data)
                version = told["v"]
                edits += told["edits"]
        assert max(map(len, stream.text.split(b"\n"))) <= sse.MAX_LINE_BYTES
    return edits


async def test_catch_up_brings_everything_in_lines_that_everybody_can_read(start: Start, memory_log: Log) -> None:
    async with start(open_log=memory_log, width=SIDE, height=SIDE) as server:
        await fill(server, memory_log)
        many: list[list[list[int]]] = []

        async def follow(version: int) -> None:
            many.append(await caught_up(server, f"v={version}&format=json"))

        async with trio.open_nursery() as nursery:
            for version in range(1, 11):
                nursery.start_soon(follow, version)
        assert sorted(len(edits) for edits in many) == [EDITS - RECORD_EDITS * missing for missing in range(9, -1, -1)]
        assert len({tuple(edit[:2]) for edit in max(many, key=len)}) == EDITS


async def first_refusal(server: Server) -> tuple[Response, dict[str, Any]]:
    """Ask for old versions until the server refuses; on a busy machine some of the allowance comes back meanwhile."""
    for _ in range(20):
        async with server.follow("v=1&format=json") as following:
            if following.head.status != 200:
                return following.head, json.loads(await following.connection.data() or b"")
    raise AssertionError("nothing was refused")


async def test_address_that_asks_for_old_versions_again_and_again_is_refused_for_a_while(
    start: Start, memory_log: Log
) -> None:
    async with start(open_log=memory_log, width=SIDE, height=SIDE, **LIMITED) as server:
        await fill(server, memory_log)
        for _ in range(-(-STREAMS * FRAMES_FOR_EACH_STREAM // FRAMES)):
            assert len(await caught_up(server, "v=1&format=json")) == EDITS
        head, told = await first_refusal(server)
        assert (head.status, told["code"]) == (429, "too-many-catch-ups")
        assert 1 <= int(head.headers["retry-after"]) <= 60
        assert told["retry_after_seconds"] > 0
        present = server.projection.version
        # A page that resumes and only lacks what it missed is let in.
        assert await caught_up(server, f"v={present - 20}&format=json")
        told = await metrics(server.port)
        assert told['placed_problems_total{code="too-many-catch-ups"}'] == 1


async def test_people_behind_a_trusted_proxy_have_an_allowance_each(start: Start, memory_log: Log) -> None:
    limits = {**LIMITED, "max_streams_per_client": 1, "trusted_proxies": (ip_network("127.0.0.0/8"),)}
    async with start(open_log=memory_log, width=SIDE, height=SIDE, **limits) as server:
        await fill(server, memory_log)
        for number in range(3):
            who = ("X-Forwarded-For", f"203.0.113.{number}")
            assert len(await caught_up(server, "v=1&format=json", who)) == EDITS
            assert (await server.get("/edits?v=1&format=json", who)).status == 429


@pytest.mark.parametrize("limits", [{"max_streams_per_client": 0}, {"max_streams_per_client": 1}])
async def test_who_has_no_limit_of_streams_has_none_of_catch_ups(
    start: Start, memory_log: Log, limits: dict[str, Any]
) -> None:
    async with start(open_log=memory_log, width=SIDE, height=SIDE, **limits) as server:  # the loopback has no limits
        await fill(server, memory_log)
        for _ in range(3):
            assert len(await caught_up(server, "v=1&format=json")) == EDITS


async def test_who_takes_nothing_of_a_catch_up_holds_up_nobody_elses(start: Start, memory_log: Log) -> None:
    async with start(open_log=memory_log, width=SIDE, height=SIDE) as server:
        await fill(server, memory_log)
        async with connect(server.port, receive_buffer_bytes=4_096) as stalled:
            await stalled.send("/edits?v=1&format=json")
            await stalled.head()
            for _ in range(3):
                assert len(await caught_up(server, "v=1&format=json")) == EDITS
