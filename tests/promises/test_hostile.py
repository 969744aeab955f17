"""Promise 4: a slow, stalled or hostile client costs bounded memory and delays nobody."""

from __future__ import annotations

import base64
import statistics
from contextlib import AsyncExitStack
from itertools import islice
from typing import TYPE_CHECKING

import pytest
import trio

from tests.support.exposition import metrics, subscribers
from tests.support.http_connection import connect, place
from tests.support.offline_log import ModelCanvas, append_records, canvas_record, read_records, record_of
from tests.support.painters import at_random
from tests.support.server_process import running
from tests.support.stream_client import EventParser, served_pixels, unpack

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tests.support.http_connection import HttpConnection
    from tests.support.server_process import ServerProcess

WIDTH, HEIGHT, COLORS = 1000, 1000, 16  # large enough that frames are far larger than a socket's buffers
LIMIT_SECONDS = 60.0
IDLE, HALF_HEADS, STALLED, HALF_OPEN = 150, 50, 80, 20  # 300 connections
PROBES = 40
SLOWEST_SECONDS = 3.0  # 10 ms on an idle machine; on two busy cores at times a hundred times that
USUAL_SECONDS = 0.5
BYTES_PER_STALLED = 100_000  # the one frame that it doesn't read, in JSON 62 KB
BYTES_PER_IDLE = 60_000  # Hypercorn takes 20 to 40 KB
SHUTDOWN_SECONDS = 10.0
LAYOUT = {"x_bits": 10, "y_bits": 10, "bytes": 3}
FLAGS = ("--width", str(WIDTH), "--height", str(HEIGHT))
_SMALL_BUFFER_BYTES = 2_048


async def _besiege(stack: AsyncExitStack, port: int) -> None:
    """Open bad connections of all kinds, and leave them open."""
    for _ in range(IDLE):
        await stack.enter_async_context(connect(port))
    for _ in range(HALF_HEADS):
        half = await stack.enter_async_context(connect(port))
        await half.stream.send_all(b"GET /edits?v=1 HTTP/1.1\r\nHost: placed.test\r\nX-Slow: ")
    for number in range(STALLED + HALF_OPEN):
        stalled = await stack.enter_async_context(connect(port, receive_buffer_bytes=_SMALL_BUFFER_BYTES))
        await stalled.send("/edits?v=1&format=json" if number % 2 else "/edits?v=1")
        if number >= STALLED:
            await stalled.stream.send_eof()


async def _latencies(port: int, chance: random.Random, count: int) -> list[float]:
    """Seconds from sending each of `count` edits until another connection's stream has shown it."""
    seen: dict[int, trio.Event] = {}
    latencies = []
    async with connect(port) as painter, connect(port) as watcher, trio.open_nursery() as nursery:
        first = (await painter.request("/info")).json()["version"]
        await watcher.send(f"/edits?v={first}")
        assert (await watcher.head()).status == 200
        nursery.start_soon(_watch, watcher, seen)
        for edit in islice(at_random(chance, WIDTH, HEIGHT, COLORS), count):
            began = trio.current_time()
            answer = await place(painter, *edit)
            assert answer.status == 200
            await seen.setdefault(answer.json()["v"], trio.Event()).wait()
            latencies.append(trio.current_time() - began)
        nursery.cancel_scope.cancel()
    return latencies


async def _watch(watcher: HttpConnection, seen: dict[int, trio.Event]) -> None:
    parser = EventParser()
    while (data := await watcher.data()) is not None:
        for event in parser.feed(data):
            assert event.id is not None
            seen.setdefault(int(event.id), trio.Event()).set()


async def _prefill(data: Path, chance: random.Random) -> None:
    """Fill the feed so far that its first frame stalls a client that doesn't read."""
    edits = at_random(chance, WIDTH, HEIGHT, COLORS)
    records = [record_of(list(islice(edits, 100))) for _ in range(2_000)]
    await append_records(data / "log", [canvas_record(WIDTH, HEIGHT, COLORS)])
    await append_records(data / "log", records)


