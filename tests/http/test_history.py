"""The past over HTTP, over each lane."""

from __future__ import annotations

import io
import ipaddress
import struct
import threading
from typing import TYPE_CHECKING
from urllib.parse import unquote

import attrs
import numpy as np
import pytest
import trio
from PIL import Image

from placed.backends.memory import open_memory_log
from placed.history.indexer import Indexer
from placed.http.history import History
from placed.http.history_answers import canvas_answer
from placed.http.work_limit import ALLOWANCE_SECONDS, SHARE, WorkLimit
from tests.http.lanes.test_app import problem
from tests.support.serving import HEIGHT, WIDTH, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from numpy.typing import NDArray

    from placed.history.past import Past
    from placed.http.answer import Answer
    from placed.http.history_questions import CanvasQuestion
    from tests.support.http_connection import Response
    from tests.support.serving import Server

FOR_GOOD = "public, max-age=31536000, immutable, no-transform"


def pixels(response: Response) -> NDArray[np.uint8]:
    assert response.status == 200, response.body
    with Image.open(io.BytesIO(response.body)) as image:
        assert image.mode == "P"
        return np.array(image)


async def paint(server: Server, count: int) -> list[NDArray[np.uint8]]:
    """Paint, and return the canvas at each version."""
    canvases = [np.zeros((HEIGHT, WIDTH), np.uint8)] * 2
    for number in range(count):
        x, y, color = number % 7, number % 3, 1 + number % 15
        assert (await server.place(x, y, color)).json() == {"v": number + 2}
        canvases.append(canvases[-1].copy())
        canvases[-1][y, x] = color
    return canvases


async def test_the_canvas_at_each_version_is_there_for_good(server: Server) -> None:
    canvases = await paint(server, 12)
    for version, canvas in enumerate(canvases):
        response = await server.get(f"/history/canvas.png?v={version}")
        assert np.array_equal(pixels(response), canvas), version
        assert response.headers["cache-control"] == FOR_GOOD
        assert response.headers["x-canvas-version"] == str(version)
        again = await server.get(f"/history/canvas.png?v={version}", ("If-None-Match", response.headers["etag"]))
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", response.headers["etag"])
        head = await server.request("HEAD", f"/history/canvas.png?v={version}")
        assert (head.status, head.body) == (200, b"")


async def test_a_version_that_the_history_has_reached_before_the_canvas_can_be_asked_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvases = await paint(server, 3)
    assert (await server.get("/history")).json()["indexed"] == 4
    open_indexer = History._keeper

    def behind(history: History) -> Indexer:
        indexer = open_indexer(history)
        indexer.live = attrs.evolve(indexer.live, version=lambda: 3)
        return indexer

    monkeypatch.setattr(History, "_keeper", behind)
    told = (await server.get("/history")).json()
    assert (told["version"], told["indexed"]) == (4, 4)
    assert np.array_equal(pixels(await server.get("/history/canvas.png?v=4")), canvases[4])
    assert (await server.get("/history/pixel?x=2&y=2")).json()["edits"][0]["v"] == 4
    assert (await server.get("/history/edits?from=3&to=4")).status == 200
    assert (await server.get("/history/canvas.png?v=5")).status == 400


async def test_an_area_is_cut_out_and_enlarged(server: Server) -> None:
    canvases = await paint(server, 8)
    response = await server.get("/history/canvas.png?v=9&x=1&y=1&width=5&height=2&scale=3")
    expected = canvases[9][1:3, 1:6].repeat(3, axis=0).repeat(3, axis=1)
    assert np.array_equal(pixels(response), expected)
    assert pixels(await server.get("/history/canvas.png?v=9&x=30")).shape == (HEIGHT, WIDTH - 30)


