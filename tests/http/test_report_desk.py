"""`/reports`, in both lanes: anybody can report a place, only moderators can read the reports."""

from __future__ import annotations

import base64
import io
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from placed.people.report_changes import MOST_AN_HOUR
from placed.people.reports import Reports
from placed.service import moderation
from tests.support.people import Host, post_json, signed_in
from tests.support.serving import HEIGHT, WIDTH
from tests.support.texts import SEEN, UNSEEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.http_connection import Response
    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

HERE = {"x": 3, "y": 4, "text": "  a\r\nbad word "}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """The host of the data folder that `start` serves."""
    return Host(tmp_path / "data")


def refusal(answer: Response) -> tuple[int, str]:
    return answer.status, answer.json()["code"]


async def test_a_report_is_kept_with_the_canvas_as_it_was(start: Start, host: Host) -> None:
    moderator = await host.token("mo", "moderator")
    async with start() as server:
        version = (await server.place(3, 4, 5)).json()["v"]
        while server.projection.version < version:
            await server.get("/canvas.png")
        made = await post_json(server, "/reports", HERE)
        assert (made.status, made.json()) == (200, {"id": 1, "v": version})
        await server.place(3, 4, 9)
        (told,) = (await server.get("/reports", moderator)).json()["reports"]
        assert told["area"] == [3, 4, 1, 1]
        assert told["text"] == "a\nbad word"
        assert (told["id"], told["v"], told["state"]) == (1, version, "new")
        assert len(told["author"]) == 16
        left, top, width, height = told["picture"]["area"]
        assert (width, height) == (WIDTH, HEIGHT)  # the canvas is smaller than a picture may be
        picture = Image.open(io.BytesIO(base64.b64decode(told["picture"]["png"])))
        assert picture.getpixel((3 - left, 4 - top)) == 5


async def test_an_area_is_a_place_too(start: Start, host: Host) -> None:
    moderator = await host.token("mo", "moderator")
    async with start() as server:
        assert (await post_json(server, "/reports", {"area": [1, 2, 30, 20], "text": "all of it"})).status == 200
        (told,) = (await server.get("/reports", moderator)).json()["reports"]
        assert told["area"] == [1, 2, 30, 20]


@pytest.mark.parametrize(
    ("told", "parameter"),
    [
        ({"x": 3, "y": 4}, "text"),
        ({"x": 3, "text": "a"}, "y"),
        ({"text": "a"}, "x"),
        ({"x": WIDTH, "y": 4, "text": "a"}, "x"),
        ({"x": "three", "y": 4, "text": "a"}, "x"),
        ({"x": 3, "y": -1, "text": "a"}, "y"),
        ({"x": 3, "y": 4, "text": " \n "}, "text"),
        ({"x": 3, "y": 4, "text": "a" * 501}, "text"),
        ({"x": 3, "y": 4, "text": "a\0b"}, "text"),
        ({"x": 3, "y": 4, "text": "\ud800"}, "text"),
        ({"x": 3, "y": 4, "text": 5}, "text"),
        ({"area": [0, 0, 1, 1], "x": 3, "text": "a"}, "x"),
        ({"area": [0, 0, WIDTH + 1, 1], "text": "a"}, "area"),
        ({"area": [0, 0, 0, 1], "text": "a"}, "area"),
        ({"area": [0, 0, 1], "text": "a"}, "area"),
        ({"area": "0,0,1,1", "text": "a"}, "area"),
        ({"x": 3, "y": 4, "text": "a", "why": "b"}, "why"),
    ],
)
async def test_what_is_no_report_is_refused_by_name(server: Server, told: dict[str, Any], parameter: str) -> None:
    answer = await post_json(server, "/reports", told)
    assert refusal(answer) == (400, "invalid-parameter")
    assert answer.json()["parameter"] == parameter


async def test_text_with_what_nobody_sees_is_refused_by_that(server: Server) -> None:
    for unseen in UNSEEN:
        answer = await post_json(server, "/reports", {"x": 3, "y": 4, "text": f"a{unseen}b"})
        assert refusal(answer) == (400, "invalid-parameter")
        assert f"has U+{ord(unseen):04X}, which nobody sees" in answer.json()["detail"]


async def test_emoji_of_several_and_persian_words_are_a_text(start: Start, host: Host) -> None:
    moderator = await host.token("mo", "moderator")
    async with start() as server:
        assert (await post_json(server, "/reports", {"x": 3, "y": 4, "text": SEEN})).status == 200
        (told,) = (await server.get("/reports", moderator)).json()["reports"]
        assert told["text"] == SEEN


