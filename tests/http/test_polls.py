"""`GET /edits` with `wait`: the answer has all new edits, at once or as soon as there are some."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trio

from placed.backends import LogUnavailable
from placed.backends.memory import open_memory_log
from placed.canvas.definition import Definition
from placed.canvas.events import Canvas
from placed.canvas.palette import SEED
from placed.commands.settings.kinds import LOOPBACK
from placed.http import polls
from placed.http.polls import MAX_WAIT_SECONDS, MOST_POLLS
from tests.support.exposition import metrics, subscribers
from tests.support.http2_peer import certificate
from tests.support.http_connection import connect
from tests.support.scripted_log import ScriptedLog
from tests.support.serving import HEIGHT, LIMIT_SECONDS, WIDTH, serving
from tests.support.stream_client import EventParser

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.http_connection import HttpConnection, Response
    from tests.support.serving import Server
    from tests.support.stream_client import Event

    Start = Callable[..., AbstractAsyncContextManager[Server]]

JSON = ("Content-Type", "application/json")
LONG = f"wait={MAX_WAIT_SECONDS}"  # longer than a test may take, so every answer has another reason


def events(answer: Response) -> tuple[list[dict[str, Any]], list[Event]]:
    """The statuses and the events of a whole answer; nothing is cut off."""
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-store, no-transform"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert answer.body.startswith(b"retry: ")
    assert answer.body.endswith(b"\n\n")
    parser = EventParser()
    return parser.statuses, parser.feed(answer.body)


async def until_waiting(server: Server, count: int) -> None:
    """Wait until `count` polls are open."""
    with trio.fail_after(LIMIT_SECONDS):
        while (await metrics(server.port))["placed_polls"] != count:  # noqa: ASYNC110 - watched as operators do
            await trio.sleep(0.05)  # /metrics costs the server more than a poll


async def polling(server: Server, connection: HttpConnection, query: str, waiting: int = 1) -> None:
    """Send a poll, and wait until the server has it waiting."""
    await connection.send(f"/edits?{query}")
    await until_waiting(server, waiting)


async def test_poll_with_nothing_new_has_the_status_alone_once_its_time_is_over(server: Server) -> None:
    for wait in ("0", "0.2"):
        began = trio.current_time()
        statuses, frames = events(await server.get(f"/edits?v=1&wait={wait}"))
        assert trio.current_time() - began >= float(wait)
        assert (statuses, frames) == ([{"v": 1, "viewers": 1, "writable": True}], [])


async def test_poll_has_what_is_there_at_once(server: Server) -> None:
    await server.place(1, 2, 3)
    await server.place(4, 5, 6)
    statuses, frames = events(await server.get(f"/edits?v=1&format=json&{LONG}"))
    assert [status["v"] for status in statuses] == [3]
    assert [(frame.id, json.loads(frame.data)) for frame in frames] == [
        ("3", {"v": 3, "edits": [[1, 2, 3], [4, 5, 6]]})
    ]
    codes = events(await server.get("/edits?v=2&wait=0"))[1]
    assert [(frame.id, frame.data) for frame in codes] == [("3", "RDE=")]


async def test_poll_that_waits_is_answered_with_the_next_edits(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polls, "_GATHER_SECONDS", (2.0, 2.0))  # a busy machine may be slow to place three edits
    async with connect(server.port) as connection:
        await polling(server, connection, f"v=1&format=json&{LONG}")
        assert (await server.info())["viewers"] == 1
        for x in range(3):  # soon after one another, so all are in one answer
            await server.place(x, 2, 3)
        with trio.fail_after(LIMIT_SECONDS):
            statuses, frames = events(await connection.answer())
        assert [status["v"] for status in statuses] == [4]
        assert [json.loads(frame.data)["edits"] for frame in frames] == [[[0, 2, 3], [1, 2, 3], [2, 2, 3]]]
    assert (await server.info())["viewers"] == 0
    assert (await metrics(server.port))["placed_polls"] == 0


async def test_connection_is_good_for_the_next_poll_and_for_an_edit(server: Server) -> None:
    async with connect(server.port) as connection:
        version = 1
        for x in range(4):
            placed = await connection.request(f"/edit?x={x}&y=1&color=1", method="POST")
            _, (frame,) = events(await connection.request(f"/edits?v={version}&format=json&{LONG}"))
            assert frame.id == str(placed.json()["v"])
            version = int(frame.id)


async def test_last_id_that_came_resumes_exactly(server: Server) -> None:
    for x in range(3):
        await server.place(x, 0, 1)
    for last in ((("Last-Event-ID", "3"),), ()):
        query = "v=1" if last else "v=1&lastEventId=3"
        _, (frame,) = events(await server.get(f"/edits?{query}&format=json&wait=0", *last))
        assert json.loads(frame.data) == {"v": 4, "edits": [[2, 0, 1]]}


async def test_answer_is_bounded_and_the_rest_comes_with_the_next_ones(start: Start) -> None:
    async with start(width=1000, height=1000) as server:
        for y in range(30):
            edits = [[x, y, 1 + y % 15] for x in range(1_000)]
            answer = await server.request("POST", "/edits", JSON, body=json.dumps({"edits": edits}).encode())
            assert answer.status == 200
        version, got, sizes = 1, 0, []
        while version < server.projection.version:
            answer = await server.get(f"/edits?v={version}&format=json&wait=5")
            _, frames = events(answer)
            version = int(frames[-1].id or 0)
            got += sum(len(json.loads(frame.data)["edits"]) for frame in frames)
            sizes.append(len(answer.body))
        assert got == 30_000
        assert len(sizes) > 2
        assert max(sizes) < 130_000


@pytest.mark.parametrize(
    ("query", "code"),
    [("v=9223372036854775807&wait=0.1", "future"), ("v=2&wait=0", "future"), (f"v=1&log=other&{LONG}", "other-log")],
)
async def test_poll_that_cannot_go_on_says_where_to_begin_again(server: Server, query: str, code: str) -> None:
    statuses, (event,) = events(await server.get(f"/edits?{query}"))
    assert (statuses, event.kind, event.id) == ([], "reload", None)
    assert json.loads(event.data) == {"code": code, "v": 1, "log": (await server.info())["log"]}


async def test_poll_from_before_the_feed_is_told_to_reload(server: Server) -> None:
    await server.place(1, 1, 1)
    server.projection.feed.restart(server.projection.version)
    _, (event,) = events(await server.get(f"/edits?v=1&{LONG}"))
    assert json.loads(event.data)["code"] == "too-old"


async def test_server_that_is_a_moment_behind_waits_rather_than_send_anybody_to_the_image(server: Server) -> None:
    async with connect(server.port) as connection:
        await polling(server, connection, f"v=2&format=json&{LONG}")  # a version from another server of the fleet
        await server.place(1, 1, 1)
        await server.place(2, 2, 2)
        statuses, frames = events(await connection.answer())
        assert [status["v"] for status in statuses] == [3]
        assert [json.loads(frame.data)["edits"] for frame in frames] == [[[2, 2, 2]]]


@pytest.mark.parametrize(
    "wait", ["30.1", "31", "-1", "foo", "", "1e1", "inf", "nan", "+1", " 1", "1_0", "\u0663", "5&wait=5"]
)
async def test_time_that_is_none_is_refused_by_name(standing: Server, wait: str) -> None:
    target = f"/edits?v=1&wait={wait}".replace(" ", "%20").replace("\u0663", "%D9%A3").replace("+", "%2B")
    answer = await standing.get(target)
    assert (answer.status, answer.json()["code"], answer.json()["parameter"]) == (400, "invalid-parameter", "wait")
    assert "seconds from 0 to 30" in answer.json()["allowed"]


async def test_poll_is_refused_as_a_stream_is(server: Server) -> None:
    for target in ("/edits?wait=1", "/edits?v=foo&wait=1", "/edits?v=1&wait=1&format=xml", "/edits?v=-1&wait=1"):
        assert (await server.get(target)).status == 400
    assert (await metrics(server.port))["placed_polls"] == 0


async def test_head_has_the_headers_at_once(server: Server) -> None:
    answer = await server.request("HEAD", f"/edits?v=1&{LONG}")
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "text/event-stream", b"")
    assert answer.headers.get("content-length") != "0"


async def test_polls_have_a_limit_of_their_own_for_each_address(start: Start) -> None:
    async with start(max_streams_per_client=1, unlimited_clients=()) as server, contextlib.AsyncExitStack() as stack:
        async with server.follow("v=1") as stream:
            await stream.status()
            connections = [await stack.enter_async_context(connect(server.port)) for _ in range(MOST_POLLS)]
            for connection in connections:
                await connection.send(f"/edits?v=1&{LONG}")
            await until_waiting(server, MOST_POLLS)
            refused = await server.get("/edits?v=1&wait=1")
            assert (refused.status, refused.json()["code"]) == (429, "too-many-polls")
            assert (refused.json()["limit"], refused.headers["retry-after"]) == (MOST_POLLS, "10")
            told = await metrics(server.port)
            assert (subscribers(told), told["placed_polls"]) == (1, MOST_POLLS)
        await server.place(1, 1, 1)
        with trio.fail_after(LIMIT_SECONDS):
            for connection in connections:
                assert events(await connection.answer())[1]
        assert events(await server.get("/edits?v=1&wait=1"))[1]


async def test_who_has_no_limit_polls_without(start: Start) -> None:
    async with start(unlimited_clients=LOOPBACK) as server, contextlib.AsyncExitStack() as stack:
        for _ in range(MOST_POLLS + 5):
            connection = await stack.enter_async_context(connect(server.port))
            await connection.send(f"/edits?v=1&{LONG}")
        await until_waiting(server, MOST_POLLS + 5)


async def test_end_of_the_server_answers_polls_with_its_last_edit(start: Start) -> None:
    async with start() as server, connect(server.port) as connection, connect(server.port) as other:
        await polling(server, connection, f"v=1&format=json&{LONG}")
        await polling(server, other, f"v=2&format=json&{LONG}", 2)
        began = trio.current_time()
        placed = await server.place(1, 2, 3)
        server.stop.set()
        _, (frame,) = events(await connection.answer())
        assert json.loads(frame.data)["v"] == placed.json()["v"]
        assert events(await other.answer())[1] == []
        with trio.fail_after(LIMIT_SECONDS):
            await server.stopped.wait()
        assert trio.current_time() - began < MAX_WAIT_SECONDS / 2


async def test_poll_hears_that_the_log_takes_no_edits(start: Start) -> None:
    log = ScriptedLog()
    await log.append(Canvas(Definition(WIDTH, HEIGHT, SEED.rgb)).encode())
    async with start(open_log=log) as server, connect(server.port) as connection:
        await polling(server, connection, f"v=1&{LONG}")
        log.append_errors = [LogUnavailable("no room")]
        assert (await server.place(1, 1, 1)).status == 503
        statuses, frames = events(await connection.answer())
        assert ([status["writable"] for status in statuses], frames) == ([False], [])


async def test_poll_goes_over_http2_and_tls(start: Start, tmp_path: Path) -> None:
    file, context = certificate(tmp_path)
    async with start(certificate=file) as server:
        for http2 in (False, True):
            await polled_by_httpx(server, context, http2=http2)


async def polled_by_httpx(server: Server, context: ssl.SSLContext, *, http2: bool) -> None:
    """A poll gets an edit that is placed while it waits; with HTTP/2 the edit uses the same connection."""
    version = server.projection.version
    answers: list[httpx.Response] = []
    async with httpx.AsyncClient(
        base_url=server.url, verify=context, http2=http2, trust_env=False, timeout=LIMIT_SECONDS
    ) as client:

        async def poll() -> None:
            answers.append(await client.get(f"/edits?v={version}&format=json&{LONG}"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(poll)
            while not (await client.get("/info")).json()["viewers"]:  # noqa: ASYNC110 - the server runs on its own
                await trio.sleep(0.01)
            assert (await client.post("/edit?x=1&y=1&color=1")).status_code == 200
    (answer,) = answers
    assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
    (frame,) = EventParser().feed(answer.content)
    assert json.loads(frame.data) == {"v": version + 1, "edits": [[1, 1, 1]]}


async def test_peer_that_leaves_is_forgotten_when_its_time_is_over(server: Server) -> None:
    async with connect(server.port) as connection:
        await polling(server, connection, "v=1&wait=4")
    await until_waiting(server, 0)
    assert (await server.info())["viewers"] == 0


async def test_two_servers_of_one_log_can_be_polled_in_turn(lane: str, tmp_path: Path) -> None:
    async with (
        open_memory_log() as log,
        serving(lane, tmp_path / "one", open_log=log) as one,
        serving(lane, tmp_path / "other", open_log=log) as other,
    ):
        version = 1
        for x in range(6):
            placed = (await one.place(x, 1, 1)).json()["v"]
            asked = (other, one)[x % 2]
            _, frames = events(await asked.get(f"/edits?v={version}&format=json&{LONG}"))
            version = int(frames[-1].id or 0)
            assert version == placed
            statuses, nothing = events(await (one, other)[x % 2].get(f"/edits?v={version}&wait=0.01"))
            assert (len(statuses), nothing) == (1, [])