async def test_a_moment_leads_to_its_version(server: Server) -> None:
    await paint(server, 3)
    times = [edit[1] for edit in (await server.get("/history/edits?from=0&to=4&format=json")).json()["edits"]]
    response = await server.get(f"/history/canvas.png?t={times[1]}&x=1&scale=2")
    version = 1 + sum(time <= times[1] for time in times)
    assert (response.status, response.headers["location"]) == (302, f"canvas.png?v={version}&x=1&scale=2")
    assert response.headers["cache-control"] == (FOR_GOOD if times[1] < times[2] else "no-store")
    late = await server.get("/history/canvas.png?t=9999-01-01T00:00:00Z")
    assert (late.headers["location"], late.headers["cache-control"]) == ("canvas.png?v=4", "no-store")
    early = await server.get("/history/canvas.png?t=1970-01-02T00:00:00.5+01:00")
    assert early.headers["location"] == "canvas.png?v=0"


async def test_the_past_of_another_log_is_refused(server: Server) -> None:
    await paint(server, 2)
    log = (await server.get("/history")).json()["log"]
    for path in ("canvas.png?v=2", "edits?from=0&to=2"):
        assert (await server.get(f"/history/{path}&log={log}")).body == (await server.get(f"/history/{path}")).body
    led = await server.get(f"/history/canvas.png?t=9999-01-01T00:00:00Z&scale=2&log={log}")
    assert led.headers["location"] == f"canvas.png?v=3&scale=2&log={log}"
    for path in ("canvas.png?v=2", "canvas.png?t=9999-01-01T00:00:00Z", "edits?from=0&to=2"):
        for other in ("0" * 32, "", "a%20b"):
            refused = await server.get(f"/history/{path}&log={other}")
            told = problem(refused)
            assert (refused.status, told["code"], told["log"]) == (404, "other-log", log)
            assert told["detail"].startswith(f"log={unquote(other)!r} is not")
            assert refused.headers["cache-control"] == "no-store"


async def test_edits_come_as_json_and_as_bytes(server: Server) -> None:
    await paint(server, 20)
    told = (await server.get("/history/edits?from=3&to=15&format=json")).json()
    assert (told["from"], told["to"], told["next"]) == (3, 15, 15)
    assert [edit[0] for edit in told["edits"]] == list(range(3, 15))
    response = await server.get("/history/edits?from=3&to=15")
    assert response.headers["cache-control"] == FOR_GOOD
    assert read_page(response.body) == (told["from"], told["to"], told["next"], told["edits"])


