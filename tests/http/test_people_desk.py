"""Looking after people over HTTP, in both lanes: hosts can do it, and nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from placed.http.people_desk import ACTS, QUESTIONS
from tests.support.people import Host, post_json, signed_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

JOINING: Final[dict[str, Any]] = {"sign_in": "code", "join_code": "turtle"}
ASKED: Final = [("GET", "/people" if what == "people" else f"/people/{what}") for what in QUESTIONS]
DONE: Final = [("POST", f"/people/{what}") for what in ACTS]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """The host of the data folder that `start` serves."""
    return Host(tmp_path / "data")


async def test_host_sees_people_and_what_they_may_do(start: Start, host: Host) -> None:
    token = await host.token("boss", "host")
    async with start(**JOINING) as server:
        await signed_in(server, join="turtle", name="Ada")
        told = (await server.get("/people", token)).json()
        assert (told["count"], told["next"]) == (2, None)
        assert {each["name"]: each["roles"] for each in told["people"]} == {"Ada": ["person"], "boss": ["host"]}
        one = (await server.get("/people?limit=1", token)).json()
        rest = (await server.get(f"/people?after={one['next']}", token)).json()
        assert [*one["people"], *rest["people"]] == told["people"]
        answer = await post_json(server, "/people/role", {"who": "Ada", "role": "moderator"}, token)
        assert answer.json()["roles"] == ["person", "moderator"]
        assert (await server.get("/people/export?who=Ada", token)).json()["roles"] == ["person", "moderator"]


async def test_code_that_a_host_makes_lets_somebody_in_until_it_is_revoked(start: Start, host: Host) -> None:
    token = await host.token("boss", "host")
    async with start(**JOINING) as server:
        made = (await post_json(server, "/people/codes", {"count": 2}, token)).json()["codes"]
        cookie = await signed_in(server, code=made[0]["code"])
        assert (await server.get("/people/codes", token)).json()["count"] == 2
        assert (await post_json(server, "/people/revoke", {"code": made[0]["id"]}, token)).status == 200
        assert (await server.get("/me", cookie)).json()["signed_in"] is False
        again = await post_json(server, "/sign-in", {"code": made[0]["code"]})
        assert (again.status, again.json()["code"]) == (403, "wrong-code")


async def test_token_that_a_host_makes_paints_until_it_is_revoked(start: Start, host: Host) -> None:
    token = await host.token("boss", "host")
    async with start(**JOINING) as server:
        made = (await post_json(server, "/people/tokens", {"name": "painter", "role": "bot"}, token)).json()
        shown = ("Authorization", f"Bearer {made['token']}")
        assert (await server.place(1, 1, 1, shown)).status == 200
        taken = await post_json(server, "/people/tokens", {"name": "Painter", "role": "bot"}, token)
        assert (taken.status, taken.json()["code"]) == (409, "name-taken")
        assert (await post_json(server, "/people/revoke", {"token": made["id"]}, token)).status == 200
        assert (await server.place(1, 1, 1, shown)).status == 401
        assert made["id"] not in {each["id"] for each in (await server.get("/people/tokens", token)).json()["tokens"]}


async def test_forgotten_person_is_signed_out_and_gone(start: Start, host: Host) -> None:
    token = await host.token("boss", "host")
    async with start(**JOINING) as server:
        ada = await signed_in(server, join="turtle", name="Ada")
        assert (await post_json(server, "/people/forget", {"who": "Ada"}, token)).status == 200
        assert (await server.get("/me", ada)).json()["signed_in"] is False
        gone = await server.get("/people/export?who=Ada", token)
        assert (gone.status, gone.json()["code"]) == (404, "not-found")


async def test_what_somebody_reported_is_exported_and_goes_with_them(start: Start, host: Host) -> None:
    token = await host.token("boss", "host")
    async with start(**JOINING) as server:
        cookies = [await signed_in(server, join="turtle", name=name) for name in ("Ada", "Bob")]
        for number, cookie in enumerate(cookies):
            told = {"x": number, "y": 2, "text": f"by {number}"}
            assert (await post_json(server, "/reports", told, cookie)).status == 200
        (exported,) = (await server.get("/people/export?who=Ada", token)).json()["reports"]
        assert (exported["id"], exported["area"], exported["text"]) == (1, [0, 2, 1, 1], "by 0")
        assert (await post_json(server, "/people/forget", {"who": "Ada"}, token)).status == 200
        left = (await server.get("/reports", token)).json()["reports"]
        assert [one["text"] for one in left] == ["by 1"]


async def test_host_link_makes_a_host(start: Start, host: Host) -> None:
    token = await host.token("boss", "host")
    async with start(**JOINING) as server:
        secret = (await post_json(server, "/people/host-link", {}, token)).json()["secret"]
        cookie = await signed_in(server, host=secret)
        assert (await server.get("/people", cookie)).status == 200


@pytest.mark.parametrize(("method", "path"), [*ASKED, *DONE])
async def test_nobody_but_a_host_is_answered(start: Start, host: Host, method: str, path: str) -> None:
    moderator = await host.token("mod", "moderator")
    async with start(**JOINING) as server:
        person = await signed_in(server, join="turtle", name="Ada")
        for headers, status, code in (
            ((), 401, "sign-in"),
            ((person,), 403, "not-a-host"),
            ((moderator,), 403, "not-a-host"),
        ):
            answer = await server.request(method, path, *headers)
            assert (answer.status, answer.json()["code"]) == (status, code)


async def test_page_of_another_site_does_nothing_in_a_hosts_name(start: Start, host: Host) -> None:
    secret = await host.host_link()
    async with start(**JOINING, allow_origins=("https://elsewhere.example",)) as server:
        cookie = await signed_in(server, host=secret)
        other = ("Origin", "https://elsewhere.example")
        refused = await post_json(server, "/people/host-link", {}, cookie, other)
        assert (refused.status, refused.json()["code"]) == (403, "cross-site")
        assert (await server.get("/people", cookie, other)).status == 401


@pytest.mark.parametrize(
    ("path", "told", "says"),
    [
        ("codes", {}, "count is missing"),
        ("codes", {"count": 0}, "1 to 10,000"),
        ("codes", {"count": 10_001}, "1 to 10,000"),
        ("codes", {"count": True}, "1 to 10,000"),
        ("codes", {"count": 1, "more": 1}, "the fields are count"),
        ("tokens", {"name": "a", "role": "king"}, "bot, moderator, host"),
        ("tokens", {"name": "\u202e", "role": "bot"}, "another one"),
        ("role", {"who": "Ada"}, "role is missing"),
        ("forget", {"who": ["Ada"]}, "a text"),
        ("revoke", {}, "the number of a code"),
        ("revoke", {"code": "1", "token": "2"}, "the number of a code"),
    ],
)
async def test_wrong_field_is_named_and_changes_nothing(
    start: Start, host: Host, path: str, told: dict[str, object], says: str
) -> None:
    token = await host.token("boss", "host")
    async with start(**JOINING) as server:
        before = (await server.get("/people", token)).body
        answer = await post_json(server, f"/people/{path}", told, token)
        assert (answer.status, answer.json()["code"]) == (400, "invalid-parameter")
        assert says in answer.json()["detail"]
        assert (await server.get("/people", token)).body == before


@pytest.mark.parametrize(
    "target",
    [
        "/people?limit=0",
        "/people?limit=1001",
        "/people?after=Ada",
        "/people?who=Ada",
        "/people?limit=1&limit=2",
        "/people/export",
    ],
)
async def test_wrong_question_is_refused(start: Start, host: Host, target: str) -> None:
    token = await host.token("boss", "host")
    async with start(**JOINING) as server:
        answer = await server.get(target, token)
        assert (answer.status, answer.json()["code"]) == (400, "invalid-parameter")
