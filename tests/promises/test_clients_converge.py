"""Promise 3: a client that loads any served image and follows from its version ends with the server's canvas.

Not only at the end: at each version that a client ever was at, its canvas is compared with the log's.
"""

from __future__ import annotations

import signal
import zlib
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
import trio

from bench.equipment.cut_proxy import CutProxy, Weather, open_proxy
from tests.support.caching_proxy import CachingProxy
from tests.support.http_connection import connect, get, place
from tests.support.offline_log import ModelCanvas, append_records, read_records, record_of
from tests.support.painters import Load, at_random
from tests.support.server_process import running
from tests.support.stream_client import Habits, Sighting, StreamClient, served_pixels
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.offline_log import Edit

WIDTH, HEIGHT, COLORS = 64, 48, 16
ALL_SECONDS = 150.0  # 10 s on an idle machine
SETTLE_SECONDS = PATIENCE_SECONDS
PAUSE_SECONDS = 0.05  # of each of 8 people: 160 edits a second, so that slow clients aren't cut in each catch-up
FEED_RECORDS = 4_096  # placed.tasks.recovery.FEED_RECORDS: how far back a restarted server's feed reaches

HABITS = (
    Habits(),
    Habits(as_json=True),
    Habits(image_seconds=0.5),
    Habits(image_seconds=3.0),
    Habits(image_seconds=1.0, as_json=True),
    Habits(byte_seconds=0.002, slow_bytes=600),
    Habits(byte_seconds=0.002, slow_bytes=600, as_json=True),
    Habits(byte_seconds=0.01, slow_bytes=200, receive_buffer_bytes=2_048),
)


async def _live_through(data: Path, proxies: list[CutProxy], edits: int, end: signal.Signals, load: Load) -> None:
    """Run the server once behind the proxies, until `edits` edits were acknowledged, and then `end` it."""
    enough = trio.Event()
    wanted = len(load.acknowledged) + edits
    load.on_acknowledged = lambda: enough.set() if len(load.acknowledged) >= wanted else None
    async with running(data) as server, trio.open_nursery() as nursery:
        for proxy in proxies:
            proxy.upstream_port = server.port
        nursery.start_soon(load.paint, server.port, 8, PAUSE_SECONDS)
        await enough.wait()
        server.send(end)
        await server.wait()
        for proxy in proxies:
            proxy.upstream_port = None


async def _paint_until_each_saw_a_frame(
    port: int, clients: list[StreamClient], edits: Iterator[Edit]
) -> dict[str, Any]:
    """Paint one edit after the other, each awaited by all clients; a client may get one by an image, but not all."""
    async with connect(port) as connection:
        while True:
            info: dict[str, Any] = (await get(port, "/info")).json()
            for client in clients:
                await client.wait_for(info["log"], info["version"])
            if all(client.told.frames for client in clients):
                return info
            assert (await place(connection, *next(edits))).status == 200


def _check_sightings(clients: list[StreamClient], log: str, records: list[list[Edit]]) -> None:
    canvas = ModelCanvas(WIDTH, HEIGHT)
    crcs = {0: zlib.crc32(canvas.pixels)}
    for edits in records:
        canvas.paint(edits)
        crcs[canvas.version] = zlib.crc32(canvas.pixels)
    wrong = [
        f"client {number} at version {seen.version}"
        for number, client in enumerate(clients)
        for seen in client.sightings
        if seen != Sighting(log, seen.version, crcs[seen.version])
    ]
    assert wrong == []