def read_page(body: bytes) -> tuple[int, int, int, list[list[int]]]:
    """Read a page byte by byte, as docs/api.md describes it."""
    head = struct.unpack_from("<4sBBBBQQQqIII", body)
    magic, form, x_bits, y_bits, color_bits, start, to, next_, ms, count, offset_bytes, time_bytes = head
    assert (magic, form) == (b"plEd", 1)
    at = struct.calcsize("<4sBBBBQQQqIII")
    offsets, times = varints(body[at : at + offset_bytes]), varints(body[at + offset_bytes :][:time_bytes])
    at += offset_bytes + time_bytes
    size = -(-(x_bits + y_bits + color_bits) // 8)
    assert len(body) == at + count * size
    edits, offset = [], start
    for number, (step, zigzag) in enumerate(zip(offsets, times, strict=True)):
        offset, ms = offset + step, ms + (zigzag >> 1 ^ -(zigzag & 1))
        code = int.from_bytes(body[at + number * size : at + (number + 1) * size], "little")
        x, y = code & (1 << x_bits) - 1, code >> x_bits & (1 << y_bits) - 1
        edits.append([offset, ms, x, y, code >> x_bits + y_bits])
    return start, to, next_, edits


def varints(data: bytes) -> list[int]:
    found, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            found.append(value)
            value = shift = 0
    return found


async def test_a_pixel_tells_who_gave_it_which_colour(server: Server) -> None:
    for color in (1, 2, 3):
        await server.place(4, 5, color)
    told = (await server.get("/history/pixel?x=4&y=5&limit=2")).json()
    assert (told["x"], told["y"], told["color"]) == (4, 5, 3)
    assert [(edit["v"], edit["color"], len(edit["author"])) for edit in told["edits"]] == [(4, 3, 16), (3, 2, 16)]
    rest = (await server.get(f"/history/pixel?x=4&y=5&before={told['next']}")).json()
    assert ([edit["v"] for edit in rest["edits"]], rest["next"]) == ([2], None)
    untouched = (await server.get("/history/pixel?x=0&y=0")).json()
    assert untouched == {"x": 0, "y": 0, "color": 0, "edits": [], "next": None}


async def test_a_pixel_does_not_tell_authors_where_nobody_may_see_them(
    start: Callable[..., AbstractAsyncContextManager[Server]],
) -> None:
    async with start(show_authors="none") as server:
        await server.place(4, 5, 1)
        (edit,) = (await server.get("/history/pixel?x=4&y=5")).json()["edits"]
        assert set(edit) == {"v", "time", "color"}


async def test_activity_says_where_and_when(server: Server) -> None:
    await paint(server, 10)
    told = (await server.get("/history/activity?cells=4")).json()
    assert told["edits"] == sum(map(sum, told["cells"])) == sum(told["slices"]) == 10
    assert len(told["cells"]) == 4
    assert told["untouched"]["pixels"] == WIDTH * HEIGHT - 10


async def test_the_history_says_how_far_it_reaches(server: Server) -> None:
    await paint(server, 4)
    told = (await server.get("/history")).json()
    assert (told["first"], told["version"], told["indexed"], told["edits"], told["marks"]) == (0, 6 - 1, 5, 4, [])
    assert told["from"] <= told["to"]
    assert told["log"] == (await server.info())["log"]


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("canvas.png", "v is missing"),
        ("canvas.png?v=9", "v='9' is out of range; allowed is an integer from 0 to 1"),
        ("canvas.png?v=-1", "v='-1' is out of range"),
        ("canvas.png?v=1e0", "v='1e0' is not an integer"),
        ("canvas.png?v=0&v=1", "v="),
        ("canvas.png?v=0&t=5", "t='5' is not allowed"),
        ("canvas.png?t=yesterday", "t='yesterday' is no moment"),
        ("canvas.png?t=2017-02-30T00:00:00Z", "is no moment"),
        ("canvas.png?t=99999999999999999", "is no moment"),
        ("canvas.png?v=0&x=40", "x='40' is out of range"),
        ("canvas.png?v=0&x=39&width=2", "width='2' is out of range"),
        ("canvas.png?v=0&scale=17", "scale='17' is out of range"),
        ("canvas.png?v=0&height=0", "height='0' is out of range"),
        ("canvas.png?v=0&log=a&log=b", "is repeated; allowed is one value of up to 64 characters"),
        ("edits?from=0&to=1&log=" + "a" * 65, "is too long; allowed is one value of up to 64 characters"),
        ("edits?from=0", "to is missing"),
        ("edits?from=2&to=1", "from='2' is out of range; allowed is an integer from 0 to 1"),
        ("edits?from=0&to=1&format=xml", "format='xml'"),
        ("pixel?x=1", "y is missing"),
        ("pixel?x=1&y=30", "y='30' is out of range"),
        ("pixel?x=1&y=3&limit=101", "limit='101' is out of range"),
        ("activity?cells=3", "cells='3'"),
        ("activity?from=5&to=5", "to='5' is out of range; allowed is a moment after `from`"),
    ],
)
async def test_what_is_no_version_moment_or_area_is_refused_by_name(standing: Server, target: str, named: str) -> None:
    response = await standing.get(f"/history/{target}")
    told = problem(response)
    assert (response.status, told["code"]) == (400, "invalid-parameter")
    assert named in told["detail"].replace('"', "'")


async def test_a_server_without_history_says_so(start: Callable[..., AbstractAsyncContextManager[Server]]) -> None:
    async with start(history=False) as server:
        for target in ("", "/canvas.png?v=0", "/edits?from=0&to=0", "/pixel?x=0&y=0", "/activity"):
            response = await server.get(f"/history{target}")
            assert (response.status, problem(response)["code"]) == (404, "no-history")


