"""The stream of edits from a real server: it resumes exactly, says so when a client has to reload, and lasts."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quart_trio import QuartTrio

from tests.support.exposition import metrics, subscribers
from tests.support.http_connection import connect
from tests.support.serving import HEIGHT, LIMIT_SECONDS, WIDTH, blank, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

RETRY = re.compile(rb"\Aretry: (\d+)\nevent: status\n")


async def test_stream_is_what_a_browser_and_its_proxies_expect(server: Server) -> None:
    async with server.follow("v=0") as stream:
        assert stream.head.status == 200
        assert stream.head.headers["content-type"] == "text/event-stream"
        assert stream.head.headers["cache-control"] == "no-store, no-transform"
        assert stream.head.headers["x-accel-buffering"] == "no"
        assert "content-length" not in stream.head.headers
        assert (await stream.event()).id == "1"
        retry = RETRY.match(stream.text)
        assert retry
        assert 1_000 <= int(retry[1]) <= 5_000


async def test_times_to_reconnect_are_spread(server: Server) -> None:
    times = set()
    for _ in range(5):
        async with server.follow("v=0") as stream:
            await stream.event()
            times.add(stream.text.partition(b"\n")[0])
    assert len(times) > 1


async def test_edit_is_seen_by_all_at_the_version_that_post_answered(server: Server) -> None:
    async with server.follow("v=1") as one, server.follow("v=1&format=json") as other:
        answered = (await server.place(7, 8, 9)).json()["v"]
        seen = await one.event()
        assert seen.id == str(answered)
        assert base64.b64decode(seen.data) == (7 | 8 << 6 | 9 << 11).to_bytes(2, "little")
        assert json.loads((await other.event()).data) == {"v": answered, "edits": [[7, 8, 9]]}


async def test_connection_that_was_cut_is_resumed_exactly(server: Server) -> None:
    for x in range(5):
        await server.place(x, 0, 1)
    async with server.follow("v=1&format=json", ("Last-Event-ID", "4")) as stream:  # as when a browser reconnects
        assert json.loads((await stream.event()).data) == {"v": 6, "edits": [[3, 0, 1], [4, 0, 1]]}


@pytest.mark.parametrize(
    ("query", "code"), [("v=3", "future"), ("v=9223372036854775807", "future"), ("v=1&log=other", "other-log")]
)
async def test_stream_that_cannot_go_on_says_where_to_begin_again_and_ends(
    server: Server, query: str, code: str
) -> None:
    await server.place(1, 1, 1)
    log = (await server.info())["log"]
    async with server.follow(query) as stream:
        event = await stream.event()
        assert (event.kind, event.id) == ("reload", None)
        assert json.loads(event.data) == {"code": code, "v": 2, "log": log}
        assert await stream.next() is None


async def test_stream_from_before_the_feed_is_told_to_reload(server: Server) -> None:
    for x in range(3):
        await server.place(x, 1, 1)
    server.projection.feed.restart(server.projection.version)  # as when the older part has been dropped
    async with server.follow("v=2") as stream:
        assert json.loads((await stream.event()).data)["code"] == "too-old"
        assert await stream.next() is None
    info = await server.info()
    assert info["limits"]["feed_first"] == info["version"] == 4


async def test_own_log_may_be_named(server: Server) -> None:
    log = (await server.info())["log"]
    async with server.follow(f"v=0&log={log}") as stream:
        assert (await stream.event()).id == "1"


@pytest.mark.parametrize(
    ("target", "headers", "parameter"),
    [
        ("/edits", (), "v"),
        ("/edits?v=foo", (), "v"),
        ("/edits?v=-1", (), "v"),
        ("/edits?v=1&v=1", (), "v"),
        ("/edits?v=1e3", (), "v"),
        ("/edits?v=9223372036854775808", (), "v"),
        ("/edits?v=1", (("Last-Event-ID", "foo"),), "Last-Event-ID"),
        ("/edits?v=1&format=xml", (), "format"),
        ("/edits?v=1&format=json&format=json", (), "format"),
        ("/edits?v=1&log=" + "x" * 65, (), "log"),
        ("/edits?v=1&log=a&log=a", (), "log"),
    ],
)
async def test_stream_that_is_asked_for_wrongly_is_refused_by_name(
    standing: Server, target: str, headers: tuple[tuple[str, str], ...], parameter: str
) -> None:
    response = await standing.get(target, *headers)
    assert response.status == 400
    assert (response.json()["code"], response.json()["parameter"]) == ("invalid-parameter", parameter)
    assert (await standing.get("/edits?v=0&more=" + "x" * 2_048)).status == 414


async def test_stream_outlives_the_time_that_quart_gives_a_response(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = {**QuartTrio.default_config, "RESPONSE_TIMEOUT": 0.2}  # seconds; 60 by default
    monkeypatch.setattr(QuartTrio, "default_config", quick)
    async with start() as server, server.follow("v=1") as stream:
        await trio.sleep(0.5)  # not to synchronise: this time has to pass
        await server.place(1, 1, 1)
        assert (await stream.event()).id == "2"


async def test_subscribers_who_go_away_are_forgotten(server: Server) -> None:
    for _ in range(10):
        async with server.follow("v=0") as stream:
            await stream.event()
        async with connect(server.port) as connection:  # gone before the answer
            await connection.send("/edits?v=0")
    with trio.fail_after(LIMIT_SECONDS):
        while subscribers(await metrics(server.port)):
            await server.place(0, 0, 1)  # a write to each stream finds out which are gone


async def test_streams_end_with_the_server_after_its_last_edit(start: Start) -> None:
    async with start() as server, server.follow("v=1&format=json") as stream:
        answer = await server.place(1, 2, 3)
        server.stop.set()
        assert json.loads((await stream.event()).data)["v"] == answer.json()["v"]
        assert await stream.next() is None


async def test_reader_who_never_reads_holds_up_neither_others_nor_the_shutdown(start: Start) -> None:
    async with start(width=1000, height=1000) as server, connect(server.port, receive_buffer_bytes=4_096) as stalled:
        await stalled.send("/edits?v=0&format=json")
        async with server.follow("v=0") as stream:
            await stream.event()
            for x in range(300):
                assert (await server.place(x, 0, 1)).status == 200
            while (await stream.event()).id != "301":
                pass
        began = trio.current_time()
        server.stop.set()
        with trio.fail_after(LIMIT_SECONDS):
            await server.stopped.wait()
        assert trio.current_time() - began < 9


EDITS = st.lists(
    st.tuples(st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), st.integers(0, 15), st.integers(0, 2)), max_size=12
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=EDITS)
def test_any_edits_by_any_way_give_the_models_canvas_in_image_and_stream(
    lane: str, tmp_path: Path, edits: list[tuple[int, int, int, int]]
) -> None:
    async def run() -> None:
        async with serving(lane, tmp_path) as server, server.follow("v=1&format=json") as stream:
            canvas, followed = blank(server.definition), blank(server.definition)
            for x, y, color, way in edits:
                answer = await place(server, x, y, color, way)
                canvas[y, x] = color
                assert answer == server.projection.version
                assert (server.projection.canvas == canvas).all()
                event = json.loads((await stream.event()).data)
                assert event["v"] == answer
                for ex, ey, ecolor in event["edits"]:
                    followed[ey, ex] = ecolor
            assert (followed == canvas).all()
            assert (await server.info())["version"] == 1 + len(edits)

    trio.run(run)


async def place(server: Server, x: int, y: int, color: int, way: int) -> int:
    """Place one edit by query, form or JSON; return the version in the answer."""
    parts = {"x": x, "y": y, "color": color}
    encoded = "&".join(f"{name}={value}" for name, value in parts.items())
    if way == 0:
        response = await server.request("POST", f"/edit?{encoded}")
    elif way == 1:
        form = ("Content-Type", "application/x-www-form-urlencoded")
        response = await server.request("POST", "/edit", form, body=encoded.encode())
    else:
        kind = ("Content-Type", "application/json")
        response = await server.request("POST", "/edit", kind, body=json.dumps(parts).encode())
    assert response.status == 200
    version: int = response.json()["v"]
    return version


async def test_image_of_a_version_and_the_stream_from_it_give_the_canvas(server: Server) -> None:
    random = np.random.default_rng(5)
    for x, y, color in random.integers(0, [WIDTH, HEIGHT, 16], (30, 3)).tolist():
        await server.place(x, y, color)
    version = int((await server.get("/canvas.png")).headers["x-canvas-version"])
    async with server.follow(f"v={version}&format=json") as stream:
        await server.place(1, 1, 7)
        while json.loads((await stream.event()).data)["v"] != server.projection.version:
            pass
    assert server.projection.canvas[1, 1] == 7
