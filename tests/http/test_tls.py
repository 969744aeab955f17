"""HTTPS: the same server over TLS, with HTTP/1.1 and HTTP/2, and peers that don't speak TLS."""

from __future__ import annotations

import contextlib
import io
import json
import ssl
from typing import TYPE_CHECKING

import attrs
import httpx
import pytest
import trio
import trustme
from PIL import Image
from quart_trio import QuartTrio

from placed.http.lanes.connection import Limits
from placed.http.lanes.front import Front
from placed.http.tls import server_context
from tests.support.serving import LIMIT_SECONDS, rest_of, serving
from tests.support.stream_client import EventParser

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.support.serving import Server


@attrs.frozen
class Authority:
    """A certificate for 127.0.0.1, in a file, and a context for clients that trusts it."""

    file: Path
    client: ssl.SSLContext


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    ca = trustme.CA()
    file = tmp_path / "cert.pem"
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(file)
    return Authority(file, ssl.create_default_context(cadata=ca.cert_pem.bytes().decode()))


@contextlib.asynccontextmanager
async def browsing(server: Server, authority: Authority, *, http2: bool) -> AsyncGenerator[httpx.AsyncClient]:
    """A client that behaves like a browser."""
    limit = httpx.Timeout(LIMIT_SECONDS)
    async with httpx.AsyncClient(
        base_url=server.url, verify=authority.client, http2=http2, timeout=limit, trust_env=False
    ) as client:
        yield client


@pytest.mark.parametrize(("http2", "version"), [(False, "HTTP/1.1"), (True, "HTTP/2")])
async def test_everything_is_served(tmp_path: Path, authority: Authority, *, http2: bool, version: str) -> None:
    async with (
        serving("fast", tmp_path, certificate=authority.file) as server,
        browsing(server, authority, http2=http2) as client,
        client.stream("GET", "/edits?v=1&format=json") as stream,
    ):
        assert server.url.startswith("https://127.0.0.1:")
        assert stream.http_version == version
        same_site = {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}
        placed = await client.post("/edit", data={"x": "1", "y": "2", "color": "3"}, headers=same_site)
        assert (placed.status_code, placed.json()) == (200, {"v": 2})
        picture = await client.get("/canvas.png?v=2")
        assert Image.open(io.BytesIO(picture.content)).getpixel((1, 2)) == 3
        assert (await client.get("/edit")).status_code == 405
        assert (await client.post("/edit?x=-1&y=0&color=0")).status_code == 400
        assert (await client.get("/")).status_code == 200
        server.stop.set()
        with trio.fail_after(LIMIT_SECONDS):
            told = b"".join([piece async for piece in stream.aiter_bytes()])
            await server.stopped.wait()
        (event,) = EventParser().feed(told)
        assert json.loads(event.data) == {"v": 2, "edits": [[1, 2, 3]]}


@pytest.mark.parametrize("http2", [False, True])
async def test_only_hosts_that_are_answered_for_are_so(tmp_path: Path, authority: Authority, *, http2: bool) -> None:
    async with (
        serving("fast", tmp_path, certificate=authority.file, allowed_hosts=("place.lan",)) as server,
        browsing(server, authority, http2=http2) as client,
    ):
        for host, expected in (("place.lan:443", 200), ("[::1]", 200), ("evil.example", 421), ("a,b", 400), ("*", 400)):
            for path in ("/info", "/metrics", "/canvas.png"):
                answer = await client.get(path, headers={"Host": host})
                assert (host, path, answer.status_code) == (host, path, expected)
        own = {"Host": "place.lan", "Origin": "https://place.lan:443"}
        assert (await client.post("/edit?x=1&y=1&color=1", headers=own)).status_code == 200
        assert (await client.post("/edit?x=1&y=1&color=1", headers={**own, "Origin": "https://b"})).status_code == 403


async def test_peers_without_tls_are_cut_and_others_served(tmp_path: Path, authority: Authority) -> None:
    async with (
        serving("fast", tmp_path, certificate=authority.file) as server,
        browsing(server, authority, http2=True) as client,
    ):
        for said in (
            b"GET /healthz HTTP/1.1\r\nHost: [::1]\r\n\r\n",
            b"\x16\x03\x01" + bytes(600),
            b"\xff" * 5_000,
        ):
            answer = await server.exchange(said)
            assert b"HTTP/" not in answer
        assert (await client.get("/healthz")).status_code == 200


async def test_peer_who_never_shakes_hands_is_cut(authority: Authority) -> None:
    limits = Limits(head_seconds=0.2)
    front = Front(QuartTrio(__name__), limits=limits, tls=server_context(authority.file, None))
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    async with trio.open_nursery() as nursery:
        await nursery.start(front.serve, listeners)
        with trio.fail_after(LIMIT_SECONDS):
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                assert await rest_of(stream) == b""
        await front.stop(0)
        nursery.cancel_scope.cancel()
    assert front.connections == 0
