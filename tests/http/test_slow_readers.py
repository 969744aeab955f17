"""Slow readers of images: they share the image's bytes, may be as slow as 2G, and together hold a bounded number of
old images."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio
from quart import Quart

from placed.http.lanes import writing
from placed.http.lanes.connection import Limits
from placed.http.replies import Replies
from tests.http.lanes.test_connection import fill
from tests.support.http_connection import ConnectionCut, connect
from tests.support.serving import LIMIT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from tests.support.http_connection import HttpConnection
    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

LARGE = {"width": 4_096, "height": 4_096}  # 8 MB of noise, more than all sockets' buffers


async def rest(connection: HttpConnection, pause_seconds: float = 0.0) -> int:
    """How many bytes of a body arrive until its end, with a pause after each part."""
    size = 0
    with trio.fail_after(LIMIT_SECONDS):
        while (data := await connection.data()) is not None:
            size += len(data)
            await trio.sleep(pause_seconds)
    return size


async def test_reader_of_an_image_whose_room_is_taken_is_cut_and_the_next_gets_the_new_one(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("placed.tasks.image.MOST_OLD", 0)
    async with start(**LARGE) as server, connect(server.port, receive_buffer_bytes=4_096) as slow:
        fill(server)
        await slow.send("/canvas.png")
        head = await slow.head()
        version = (await server.place(1, 1, 1)).json()["v"]
        assert (await server.get(f"/canvas.png?v={version}")).headers["x-canvas-version"] == str(version)
        with pytest.raises(ConnectionCut):
            await rest(slow)
        assert head.status == 200
        whole = await server.get("/canvas.png")
        assert len(whole.body) == int(whole.headers["content-length"]) > 8_000_000


async def test_reader_who_takes_the_least_gets_all_and_who_takes_less_is_cut(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("placed.http.lanes.front.Limits", partial(Limits, send_seconds=0.5))
    async with start(**LARGE) as server:
        fill(server)
        async with connect(server.port, receive_buffer_bytes=65_536) as steady:
            await steady.send("/canvas.png")
            head = await steady.head()
            assert await rest(steady, 0.002) == int(head.headers["content-length"])
        async with connect(server.port, receive_buffer_bytes=4_096) as trickling:
            await trickling.send("/canvas.png")
            await trickling.head()
            with pytest.raises(ConnectionCut):
                await rest(trickling, 0.2)


async def test_slow_reader_is_not_cut_by_the_slow_lanes_own_deadline(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Quart, "default_config", {**Quart.default_config, "RESPONSE_TIMEOUT": 0.2})
    async with start(**LARGE) as server, connect(server.port, receive_buffer_bytes=65_536) as slow:
        fill(server)
        await slow.send("/canvas.png")
        head = await slow.head()
        await trio.sleep(0.5)  # not to synchronise: this time has to pass
        assert await rest(slow) == int(head.headers["content-length"])


@pytest.mark.parametrize("error", [MemoryError(), ZeroDivisionError("a bug")], ids=lambda e: type(e).__name__)
async def test_out_of_memory_or_a_bug_ends_a_connection_and_not_the_server(
    start: Start, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    async with start() as server, connect(server.port) as bystander:
        assert (await bystander.request("/canvas.png")).status == 200
        with monkeypatch.context() as patched:
            patched.setattr(Replies, "reply", fail)
            for method, target in (("GET", "/canvas.png"), ("POST", "/edit?x=1&y=1&color=1")):
                with contextlib.suppress(ConnectionCut):
                    assert (await server.request(method, target)).status == 500
        assert (await bystander.request("/canvas.png")).status == 200
        assert (await server.place(1, 1, 2)).status == 200


def test_least_rate_is_one_that_a_phone_on_2g_reaches() -> None:
    assert writing.LEAST_BYTES * 8 / Limits().send_seconds < 10_000  # bit/s; GPRS has 20,000 to 40,000
