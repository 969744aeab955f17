"""Promise 4 over HTTP/2: attackers who come back as soon as the server cuts them, and an honest client."""

from __future__ import annotations

import ssl
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import trio
from hyperframe.frame import ContinuationFrame, Frame, PingFrame, RstStreamFrame, SettingsFrame

from tests.promises.bystander import standing_by
from tests.support.http2_peer import Http2Peer, certificate, speaking
from tests.support.server_process import running

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

ATTACKERS = 4
STALLED, STREAMS = 5, 100
BYTES_PER_STREAM = 120_000


def _resets(peer: Http2Peer) -> list[Frame]:
    pairs = ((peer.request(n, b"/canvas.png"), RstStreamFrame(n, error_code=8)) for n in range(1, 2_000, 2))
    return [frame for pair in pairs for frame in pair]


def _continuations(peer: Http2Peer) -> list[Frame]:
    head = peer.request(1)
    head.flags.discard("END_HEADERS")
    return [head, *[ContinuationFrame(1, bytes(16_000))] * 300]


FLOODS: dict[str, Callable[[Http2Peer], list[Frame]]] = {
    "rapid reset": _resets,
    "pings": lambda _: [PingFrame(0, b"12345678")] * 5_000,
    "settings": lambda _: [SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: n}) for n in range(5_000)],
    "continuation": _continuations,
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
async def test_flood_over_http2_costs_bounded_memory_and_delays_nobody(
    tmp_path: Path, chance: random.Random, flood: Callable[[Http2Peer], list[Frame]]
) -> None:
    file, context = certificate(tmp_path)
    cut = 0

    async def attack(port: int, mine: ssl.SSLContext) -> None:
        nonlocal cut
        while True:
            try:
                async with speaking(port, mine) as peer:
                    await peer.say(*flood(peer))
                    await peer.rest()
                    cut += 1
            except trio.BrokenResourceError:
                cut += 1

    attackers = certificate_context(context)
    async with (
        running(tmp_path / "data", "--certificate", str(file)) as server,
        standing_by(server, chance, most_bytes=60_000_000, context=context) as bystander,
        trio.open_nursery() as nursery,
    ):
        for _ in range(ATTACKERS):
            nursery.start_soon(attack, server.port, attackers)
        await bystander.rounds(8)
        nursery.cancel_scope.cancel()
    assert cut


def certificate_context(trusting: ssl.SSLContext) -> ssl.SSLContext:
    """Another context with the same trust, because a context decides whether HTTP/2 is used."""
    context = ssl.create_default_context()
    for authority in trusting.get_ca_certs(binary_form=True):
        context.load_verify_locations(cadata=authority)
    return context


async def test_streams_stalled_by_their_windows_cost_bounded_memory_and_delay_nobody(
    tmp_path: Path, chance: random.Random
) -> None:
    file, context = certificate(tmp_path)
    attackers = certificate_context(context)
    flags = ("--certificate", str(file), "--width", "1500", "--height", "1500")
    async with (
        running(tmp_path / "data", *flags) as server,
        AsyncExitStack() as stack,
        standing_by(server, chance, most_bytes=STALLED * STREAMS * BYTES_PER_STREAM, context=context),
    ):
        for _ in range(STALLED):
            peer = await stack.enter_async_context(speaking(server.port, attackers, window=0))
            targets = (b"/canvas.png", b"/edits?v=1", b"/static/paint.js")
            assert await peer.say(*(peer.request(2 * n + 1, targets[n % 3]) for n in range(STREAMS)))