async def test_what_is_not_indexed_yet_can_be_had_later(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stuck(_self: Indexer, version: int, within_seconds: float) -> bool:
        await trio.lowlevel.checkpoint()
        return version < 0 and within_seconds < 0

    assert (await server.get("/history/canvas.png?v=1")).status == 200
    monkeypatch.setattr(Indexer, "reach", stuck)
    monkeypatch.setattr("placed.history.indexer.Indexer._take", _never)
    await server.place(1, 1, 1)
    response = await server.get("/history/canvas.png?v=2")
    assert (response.status, problem(response)["code"], response.headers["retry-after"]) == (503, "indexing", "2")
    assert (await server.get("/history/canvas.png?v=1")).status == 200


async def _never(*_: object) -> None:
    await trio.sleep_forever()


async def test_who_asks_for_too_much_waits(
    start: Callable[..., AbstractAsyncContextManager[Server]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("placed.http.work_limit.ALLOWANCE_SECONDS", 0.0)
    monkeypatch.setattr("placed.http.work_limit.SHARE", 1e-6)
    async with start(unlimited_clients=()) as server:
        assert (await server.get("/history/canvas.png?v=0")).status == 200
        response = await server.get("/history/canvas.png?v=0")
        told = problem(response)
        assert (response.status, told["code"]) == (429, "too-much-history")
        assert int(response.headers["retry-after"]) >= 1
        assert (await server.place(1, 1, 1)).status == 200


async def test_the_thread_rests_between_two_answers_while_people_paint(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await paint(server, 3)
    monkeypatch.setattr("placed.http.history._REST", 1e6)
    begun, painted = threading.Event(), threading.Event()

    def answer(past: Past, question: CanvasQuestion) -> Answer:
        begun.set()
        assert painted.wait(20)
        return canvas_answer(past, question)

    assert (await server.get("/history/canvas.png?v=2")).status == 200
    monkeypatch.setattr("placed.http.history.canvas_answer", answer)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.get, "/history/canvas.png?v=2")  # answered at once, because nobody painted
        assert await trio.to_thread.run_sync(begun.wait, 20)
        await server.place(1, 1, 1)
        painted.set()
    with trio.move_on_after(0.3) as patience:
        await server.get("/history/canvas.png?v=2")
    assert patience.cancelled_caught


async def test_two_servers_on_one_log_answer_the_same_bytes(
    start: Callable[..., AbstractAsyncContextManager[Server]], tmp_path_factory: pytest.TempPathFactory, lane: str
) -> None:
    async with open_memory_log() as log:
        folders = [tmp_path_factory.mktemp("server") for _ in range(2)]
        async with serving(lane, folders[0], open_log=log) as one, serving(lane, folders[1], open_log=log) as two:
            await paint(one, 9)
            for target in (
                *("canvas.png?v=4", "canvas.png?v=10&x=1&width=3&scale=4", "edits?from=0&to=10"),
                *("edits?from=2&to=9&format=json", "canvas.png?t=5"),
            ):
                answers = [await each.get(f"/history/{target}") for each in (one, two)]
                assert answers[0].body == answers[1].body
                kept = ("etag", "location", "x-canvas-time")
                assert [answers[0].headers.get(name) for name in kept] == [answers[1].headers.get(n) for n in kept]


def test_an_allowance_comes_back() -> None:
    limit = WorkLimit()
    limit.spend("192.0.2.1", 2 * ALLOWANCE_SECONDS, 0.0)
    assert limit.wait_seconds("192.0.2.1", 0.0) == ALLOWANCE_SECONDS / SHARE
    assert limit.wait_seconds("192.0.2.2", 0.0) == 0
    assert limit.wait_seconds("192.0.2.1", ALLOWANCE_SECONDS / SHARE) == 0
    limit.spend("192.0.2.3", 1.0, 1e9)
    assert len(limit) == 1


def test_who_is_unlimited_never_waits() -> None:
    limit = WorkLimit([ipaddress.ip_network("192.0.2.0/24")])
    limit.spend("192.0.2.1", 1e6, 0.0)
    assert limit.wait_seconds("192.0.2.1", 0.0) == 0
