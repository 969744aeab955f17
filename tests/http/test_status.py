"""The server's status in the stream of edits: its version, its number of viewers, and whether it takes edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from placed.backends import LogUnavailable
from placed.backends.memory import MemoryLog
from tests.support.serving import LIMIT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]


class FullLog(MemoryLog):
    """A log that can be filled completely, and emptied."""

    full = False

    async def append(self, value: bytes) -> int:
        """Append, unless the log is full."""
        if self.full:
            raise LogUnavailable("it is full")
        return await super().append(value)


@pytest.mark.parametrize("form", ["codes", "json"])
async def test_stream_begins_with_how_far_the_server_is(server: Server, form: str) -> None:
    for x in range(3):
        await server.place(x, 0, 1)
    async with server.follow(f"v=1&format={form}") as stream:
        assert await stream.status() == {"v": 4, "viewers": 1, "writable": True}
        while (await stream.event()).id != "4":
            pass
        opening, _, edits = stream.text.partition(b"id:")
        assert opening.count(b"event: status") == 1
        assert edits.count(b"event: status") <= 1  # a new viewer is told once in 5 s, and may be told at once


async def test_stream_that_cannot_go_on_begins_with_reload(server: Server) -> None:
    async with server.follow("v=9") as stream:
        assert (await stream.event()).kind == "reload"
        assert b"event: status" not in stream.text


async def test_viewers_are_told_with_a_frame_that_comes_anyhow(server: Server) -> None:
    async with server.follow("v=1") as one, server.follow("v=1") as other:
        assert (await one.status())["viewers"] == 1
        assert (await other.status())["viewers"] == 2
        placed = 1
        with trio.fail_after(LIMIT_SECONDS):  # until the server has looked, which it does every quarter of a second
            while b'"viewers": 2' not in one.text:
                await server.place(placed % 40, 0, 1)
                placed += 1
                while (await one.event()).id != str(placed):
                    pass
        events = one.text.split(b"\n\n")
        told = next(index for index, event in enumerate(events) if b'"viewers": 2' in event)
        assert events[told - 1].startswith(b"id: ")
        assert (await server.info())["viewers"] == 2


async def test_log_that_takes_no_edits_is_told_at_once_and_when_it_takes_them_again(start: Start) -> None:
    log = FullLog(max_bytes=1 << 20, clock_ms=lambda: 0)
    async with start(open_log=log) as server, server.follow("v=1") as stream:
        assert (await stream.status())["writable"] is True
        assert (await server.info())["writable"] is True
        log.full = True
        assert (await server.place(1, 1, 1)).status == 503
        assert await stream.status() == {"v": 1, "viewers": 1, "writable": False}
        assert (await server.info())["writable"] is False
        assert b"placed_writable 0.0" in (await server.get("/metrics")).body
        log.full = False
        assert (await server.place(1, 1, 1)).status == 200
        assert (await stream.status())["writable"] is True
        assert (await stream.event()).id == "2"
