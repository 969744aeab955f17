"""Acts over HTTP, in both lanes: each kind, its preview, its record and its undoing; who may do acts; and refusals."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest
import trio
from PIL import Image

from placed.canvas.acts import ACTS
from placed.canvas.clock import wall_clock_ms
from placed.canvas.events import Correction
from placed.http.act_fields import FIELDS
from placed.moderation import desk as desks
from placed.moderation.desk import Desk
from tests.http.moderated import Moderated
from tests.support.people import Host, post_json, signed_in
from tests.support.serving import HEIGHT, WIDTH
from tests.support.texts import ENDS_OF_LINES, SEEN, UNSEEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from placed.canvas.events import Event
    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

LATER = "2096-10-02T07:06:40.000Z"
AREA = [1, 1, 3, 2]


async def test_wipe_is_previewed_done_on_record_and_undone(moderated: Moderated) -> None:
    await moderated.paint((1, 1, 2), (3, 2, 3), (9, 9, 5))
    wipe = {"area": AREA, "color": 7, "reason": "not nice"}
    preview = await moderated.act("wipe", **wipe, preview=True)
    assert (preview["pixels"], preview["area"], preview["acts"], preview["unknown"]) == (6, AREA, 0, 4)
    assert preview["authors"] == [{"author": await moderated.author(), "pixels": 2}]
    picture = Image.open(io.BytesIO(base64.b64decode(preview["png"])))
    assert np.array(picture).tolist() == [[7] * 3] * 2
    assert moderated.area() == [[2, 0, 0], [0, 0, 3]]
    done = await moderated.act("wipe", **wipe)
    assert (done["pixels"], moderated.area()) == (6, [[7] * 3] * 2)
    (entry,) = (await moderated.record())["acts"]
    assert entry.pop("time").endswith("Z")
    by = {"by": await moderated.author(moderated.moderator), "name": "mod"}
    told = {"id": done["id"], "kind": "wipe", "done": True, "undone": False, "pixels": 6}
    assert entry == {**told, **by, **wipe}
    await moderated.paint((2, 1, 1))
    undone = await moderated.act("undo", act=done["id"])
    assert (undone["pixels"], moderated.area()) == (5, [[2, 1, 0], [0, 0, 3]])
    assert [it["undone"] for it in (await moderated.record())["acts"]] == [False, True]
    await moderated.act("undo", act=undone["id"])
    assert moderated.area() == [[7, 1, 7], [7] * 3]


async def test_what_somebody_paints_between_two_corrections_of_an_act_stays(
    moderated: Moderated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "MOST_PIXELS", 2)
    between, goes_on, append = trio.Event(), trio.Event(), Desk._append

    async def append_and_wait(desk: Desk, event: Event) -> int:
        version = await append(desk, event)
        if isinstance(event, Correction) and not between.is_set():
            between.set()
            await goes_on.wait()
        return version

    async def paint() -> None:
        await between.wait()
        await moderated.paint((1, 1, 3), (3, 2, 4))  # one pixel that the act has set already, and its last one
        goes_on.set()

    monkeypatch.setattr(Desk, "_append", append_and_wait)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(paint)
            done = await moderated.act("wipe", area=AREA, color=7)
    assert (moderated.area(), done["pixels"]) == ([[3, 7, 7], [7, 7, 4]], 5)
    await moderated.act("undo", act=done["id"])
    assert moderated.area() == [[3, 0, 0], [0, 0, 4]]


async def test_restore_brings_back_a_version_a_moment_and_what_was_there_before_somebody(moderated: Moderated) -> None:
    await moderated.paint((1, 1, 2), (2, 1, 2))
    version, moment = moderated.server.projection.version, wall_clock_ms()
    await moderated.paint((1, 1, 5), (9, 9, 5), bot=True)
    await moderated.paint((3, 1, 3))
    vandal = await moderated.author(moderated.bot)
    assert (await moderated.act("restore", author=vandal))["pixels"] == 2
    assert (moderated.area()[0], moderated.area(9, 9, 1, 1)) == ([2, 2, 3], [[0]])
    await moderated.paint((1, 1, 5), bot=True)
    assert (await moderated.act("restore", area=AREA, to={"v": version}))["pixels"] == 2
    assert moderated.area()[0] == [2, 2, 0]
    await moderated.paint((2, 2, 6), bot=True)
    assert (await moderated.act("restore", authors=[vandal], area=AREA, to={"t": str(moment)}))["pixels"] == 1
    assert moderated.area()[1] == [0, 0, 0]


async def test_stamp_puts_a_picture_at_the_areas_corner(moderated: Moderated) -> None:
    palette = moderated.server.definition.rgb
    pixels = bytes(palette[3 * color + part] for color in (4, 5) for part in range(3))
    file = io.BytesIO()
    Image.frombytes("RGB", (2, 1), pixels).save(file, "PNG")
    picture = base64.b64encode(file.getvalue()).decode()
    assert (await moderated.act("stamp", area=AREA, picture=picture))["pixels"] == 2
    assert moderated.area() == [[4, 5, 0], [0, 0, 0]]
    status, told = await moderated.refused("stamp", area=[0, 0, 1, 1], picture=picture)
    assert (status, told["parameter"], told["value"]) == (400, "picture", f"{picture[:64]}…")
    status, told = await moderated.refused("stamp", area=AREA, picture=base64.b64encode(b"no picture").decode())
    assert (status, told["parameter"]) == (400, "picture")
    assert "PNG" in told["allowed"]


async def test_ban_holds_at_once_and_until_it_is_lifted(moderated: Moderated) -> None:
    vandal = await moderated.author()
    await moderated.act("ban", author=vandal, until=LATER, reason="spam")
    answer = await moderated.server.place(1, 1, 1)
    assert (answer.status, answer.json()["code"], answer.json()["until"]) == (403, "banned", LATER)
    await moderated.act("unban", authors=[vandal.upper(), vandal])
    await moderated.paint((1, 1, 1))
    assert [it["kind"] for it in (await moderated.record())["acts"]] == ["unban", "ban"]
    assert (await moderated.record())["acts"][1]["until"] == LATER


async def test_gate_plans_protection_and_announcement(moderated: Moderated) -> None:
    closed = await moderated.act("close")
    planned = await moderated.act("open", at=LATER)
    assert (await moderated.server.place(1, 1, 1)).json()["opens"] == LATER
    await moderated.act("undo", act=planned["id"])
    await moderated.act("undo", act=closed["id"])
    protected = await moderated.act("protect", area=AREA)
    assert (await moderated.server.place(1, 1, 1)).json()["act"] == protected["id"]
    await moderated.act("unprotect", act=protected["id"])
    await moderated.paint((1, 1, 1))
    await moderated.act("announce", text=f"  {SEEN}  ", until=LATER)
    info = await moderated.server.info()
    assert (info["announcement"], info["gate"]["open"]) == ({"text": SEEN, "until": LATER}, True)


async def test_grow_makes_the_canvas_larger_and_adds_colours(moderated: Moderated) -> None:
    await moderated.paint((1, 1, 2))
    colors = moderated.server.definition.colors
    done = await moderated.act("grow", width=WIDTH + 5, colors=["#010203"])
    after = moderated.server.definition
    assert (after.width, after.height, after.colors) == (WIDTH + 5, HEIGHT, colors + 1)
    await moderated.paint((WIDTH + 4, 0, colors))
    assert moderated.area(1, 1, 1, 1) == [[2]]
    (entry,) = (await moderated.record())["acts"]
    assert (entry["done"], entry["colors"], entry["width"]) == (True, ["#010203"], WIDTH + 5)
    status, told = await moderated.refused("undo", act=done["id"])
    assert (status, told["code"]) == (409, "no-effect")


async def test_record_comes_in_pages_newest_first(moderated: Moderated) -> None:
    ids = [(await moderated.act("announce", text=str(n)))["id"] for n in range(5)]
    first = await moderated.record("?limit=2")
    assert ([it["id"] for it in first["acts"]], first["next"]) == (ids[:2:-1], ids[3])
    rest = await moderated.record(f"?before={first['next']}&limit=100")
    assert ([it["id"] for it in rest["acts"]], rest["next"]) == (ids[2::-1], None)
    for query in ("?limit=0", "?limit=101", "?before=x", "?x=1", "?limit=1&limit=2"):
        answer = await moderated.server.get(f"/acts{query}", moderated.moderator)
        told = answer.json()
        assert (answer.status, told["parameter"]) == (400, query[1:].partition("=")[0])
        assert told["allowed"]


@pytest.mark.parametrize("keeps_history", [True, False])
async def test_acts_that_have_left_the_record_are_listed_and_undone(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keeps_history: bool
) -> None:
    for where in ("placed.canvas.acts.record", "placed.moderation.older_acts"):
        monkeypatch.setattr(f"{where}.MOST_RECORDED", 3)
    for patience in ("_PATIENCE_SECONDS", "_HISTORY_SECONDS"):  # on a busy machine a history may be some seconds behind
        monkeypatch.setattr(f"placed.moderation.older_acts.{patience}", 20.0)
    moderator = await Host(tmp_path / "data").token("mod", "moderator")
    async with start(log=f"lmdb:{tmp_path / 'log'}", history=keeps_history) as server:
        one = Moderated(server, moderator, moderator)
        await one.paint((1, 1, 2))
        wiped = await one.act("wipe", area=AREA, color=3)
        banned = await one.act("ban", author="0" * 16)
        ids = [wiped["id"], banned["id"], *[(await one.act("open"))["id"] for _ in range(4)]]
        listed, before = list[dict[str, Any]](), ""
        while True:
            page = await one.record(f"?limit=2{before}")
            assert page["older"] is None
            listed += page["acts"]
            if page["next"] is None:
                break
            before = f"&before={page['next']}"
        assert [it["id"] for it in listed] == ids[::-1]
        assert (listed[-1]["kind"], listed[-1]["pixels"], listed[-1]["done"]) == ("wipe", 6, True)
        undone = await one.act("undo", act=wiped["id"])
        assert (undone["pixels"], one.area()) == (6, [[2, 0, 0], [0, 0, 0]])
        assert (await one.record("?limit=1"))["acts"][0]["pixels"] == 6
        assert (await one.record(f"?before={ids[1]}"))["acts"][0]["undone"] is True
        status, told = await one.refused("undo", act=wiped["id"])
        assert (status, told["code"]) == (409, "no-effect")
        await one.act("undo", act=undone["id"])
        assert one.area() == [[3] * 3] * 2
        assert (await one.record(f"?before={ids[1]}"))["acts"][0]["undone"] is False
        assert (await one.act("undo", act=banned["id"]))["pixels"] == 0
        status, told = await one.refused("undo", act=10_000)
        assert (status, told["code"]) == (404, "not-found")


async def test_nobody_but_moderators_and_hosts_is_answered(start: Start, tmp_path: Path) -> None:
    host = Host(tmp_path / "data")
    bot, boss = await host.token("robot", "bot"), await host.token("boss", "host")
    async with start(sign_in="code", join_code="turtle") as server:
        ada = await signed_in(server, join="turtle", name="Ada")
        for headers, status, code in (((), 401, "sign-in"), ((bot,), 403, "not-a-moderator"), ((ada,), 403, None)):
            for answer in (
                await post_json(server, "/acts", {"kind": "close"}, *headers),
                *[await server.get(path, *headers) for path in ("/acts", "/acts/bans", "/acts/protections")],
            ):
                assert (answer.status, answer.json()["code"]) == (status, code or "not-a-moderator")
        await post_json(server, "/people/role", {"who": "Ada", "role": "moderator"}, boss)
        assert (await post_json(server, "/acts", {"kind": "close"}, ada)).status == 200
        forged = await post_json(server, "/acts", {"kind": "open"}, ada, ("Origin", "https://evil.test"))
        assert (forged.status, forged.json()["code"]) == (403, "cross-site")
        assert (await post_json(server, "/acts", {"kind": "open"}, boss)).status == 200


WRONG: Final[list[tuple[str, dict[str, Any], str]]] = [
    ("fly", {}, "kind"),
    ("close", {"area": AREA}, "area"),
    ("ban", {}, "authors"),
    ("ban", {"author": "Ada"}, "author"),
    ("ban", {"authors": []}, "authors"),
    ("ban", {"author": "0" * 16, "authors": ["0" * 16]}, "authors"),
    ("ban", {"author": "0" * 16, "until": "2001-01-01T00:00:00Z"}, "until"),
    ("ban", {"author": "0" * 16, "until": "soon"}, "until"),
    ("ban", {"author": "0" * 16, "until": ["x"]}, "until"),
    ("ban", {"author": "0" * 16, "reason": "two\nlines"}, "reason"),
    ("ban", {"author": "0" * 16, "preview": 1}, "preview"),
    ("wipe", {}, "area"),
    ("wipe", {"area": [0, 0, WIDTH + 1, 1]}, "area"),
    ("wipe", {"area": [0, 0, 0, 1]}, "area"),
    ("wipe", {"area": [0, 0, 1]}, "area"),
    ("wipe", {"area": ["none", 0, 1, 1]}, "area"),
    ("wipe", {"area": {"x": 1}}, "area"),
    ("wipe", {"area": AREA, "color": 999}, "color"),
    ("wipe", {"area": AREA, "color": {"x": 1}}, "color"),
    ("stamp", {"area": AREA}, "picture"),
    ("stamp", {"area": AREA, "picture": "%"}, "picture"),
    ("stamp", {"area": AREA, "picture": 7}, "picture"),
    ("restore", {}, "authors"),
    ("restore", {"area": AREA}, "authors"),
    ("restore", {"area": AREA, "to": {"v": 10**6}}, "to.v"),
    ("restore", {"area": AREA, "to": {"v": 1, "t": 1}}, "to"),
    ("restore", {"area": AREA, "to": {"t": LATER}}, "to.t"),
    ("restore", {"area": AREA, "to": {"t": None}}, "to.t"),
    ("restore", {"area": AREA, "to": 1}, "to"),
    ("announce", {}, "text"),
    ("announce", {"text": " "}, "text"),
    ("announce", {"text": 5}, "text"),
    *(("announce", {"text": f"a{unseen}b"}, "text") for unseen in (*UNSEEN, *ENDS_OF_LINES)),
    *(("close", {"reason": f"a{unseen}b"}, "reason") for unseen in (*UNSEEN, *ENDS_OF_LINES)),
    ("open", {"at": "2001-01-01T00:00:00Z"}, "at"),
    ("undo", {}, "act"),
    ("undo", {"act": -1}, "act"),
    ("grow", {}, "width"),
    ("grow", {"width": WIDTH - 1}, "width"),
    ("grow", {"height": HEIGHT}, "height"),
    ("grow", {"colors": []}, "colors"),
    ("grow", {"height": 4097}, "height"),
    ("grow", {"colors": ["red"]}, "colors"),
    ("grow", {"colors": ["#FFFFFF"]}, "colors"),
]


async def test_what_is_wrong_is_named_and_nothing_is_done(moderated: Moderated) -> None:
    for kind, fields, parameter in WRONG:
        status, told = await moderated.refused(kind, **fields)
        found = (status, told["code"], told.get("parameter"))
        assert found == (400, "invalid-parameter", parameter), (kind, fields, told)
        assert told["allowed"]


async def test_act_that_is_not_there_can_not_be_meant(moderated: Moderated) -> None:
    for kind in ("undo", "unprotect"):
        status, told = await moderated.refused(kind, act=7)
        assert (status, told["code"]) == (404, "not-found")


async def test_act_is_undone_once(moderated: Moderated) -> None:
    done = await moderated.act("close")
    await moderated.act("undo", act=done["id"])
    status, told = await moderated.refused("undo", act=done["id"])
    assert (status, told["code"]) == (409, "no-effect")


async def test_repeated_field_and_another_type_of_body_are_refused(moderated: Moderated) -> None:
    kind = ("Content-Type", "application/json")
    twice = await moderated.server.request(
        "POST", "/acts", kind, moderated.moderator, body=b'{"kind": "open", "kind": "close"}'
    )
    assert (twice.status, twice.json()["parameter"]) == (400, "kind")
    plain = await moderated.server.request("POST", "/acts", moderated.moderator, body=b"kind=close")
    assert plain.status == 415


async def test_acts_outlast_a_restart(start: Start, tmp_path: Path) -> None:
    host, log = Host(tmp_path / "data"), f"lmdb:{tmp_path / 'log'}"
    moderator = await host.token("mod", "moderator")
    async with start(log=log) as server:
        one = Moderated(server, moderator, moderator)
        await one.act("protect", area=AREA)
        wiped = await one.act("wipe", area=AREA, color=3)
        before = (await one.record())["acts"]
    async with start(log=log) as server:
        again = Moderated(server, moderator, moderator)
        assert (await again.record())["acts"] == before
        assert (await server.place(1, 1, 1)).json()["code"] == "protected"
        assert (await again.act("undo", act=wiped["id"]))["pixels"] == 6


async def test_without_a_history_the_log_tells_what_an_act_needs(start: Start, tmp_path: Path) -> None:
    moderator = await Host(tmp_path / "data").token("mod", "moderator")
    async with start(history=False) as server:
        subject = Moderated(server, moderator, moderator)
        await subject.paint((1, 1, 2))
        version = server.projection.version
        await subject.paint((1, 1, 3))
        assert (await subject.act("restore", area=AREA, to={"v": version}, preview=True))["authors"] is None
        done = await subject.act("restore", area=AREA, to={"v": version})
        assert (done["pixels"], subject.area()[0]) == (1, [2, 0, 0])
        await subject.act("undo", act=done["id"])
        assert subject.area()[0] == [3, 0, 0]


async def test_frames_tell_small_corrections_and_the_rest_is_a_reload(start: Start, tmp_path: Path) -> None:
    moderator = await Host(tmp_path / "data").token("mod", "moderator")
    async with start(width=400, height=400) as server:
        subject = Moderated(server, moderator, moderator)
        async with server.follow("v=1&format=json") as stream:
            await subject.act("wipe", area=[0, 0, 9, 9], color=2)
            while not (event := await stream.event()).data.count("],["):
                pass
            assert event.data.count("],[") == 80
            done = await subject.act("wipe", area=[0, 0, 400, 400], color=3)
            while event.kind != "reload":
                event = await stream.event()
        assert done["pixels"] == 160_000
        assert (server.projection.canvas == 3).all()
        assert server.projection.feed.first > done["id"]


def test_all_kinds_are_in_the_fold() -> None:
    assert {*FIELDS, "done"} == set(ACTS)


async def test_page_that_followed_loads_once_more_when_the_canvas_grew(moderated: Moderated) -> None:
    async with moderated.server.follow("v=1") as stream:
        await moderated.act("grow", height=HEIGHT + 1)
        while (event := await stream.event()).kind != "reload":
            pass
    assert '"code": "canvas"' in event.data


async def test_everybody_sees_in_the_past_when_the_canvas_opened_closed_and_grew(moderated: Moderated) -> None:
    ids = [
        (await moderated.act("close"))["id"],
        (await moderated.act("announce", text="Back soon"))["id"],
        (await moderated.act("open"))["id"],
        (await moderated.act("grow", width=WIDTH + 1))["id"],
    ]
    await moderated.act("wipe", area=AREA)
    marks = (await moderated.server.get("/history")).json()["marks"]
    assert [mark["kind"] for mark in marks] == ["close", "announce", "open", "grow"]
    assert [mark["v"] for mark in marks[:3]] == [number + 1 for number in ids[:3]]
    assert marks[3]["v"] > ids[3]
    assert [mark["time"] for mark in marks] == sorted(mark["time"] for mark in marks)
