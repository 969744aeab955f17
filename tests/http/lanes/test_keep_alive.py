"""Connections whose edits are answered while their task sleeps: order, hang-ups, and answers that don't fit."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio

from placed.backends.memory import open_memory_log
from tests.support.http_connection import connect
from tests.support.serving import LIMIT_SECONDS, serving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.support.serving import Server

HOST = b"Host: placed.test\r\n"
EDIT = b"POST /edit?x=%d&y=2&color=3 HTTP/1.1\r\n" + HOST + b"\r\n"
OK = b"HTTP/1.1 200"


class HeldLog:
    """A server whose log appends nothing until `release` is set.

    Attributes:
        reached: set when a record has reached the log.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.reached = trio.Event()
        self.release = trio.Event()


@pytest.fixture
async def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[HeldLog]:
    """A server of the fast lane with a log that waits."""
    async with open_memory_log() as log, serving("fast", tmp_path, open_log=log) as server:
        subject, append = HeldLog(server), log.append

        async def wait(value: bytes) -> int:
            subject.reached.set()
            await subject.release.wait()
            return await append(value)

        monkeypatch.setattr(log, "append", wait)
        yield subject
        subject.release.set()


async def answered(stream: trio.SocketStream, count: int) -> bytes:
    """Receive until `count` answers have arrived."""
    data = b""
    with trio.fail_after(LIMIT_SECONDS):
        while data.count(b"HTTP/1.1 ") < count or not data.endswith(b"}"):
            piece = await stream.receive_some()
            assert piece, f"the connection ended after {data!r}"
            data += piece
    return data


async def test_what_is_sent_while_an_edit_is_under_way_is_answered_after_it(held: HeldLog) -> None:
    async with await trio.open_tcp_stream("127.0.0.1", held.server.port) as stream:
        await stream.send_all(EDIT % 1)
        with trio.fail_after(LIMIT_SECONDS):
            await held.reached.wait()
        await stream.send_all(b"GET /edit HTTP/1.1\r\n" + HOST + b"\r\n")
        assert (await held.server.get("/healthz")).status == 200  # the server has read it by then, but not answered it
        held.release.set()
        data = await answered(stream, 2)
        assert data.startswith(OK)
        assert data.index(b'{"v":') < data.index(b"HTTP/1.1 405")
        await stream.send_all(EDIT % 2)
        assert (await answered(stream, 1)).startswith(OK)


async def test_edit_of_one_who_left_is_placed_all_the_same(held: HeldLog) -> None:
    async with await trio.open_tcp_stream("127.0.0.1", held.server.port) as stream:
        await stream.send_all(EDIT % 1)
        with trio.fail_after(LIMIT_SECONDS):
            await held.reached.wait()
    held.release.set()
    assert (await held.server.place(2, 2, 3)).status == 200
    assert held.server.projection.canvas[2, 1] == 3


def taken_at_once() -> int:
    """How much of a long answer a socket takes before the client reads anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        sender, _ = listener.accept()
        with sender:
            sender.setblocking(False)
            return sender.send(bytes(50_000_000))


@pytest.mark.parametrize("requests", [1, 3])
async def test_image_that_the_socket_does_not_take_whole_comes_whole(tmp_path: Path, requests: int) -> None:
    async with serving("fast", tmp_path, width=4_000, height=4_000) as server:
        server.projection.canvas[:] = np.random.default_rng(1).integers(0, 16, server.projection.canvas.shape)
        async with connect(server.port) as connection:
            images = [(await connection.request("/canvas.png")).body for _ in range(requests)]
        assert len(images) == requests
        assert len(set(images)) == 1
        assert len(images[0]) > 1.5 * taken_at_once()
        assert images[0].endswith(b"IEND\xaeB`\x82")
