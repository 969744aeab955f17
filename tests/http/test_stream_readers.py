"""Streams as other HTTP clients read them: in chunks over HTTP/1.1, to the connection's end over HTTP/1.0."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import requests
import trio

from placed.stream.chunked import LAST_CHUNK, data_of
from tests.support.serving import LIMIT_SECONDS, rest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

LINE_SECONDS: Final = 10.0


def asked(target: str, version: str = "1.1") -> bytes:
    """The bytes of a request for a stream."""
    return f"GET {target} HTTP/{version}\r\nHost: placed.test\r\nConnection: close\r\n\r\n".encode()


async def bytes_of_stream(server: Server, request: bytes) -> tuple[bytes, bytes]:
    """Head and body of a stream that has sent one edit, when the server stops."""
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        await stream.send_all(request)
        begun = b""
        while b"event: status" not in begun:
            begun += await stream.receive_some()
        await server.place(1, 2, 3)
        while b"[1,2,3]" not in begun:
            begun += await stream.receive_some()
        server.stop.set()
        head, _, body = (begun + await rest_of(stream)).partition(b"\r\n\r\n")
        return head.lower(), body


async def test_http_1_1_stream_is_chunked_and_ends_with_the_last_chunk(server: Server) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        head, body = await bytes_of_stream(server, asked("/edits?v=1&format=json"))
    assert b"\r\ntransfer-encoding: chunked" in head
    assert b"content-length" not in head
    assert body.endswith(b"\r\n" + LAST_CHUNK)
    opening, *others = _chunks(body)
    assert opening.startswith(b"retry: ")
    assert all(chunk.endswith(b"\n\n") for chunk in (opening, *others))
    assert _without_statuses(b"".join(others)) == [b'id: 2\ndata: {"v":2,"edits":[[1,2,3]]}']


def _without_statuses(body: bytes) -> list[bytes]:
    """A stream's other events: a status may come as there is a viewer now, and as the server takes no more edits."""
    *events, end = body.split(b"\n\n")
    assert end == b""
    return [event for event in events if b"event: status" not in event]


def _chunks(body: bytes) -> Iterator[bytes]:
    while not body.startswith(LAST_CHUNK):
        line = body.index(b"\r\n") + 2
        end = line + int(body[:line], 16) + 2
        yield data_of(body[:end])
        body = body[end:]
    assert body == LAST_CHUNK


async def test_http_1_0_stream_is_plain_and_ends_with_the_connection(server: Server) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        head, body = await bytes_of_stream(server, asked("/edits?v=1&format=json", "1.0"))
    assert b"transfer-encoding" not in head
    assert body.startswith(b"retry: ")
    assert _without_statuses(body) == [b'id: 2\ndata: {"v":2,"edits":[[1,2,3]]}']


async def test_stream_that_only_sends_back_to_the_image_ends_whole(server: Server) -> None:
    answer = await server.exchange(asked("/edits?v=99"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    (event,) = _chunks(body)
    assert event.startswith(b"retry: ")
    assert b"\nevent: reload\n" in event


async def test_line_comes_as_soon_as_it_is_sent_to_one_who_reads_512_bytes_at_a_time(server: Server) -> None:
    to, came = trio.open_memory_channel[bytes](100)
    token = trio.lowlevel.current_trio_token()

    def read() -> None:
        url = f"http://127.0.0.1:{server.port}/edits?v=1&format=json"
        with requests.get(url, stream=True, timeout=LINE_SECONDS) as response:
            for line in response.iter_lines():  # chunks of 512 bytes, its own default
                trio.from_thread.run_sync(to.send_nowait, line, trio_token=token)
        trio.from_thread.run_sync(to.close, trio_token=token)

    async def event() -> list[bytes]:
        told = []
        while line := await came.receive():
            told.append(line)
        return told

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, read)
        with trio.fail_after(LIMIT_SECONDS):
            first = await event()
            assert first[0].startswith(b"retry: ")
            assert first[1] == b"event: status"
            for x in range(3):
                await server.place(x, 0, 1)
                while (told := await event())[0] == b"event: status":
                    pass
                assert _edits(told[1]) == [[x, 0, 1]]
            server.stop.set()
            rest = [line async for line in came]
            assert _without_statuses(b"\n".join([*rest, b""])) == []


def _edits(line: bytes) -> Any:
    return json.loads(line.removeprefix(b"data: "))["edits"]