@pytest.mark.timeout(200)
async def test_clients_are_right_at_each_version_through_restarts_cuts_delays_slow_links_and_caches(
    tmp_path: Path, chance: random.Random
) -> None:
    load = Load(at_random(chance, WIDTH, HEIGHT, COLORS))
    with trio.fail_after(ALL_SECONDS):
        async with (
            open_proxy(CutProxy, chance) as storm,
            open_proxy(CachingProxy, chance) as cache,
            trio.open_nursery() as nursery,
        ):
            storm.weather = Weather(cut_bytes=3_000, delay_seconds=0.02)
            cache.weather = Weather(cut_bytes=6_000, cut_share=0.5)
            proxies = [storm, cache]
            clients = [StreamClient(proxy.port, habits, chance) for proxy in proxies for habits in HABITS]
            for client in clients:
                nursery.start_soon(client.run)
            for end in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
                await _live_through(tmp_path, proxies, chance.randint(150, 250), end, load)
                for proxy in proxies:  # newcomers, who may get an old image
                    clients += [StreamClient(proxy.port, habits, chance) for habits in HABITS[:3]]
                for client in clients[-6:]:
                    nursery.start_soon(client.run)
            # While it is down, append more records than the next run's feed reaches back.
            others = at_random(chance, WIDTH, HEIGHT, COLORS)
            more = [record_of([next(others)]) for _ in range(FEED_RECORDS + 100)]
            await append_records(tmp_path / "log", more)
            await _live_through(tmp_path, proxies, 400, signal.SIGTERM, load)
            storm.weather = cache.weather = Weather()
            async with running(tmp_path) as server:
                for proxy in proxies:
                    proxy.upstream_port = server.port
                with trio.fail_after(SETTLE_SECONDS):
                    info = await _paint_until_each_saw_a_frame(server.port, clients, others)
                served = await served_pixels(server.port, info["version"])
            nursery.cancel_scope.cancel()
    assert [number for number, client in enumerate(clients) if client.pixels != served] == []
    records = await read_records(tmp_path / "log")
    assert ModelCanvas.of(records, WIDTH, HEIGHT).pixels == served
    _check_sightings(clients, info["log"], records)
    # The network was as bad as intended.
    assert storm.cuts > 20
    assert cache.hits > 5
    assert "too-old" in [code for client in clients for code in client.told.reloads]


@pytest.mark.parametrize("newer", ["shorter", "longer"])
async def test_clients_move_to_another_log(tmp_path: Path, chance: random.Random, newer: str) -> None:
    old, new = (20, 5) if newer == "shorter" else (5, 20)
    with trio.fail_after(ALL_SECONDS):
        async with open_proxy(CutProxy, chance) as proxy, trio.open_nursery() as nursery:
            clients = [StreamClient(proxy.port, habits, chance) for habits in (Habits(), Habits(as_json=True))]
            for client in clients:
                nursery.start_soon(client.run)
            for name, count in (("old", old), ("new", new)):
                async with running(tmp_path / name) as server, connect(server.port) as connection:
                    for edit in islice(at_random(chance, WIDTH, HEIGHT, COLORS), count):
                        assert (await place(connection, *edit)).status == 200
                    proxy.upstream_port = server.port
                    log = (await get(server.port, "/info")).json()["log"]
                    for client in clients:
                        await client.wait_for(log, count + 1)
                    served = await served_pixels(server.port, count + 1)
                    proxy.upstream_port = None
                    await server.stop()
            nursery.cancel_scope.cancel()
    assert [client.pixels for client in clients] == [served, served]
    assert [client.told.reloads for client in clients] == [["other-log"], ["other-log"]]


async def test_image_followed_half_a_minute_later_has_no_gap(tmp_path: Path, chance: random.Random) -> None:
    """A client loads the image, everything goes on, even a restart, and only then it asks for the stream."""
    async with running(tmp_path) as server, connect(server.port) as connection:
        assert (await place(connection, 1, 1, 1)).status == 200
        early = StreamClient(server.port, Habits(), chance)
        await early.load()
        for edit in islice(at_random(chance, WIDTH, HEIGHT, COLORS), 200):
            assert (await place(connection, *edit)).status == 200
        await server.kill()
    async with running(tmp_path) as server, trio.open_nursery() as nursery:
        info = (await get(server.port, "/info")).json()
        early.port = server.port
        nursery.start_soon(early.follow)
        with trio.fail_after(SETTLE_SECONDS):
            await early.wait_for(info["log"], info["version"])
        assert early.pixels == await served_pixels(server.port, info["version"])
        nursery.cancel_scope.cancel()
    assert early.told.images == 1
    _check_sightings([early], info["log"], await read_records(tmp_path / "log"))
