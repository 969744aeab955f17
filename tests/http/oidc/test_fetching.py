"""How much of a provider's answer a server reads, and how long it waits for it."""

from __future__ import annotations

import contextlib
from functools import partial

import pytest
import trio

from bench.equipment.free_ports import free_ports
from placed.http.oidc.errors import ProviderDown
from placed.http.oidc.fetching import MOST_BYTES, Fetching

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"


async def answering(nursery: trio.Nursery, answer: bytes, *, ends: bool = True) -> str:
    """A server that answers everything with these bytes; returns its URL."""

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some(65_536)
            with contextlib.suppress(trio.BrokenResourceError):
                await stream.send_all(answer)
                if not ends:
                    await trio.sleep_forever()

    listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
    return f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/x"


async def test_object_is_taken(nursery: trio.Nursery) -> None:
    url = await answering(nursery, HEAD + b'Content-Length: 8\r\n\r\n{"a": 1}')
    assert await Fetching().document(url) == {"a": 1}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (HEAD + b"\r\n[]", "no JSON object"),
        (HEAD + b"\r\n", "no JSON object"),
        (HEAD + b"\r\n<html>", "no JSON object"),
        (HEAD + b"\r\n" + b"[" * 100_000, "no JSON object"),
        (HEAD + b'Content-Length: 9\r\n\r\n{"a": 1}', "can't be asked"),
        (HEAD + b"\r\n" + b" " * (MOST_BYTES + 1), "more than"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\n{}", "answered 302"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "answered 503"),
        (b"garbage\r\n\r\n", "can't be asked"),
        (b"", "can't be asked"),
    ],
)
async def test_whatever_else_is_answered_is_an_error_with_the_url(
    answer: bytes, words: str, nursery: trio.Nursery
) -> None:
    url = await answering(nursery, answer)
    with pytest.raises(ProviderDown, match=words) as error:
        await Fetching().document(url)
    assert url in str(error.value)


@pytest.mark.parametrize("answer", [b"", HEAD, HEAD + b'\r\n{"a":'])
async def test_who_says_no_end_is_waited_for_so_long(answer: bytes, nursery: trio.Nursery) -> None:
    url = await answering(nursery, answer, ends=False)
    with pytest.raises(ProviderDown, match=r"within 0\.5 s"):
        await Fetching(limit_seconds=0.5).document(url)


async def test_who_is_not_there_is_an_error() -> None:
    with pytest.raises(ProviderDown, match="can't be asked"):
        await Fetching().document(f"http://127.0.0.1:{free_ports(1)[0]}/x")


async def test_refusal_comes_with_what_it_says(nursery: trio.Nursery) -> None:
    url = await answering(nursery, b'HTTP/1.1 400 Bad\r\nContent-Length: 14\r\n\r\n{"error": "a"}')
    status, told = await Fetching().ask("POST", url, {}, "a=b")
    assert (status, told) == (400, {"error": "a"})