@pytest.mark.timeout(120)
async def test_hostile_connections_cost_bounded_memory_delay_nobody_and_cannot_hold_up_the_stop(
    tmp_path: Path, chance: random.Random
) -> None:
    await _prefill(tmp_path, chance)
    with trio.fail_after(LIMIT_SECONDS):
        async with running(tmp_path, *FLAGS) as server, AsyncExitStack() as stack:
            quiet = await _latencies(server.port, chance, PROBES)
            before = server.resident_bytes()
            await _besiege(stack, server.port)
            besieged = await _latencies(server.port, chance, PROBES)
            grown = server.resident_bytes() - before
            # And the memory stays there, however long the attack lasts.
            besieged += await _latencies(server.port, chance, PROBES)
            grown_later = server.resident_bytes() - before
            began = trio.current_time()
            await server.stop()
            stopped_in = trio.current_time() - began
            assert "Traceback" not in server.output
    figures = (
        f"median {statistics.median(quiet) * 1000:.1f} ms alone, {statistics.median(besieged) * 1000:.1f} ms besieged, "
        f"at worst {max(besieged) * 1000:.0f} ms; {grown / 1e6:.1f} MB more, then {grown_later / 1e6:.1f} MB; "
        f"stopped in {stopped_in:.1f} s"
    )
    print(figures)  # noqa: T201 - pytest shows it when the test fails
    assert statistics.median(besieged) < USUAL_SECONDS, figures
    assert max(besieged) < SLOWEST_SECONDS, figures
    assert grown < BYTES_PER_STALLED * (STALLED + HALF_OPEN) + BYTES_PER_IDLE * (IDLE + HALF_HEADS), figures
    assert grown_later < grown + 5_000_000, figures
    assert stopped_in < SHUTDOWN_SECONDS, figures
    assert len(await read_records(tmp_path / "log")) == 2_001 + 3 * PROBES


async def test_stalled_reader_who_goes_on_gets_everything_it_missed(tmp_path: Path, chance: random.Random) -> None:
    await _prefill(tmp_path, chance)
    with trio.fail_after(LIMIT_SECONDS):
        async with running(tmp_path, *FLAGS) as server:
            async with connect(server.port, receive_buffer_bytes=_SMALL_BUFFER_BYTES) as stalled:
                await stalled.send("/edits?v=1")
                await _latencies(server.port, chance, PROBES)
                canvas = ModelCanvas(WIDTH, HEIGHT)
                end = 2_001 + PROBES
                assert await _follow_to(stalled, canvas, end) == end
            assert canvas.pixels == await served_pixels(server.port, end)


async def _follow_to(connection: HttpConnection, canvas: ModelCanvas, end: int) -> int:
    assert (await connection.head()).status == 200
    parser = EventParser()
    version = 1
    while version < end:
        data = await connection.data()
        assert data is not None
        for event in parser.feed(data):
            assert event.id is not None
            canvas.paint(unpack(base64.b64decode(event.data), LAYOUT))
            version = int(event.id)
    return version


@pytest.mark.timeout(120)
async def test_connections_that_come_and_go_leave_no_memory_behind(tmp_path: Path) -> None:
    async with running(tmp_path, *FLAGS) as server:
        await _come_and_go(server, 100)
        before = server.resident_bytes()
        await _come_and_go(server, 400)
        grown = server.resident_bytes() - before
        assert grown < 10_000_000, f"{grown / 1e6:.1f} MB more after 400 streams and their ends"
        await server.stop()


async def _come_and_go(server: ServerProcess, count: int) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        for _ in range(count):
            async with connect(server.port) as connection:
                await connection.send("/edits?v=1")
                assert (await connection.head()).status == 200
        while subscribers(await metrics(server.port)):  # noqa: ASYNC110 - it only tells when asked
            await trio.sleep(0.05)