async def test_an_author_has_a_few_an_hour_and_a_refused_one_costs_nothing(start: Start, host: Host) -> None:
    bot = await host.token("bo")
    async with start() as server:
        for _ in range(MOST_AN_HOUR):
            assert (await post_json(server, "/reports", HERE | {"x": -1})).status == 400
        for _ in range(MOST_AN_HOUR):
            assert (await post_json(server, "/reports", HERE)).status == 200
        answer = await post_json(server, "/reports", HERE)
        assert refusal(answer) == (429, "too-many-reports")
        assert 3_500 < int(answer.headers["retry-after"]) <= 3_600
        assert (await post_json(server, "/reports", HERE, bot)).status == 200  # from another author


async def test_only_moderators_and_hosts_see_them(start: Start, host: Host) -> None:
    moderator, hosts, bot = [await host.token(name, name) for name in ("moderator", "host", "bot")]
    async with start() as server:
        await post_json(server, "/reports", HERE)
        for header in (moderator, hosts):
            assert (await server.get("/reports", header)).status == 200
            assert (await post_json(server, "/reports/1", {"state": "seen"}, header)).status == 200
        assert refusal(await server.get("/reports", bot)) == (403, "not-a-moderator")
        assert refusal(await post_json(server, "/reports/1", {"state": "done"}, bot)) == (403, "not-a-moderator")
        assert refusal(await server.get("/reports")) == (401, "sign-in")
        assert refusal(await post_json(server, "/reports/1", {"state": "done"})) == (401, "sign-in")


async def test_moderators_say_how_far_they_are(start: Start, host: Host) -> None:
    moderator = await host.token("mo", "moderator")
    async with start() as server:
        for _ in range(3):
            await post_json(server, "/reports", HERE)
        answer = await post_json(server, "/reports/2", {"state": "done"}, moderator)
        assert answer.json() == {"id": 2, "state": "done"}
        for report_id, told in (("2", {"state": "new"}), ("2", {"state": 1}), ("2", {})):
            assert refusal(await post_json(server, f"/reports/{report_id}", told, moderator))[0] == 400
        for report_id in ("9", "x", "-1", "9" * 40, "%C2%B2"):
            answer = await post_json(server, f"/reports/{report_id}", {"state": "done"}, moderator)
            assert refusal(answer) == (404, "not-found"), report_id

        async def ids(query: str) -> tuple[list[int], int | None]:
            told = (await server.get(f"/reports{query}", moderator)).json()
            return [one["id"] for one in told["reports"]], told["next"]

        assert await ids("") == ([3, 2, 1], None)
        assert await ids("?limit=2") == ([3, 2], 2)
        assert await ids("?before=2") == ([1], None)
        assert await ids("?after=2") == ([3], None)
        assert await ids("?state=new") == ([3, 1], None)
        for wrong in ("limit=0", "limit=101", "state=x", "before=x", "what=1", "limit=1&limit=2", "after=%C2%B2"):
            assert (await server.get(f"/reports?{wrong}", moderator)).status == 400, wrong


async def test_where_watching_takes_an_account_reporting_does_too(start: Start) -> None:
    async with start(sign_in="code", join_code="turtle", watch="signed-in") as server:
        assert refusal(await post_json(server, "/reports", HERE)) == (401, "sign-in")
        cookie = await signed_in(server, join="turtle", name="Ada")
        assert (await post_json(server, "/reports", HERE, cookie)).status == 200


async def test_another_sites_page_reports_nothing(server: Server) -> None:
    answer = await post_json(server, "/reports", HERE, ("Origin", "https://evil.test"))
    assert refusal(answer) == (403, "cross-site")
    form = await server.request("POST", "/reports", body=json.dumps(HERE).encode())
    assert form.status == 415


async def test_a_full_store_says_so_and_the_report_costs_nothing(
    start: Start, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moderation, "Reports", partial(Reports, most=1))
    moderator = await host.token("mo", "moderator")
    bots = [await host.token(f"b{number}") for number in range(2)]
    async with start() as server:
        assert (await post_json(server, "/reports", HERE, bots[0])).status == 200
        for _ in range(MOST_AN_HOUR + 1):
            answer = await post_json(server, "/reports", HERE, bots[1])
            assert refusal(answer) == (503, "reports-full")
        assert "retry-after" in answer.headers
        await post_json(server, "/reports/1", {"state": "done"}, moderator)
        assert (await post_json(server, "/reports", HERE, bots[1])).json()["id"] == 2
