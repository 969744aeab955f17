"""`POST /edits` to a real server: several edits in one request, all or none of them, for as many charges."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from placed.backends import LogUnavailable
from placed.canvas.definition import Definition
from placed.canvas.events import Canvas
from placed.http.body import EDITS_BODY_BYTES
from placed.http.lanes.connection import HEAD_BYTES
from tests.http.lanes.test_fast_lane import comparable
from tests.support.exposition import metrics
from tests.support.http_connection import connect
from tests.support.scripted_log import ScriptedLog
from tests.support.serving import HEIGHT, WIDTH, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.http_connection import Response
    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

JSON = ("Content-Type", "application/json")
HOST = b"Host: placed.test\r\n"


def body(*edits: Any, **more: Any) -> bytes:
    """The body of a request for these edits."""
    return json.dumps({"edits": edits, **more}).encode()


async def post(server: Server, *edits: Any) -> Response:
    """Place these edits."""
    return await server.request("POST", "/edits", JSON, body=body(*edits))


async def test_edits_are_placed_together_in_order_at_one_version(server: Server) -> None:
    response = await post(server, [1, 2, 3], [39, 29, 15], [1, 2, 4])
    assert (response.status, response.json()) == (200, {"v": 2})
    assert response.headers["content-type"] == "application/json"
    assert server.projection.canvas[2, 1] == 4
    assert server.projection.canvas[29, 39] == 15
    async with server.follow("v=1&format=json") as stream:
        assert json.loads((await stream.event()).data) == {"v": 2, "edits": [[1, 2, 3], [39, 29, 15], [1, 2, 4]]}


async def test_most_edits_come_through_in_any_layout(start: Start) -> None:
    async with start(width=4096, height=4096) as server:
        edits = [[4095 - index, 4095, index % 16] for index in range(1_000)]
        for indent in (None, 4):
            sent = json.dumps({"edits": edits}, indent=indent).encode()
            assert len(sent) > HEAD_BYTES - 4_000  # more than one read, indented
            assert (await server.request("POST", "/edits", JSON, body=sent)).status == 200
        assert server.projection.edits == 2_000
        assert server.projection.version == 3
        assert server.projection.canvas[4095, 4095 - 999] == 999 % 16


@pytest.mark.parametrize(
    ("sent", "status", "code", "parameter"),
    [
        (body([1, 2, 3], [WIDTH, 2, 3]), 400, "invalid-parameter", "edits[1].x"),
        (body(*[[1, 2, 3]] * 17, [1, HEIGHT, 3]), 400, "invalid-parameter", "edits[17].y"),
        (body([1, 2, 3], author=7), 400, "invalid-parameter", "author"),
        (body(), 400, "invalid-parameter", "edits"),
        (body(*[[1, 2, 3]] * 1_001), 400, "invalid-parameter", "edits"),
        (b"[" * 30_000, 400, "invalid-body", None),
        (b" " * (EDITS_BODY_BYTES + 1), 413, "too-large", None),
    ],
)
async def test_one_that_is_wrong_keeps_all_from_being_placed(
    server: Server, sent: bytes, status: int, code: str, parameter: str | None
) -> None:
    before = server.state()
    response = await server.request("POST", "/edits", JSON, body=sent)
    assert (response.status, response.json()["code"], response.json().get("parameter")) == (status, code, parameter)
    await server.assert_well(before)


async def test_body_of_one_edit_has_its_own_smaller_bound(server: Server) -> None:
    sent = b'{"x": 1, "y": 2, "color": 3}' + b" " * 5_000
    assert (await server.request("POST", "/edit", JSON, body=sent)).status == 413
    assert (await server.request("POST", "/edits", JSON, body=body([1, 2, 3]) + b" " * 5_000)).status == 200


async def test_each_edit_spends_a_charge_or_none_does(start: Start) -> None:
    async with start(charges=5, charge_seconds=60.0) as server:
        assert (await server.info())["limits"]["edits"] == 5
        response = await post(server, *[[1, 1, 1]] * 3)
        assert response.status == 200
        assert response.headers["ratelimit-policy"] == '"edits";q=5;w=300'
        assert response.headers["ratelimit"].startswith('"edits";r=2;t=')
        before = server.state()
        refused = await post(server, *[[1, 1, 2]] * 4)
        told = refused.json()
        assert (refused.status, told["code"]) == (429, "cooldown")
        assert 115 < told["retry_after_seconds"] <= 120  # two of the three spent charges have to come back
        assert int(refused.headers["retry-after"]) == -(-told["retry_after_seconds"] // 1)
        assert told["detail"].startswith("2 of 5 charges are left; you will have 4 in 1")
        assert refused.headers["ratelimit"].startswith('"edits";r=2;t=')
        await server.assert_well(before)
        assert (await post(server, [1, 1, 2], [1, 1, 3])).status == 200
        assert (await server.place(1, 1, 1)).status == 429


async def test_more_than_the_charges_can_ever_be_is_not_a_matter_of_waiting(start: Start) -> None:
    async with start(charges=5, charge_seconds=60.0) as server:
        response = await post(server, *[[1, 1, 1]] * 6)
        assert (response.status, response.json()["code"]) == (400, "invalid-parameter")
        assert response.json()["allowed"] == "a list of 1 to 5 edits, each [x, y, color]"
        assert (await server.info())["cooldown"]["remaining"] == 5
    async with start() as server:
        assert (await server.info())["limits"]["edits"] == 1_000


async def test_charges_are_given_back_where_nothing_was_placed(start: Start) -> None:
    log = ScriptedLog()
    await log.append(Canvas(Definition(WIDTH, HEIGHT, bytes(range(48)))).encode())
    async with start(open_log=log, charges=5, charge_seconds=60.0) as server:
        log.append_errors = [LogUnavailable("no room")]
        response = await post(server, *[[1, 1, 1]] * 4)
        assert (response.status, response.json()["code"]) == (503, "log-unavailable")
        assert (await server.info())["cooldown"]["remaining"] == 5
        assert (await post(server, *[[1, 1, 1]] * 5)).status == 200


async def test_each_edit_placed_is_counted_and_a_refusal_once(server: Server) -> None:
    await post(server, [1, 1, 1], [2, 2, 2], [3, 3, 3])
    await post(server, [1, 1, 1], [99, 2, 2])
    told = await metrics(server.port)
    assert told['placed_edit_requests_total{outcome="placed"}'] == 3
    assert told['placed_edit_requests_total{outcome="invalid-parameter"}'] == 1
    await server.get("/edits?v=foo")
    assert (await metrics(server.port))['placed_edit_requests_total{outcome="invalid-parameter"}'] == 1


async def test_page_of_another_site_may_place_none(server: Server) -> None:
    before = server.state()
    response = await server.request("POST", "/edits", JSON, ("Origin", "https://evil.test"), body=body([1, 1, 1]))
    assert (response.status, response.json()["code"]) == (403, "cross-site")
    await server.assert_well(before)


async def test_path_takes_get_head_options_and_post(server: Server) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        response = await server.request(method, "/edits?v=1")
        assert (response.status, response.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    asked = await server.request("OPTIONS", "/edits")
    assert (asked.status, asked.headers["access-control-allow-methods"]) == (204, "GET, HEAD, OPTIONS, POST")


async def test_requests_on_one_connection_are_answered_in_order(server: Server) -> None:
    async with connect(server.port) as connection:
        for number in range(1, 4):
            answer = await connection.request(
                "/edits", method="POST", headers=(JSON,), body=body(*[[1, 1, 1]] * number)
            )
            assert answer.json() == {"v": 1 + number}
            assert (await connection.request("/canvas.png")).status == 200
        assert server.projection.edits == 6


def written(sent: bytes, *fields: bytes) -> bytes:
    """A request with this body, the last on its connection."""
    lines = (b"Content-Type: application/json", b"Content-Length: %d" % len(sent), b"Connection: close", *fields)
    return b"POST /edits HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + sent


ASKED = {
    "edits": written(body([1, 2, 3], [4, 5, 6])),
    "floats": written(body([1.0, 2.0, 3.0])),
    "an edit outside": written(body([1, 2, 3], [40, 5, 6])),
    "no edits": written(body()),
    "no body": written(b""),
    "no JSON": written(b"{"),
    "too large": written(b" " * (EDITS_BODY_BYTES + 1)),
    "another site": written(body([1, 2, 3]), b"Origin: https://evil.test"),
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
async def test_both_lanes_give_the_same_answer(tmp_path: Path, asked: bytes) -> None:
    answers = {}
    for lane in ("fast", "slow"):
        async with serving(lane, tmp_path / lane) as server:
            answers[lane] = await server.exchange(asked)
    assert comparable(answers["fast"]) == comparable(answers["slow"])


async def test_body_that_comes_in_pieces_is_taken_whole(server: Server) -> None:
    asked = written(body(*[[1, 2, 3]] * 1_000))
    pieces = [asked[at : at + 5_000] for at in range(0, len(asked), 5_000)]
    async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
        for piece in pieces:
            await stream.send_all(piece)
            await trio.testing.wait_all_tasks_blocked(0.005)  # so that each is a read of its own
        with trio.fail_after(20):
            assert (await stream.receive_some(4_096)).startswith(b"HTTP/1.1 200")
    assert server.projection.edits == 1_000
