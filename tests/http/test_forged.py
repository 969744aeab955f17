"""Cookies and tokens that don't count, in both lanes: forged, cut, expired and revoked; and a bound on attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from placed.canvas.author import author_of, author_of_person
from placed.people.changes import RevokeToken
from placed.people.sessions import DAY_MS, Sessions
from tests.support.people import SESSION, Host, now_ms, post_json, signed_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

JOINING: Final[dict[str, Any]] = {"sign_in": "code", "join_code": "turtle"}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """The host of the data folder that `start` serves."""
    return Host(tmp_path / "data")


def cookie(text: str) -> tuple[str, str]:
    """The header of a session."""
    return ("Cookie", f"{SESSION}={text}")


def session_of(host: Host, author: int, *, age_ms: int = 0) -> str:
    """A session that a server with this key signed `age_ms` ago."""
    return Sessions(host.key, {}, 400 * DAY_MS, lambda: now_ms() - age_ms).begin(author)


@pytest.mark.parametrize(
    "change",
    [
        lambda good: "",
        lambda good: good[:-1],
        lambda good: good + "A",
        lambda good: good.swapcase(),
        lambda good: f'"{good}"',
        lambda good: good.replace(".", "%2E"),
        lambda good: "f" * 16 + good[16:],
        lambda good: good.rpartition(".")[0],
        lambda good: "x" * 3_000,
    ],
)
async def test_what_shows_nobody_paints_nothing(start: Start, host: Host, change: Callable[[str], str]) -> None:
    good = session_of(host, 5)
    async with start(**JOINING) as server:
        assert (await server.place(1, 1, 1, cookie(good))).status == 200
        before = server.state()
        bad = cookie(change(good))
        refused = await server.place(1, 1, 1, bad)
        assert (refused.status, refused.json()["code"]) == (401, "sign-in")
        assert (await server.get("/me", bad)).json()["signed_in"] is False
        await server.assert_well(before)


async def test_session_that_is_too_old_shows_nobody_and_half_of_its_life_later_a_new_one_is_given(
    start: Start, host: Host
) -> None:
    old, half = (cookie(session_of(host, 5, age_ms=days * DAY_MS + 1)) for days in (2, 1))
    async with start(**JOINING, session_days=2) as server:
        assert (await server.place(1, 1, 1, old)).status == 401
        assert (await server.get("/me", old)).headers["set-cookie"].startswith(f"{SESSION}=; Max-Age=0;")
        given = (await server.get("/me", half)).headers["set-cookie"].partition(";")[0]
        assert (await server.place(1, 1, 1, ("Cookie", given))).status == 200
        assert "set-cookie" not in (await server.get("/me", ("Cookie", given))).headers


async def test_session_of_another_canvas_shows_nobody(start: Start, host: Host, tmp_path: Path) -> None:
    other = cookie(session_of(Host(tmp_path / "other"), 5))
    async with start(**JOINING) as server:
        assert (await server.place(1, 1, 1, other)).status == 401


async def test_bad_cookie_in_mode_open_is_as_good_as_none(start: Start, host: Host) -> None:
    async with start(charge_seconds=600.0) as server:
        assert (await server.place(1, 1, 1, cookie("forged"))).status == 200
        told = (await server.get("/me", cookie("forged"))).json()
        assert told["author"] == f"{author_of('127.0.0.1', host.key):016x}"
        assert told["cooldown"]["remaining"] == 9


@pytest.mark.parametrize("sign_in", ["open", "code"])
@pytest.mark.parametrize("shown", ["Bearer pt_nothing", "Bearer", "bearer  x y", "BEARER pt_", "Bearer " + "x" * 3_000])
async def test_program_whose_token_does_not_hold_is_told(start: Start, host: Host, sign_in: str, shown: str) -> None:
    good = cookie(session_of(host, 5))
    async with start(sign_in=sign_in) as server:
        bad = ("Authorization", shown)
        assert (await server.place(1, 1, 1, bad)).status == 401
        assert (await server.place(1, 1, 1, bad, good)).status == 401  # only the token counts
        assert (await server.get("/me", bad)).json()["signed_in"] is False
        assert (await server.get("/canvas.png", bad)).status == 200


async def test_login_of_a_proxy_is_no_token_of_ours(start: Start) -> None:
    async with start() as server:
        assert (await server.place(1, 1, 1, ("Authorization", "Basic bWU6aHVzaA=="))).status == 200


async def test_program_paints_by_its_token_with_charges_of_its_own_until_it_is_revoked(
    start: Start, host: Host
) -> None:
    token = await host.token("robo")
    async with start(charges=2, charges_bot=5, charge_seconds=600.0) as server:
        told = (await server.get("/me", token)).json()
        author = f"{author_of_person('token:robo', host.key):016x}"
        assert (told["signed_in"], told["name"], told["roles"]) == (True, "robo", ["bot"])
        assert (told["author"], told["cooldown"]["charges"]) == (author, 5)
        assert [(await server.place(n, 1, 1, token)).status for n in range(6)] == [200] * 5 + [429]
        assert [(await server.place(n, 2, 1)).status for n in range(3)] == [200, 200, 429]
        assert (await server.get("/info", token)).json()["limits"]["edits"] == 5
        assert (await post_json(server, "/me/name", {"name": "Ada"}, token)).json()["code"] == "is-token"
    await host.change(RevokeToken("robo"))
    async with start() as server:
        assert (await server.place(1, 1, 1, token)).status == 401


async def test_rule_by_role_outlives_a_restart(start: Start, host: Host, tmp_path: Path) -> None:
    token = await host.token("robo")
    rules: dict[str, Any] = {"charges": 2, "charges_bot": 5, "charge_seconds": 600.0, "log": f"lmdb:{tmp_path / 'log'}"}
    async with start(**rules) as server:
        assert [(await server.place(n, 1, 1, token)).status for n in range(3)] == [200] * 3
        assert (await server.place(1, 1, 1)).status == 200
    async with start(**rules) as server:
        assert (await server.get("/me", token)).json()["cooldown"]["remaining"] == 2
        assert (await server.info())["cooldown"]["remaining"] == 1


@pytest.mark.parametrize(("show", "expected"), [("names", "Ada"), ("pseudonyms", None), ("none", None)])
async def test_name_is_in_the_past_of_a_pixel_where_names_are_shown(
    start: Start, show: str, expected: str | None
) -> None:
    async with start(**JOINING, show_authors=show) as server:
        ada = await signed_in(server, join="turtle", name="Ada")
        assert (await server.place(3, 4, 5, ada)).status == 200
        (edit,) = (await server.get("/history/pixel?x=3&y=4")).json()["edits"]
        assert edit.get("name") == expected
        assert ("author" in edit) is (show != "none")


async def test_wrong_words_are_counted_and_right_codes_are_not(start: Start, host: Host) -> None:
    (code,) = await host.codes(1)
    async with start(**JOINING) as server:
        wrong = [await post_json(server, "/sign-in", {"join": "tortoise", "name": "Eve"}) for _ in range(61)]
        assert [answer.status for answer in wrong] == [403] * 60 + [429]
        assert wrong[-1].json()["code"] == "too-many-attempts"
        assert 0 < int(wrong[-1].headers["retry-after"]) <= 60
        assert (await post_json(server, "/sign-in", {"join": "turtle", "name": "Ada"})).status == 429
        await signed_in(server, code=code)


async def test_address_brings_so_many_new_people_and_no_more(start: Start) -> None:
    async with start(**JOINING, people_per_address=2, unlimited_clients=("10.0.0.0/8",)) as server:
        await signed_in(server, join="turtle", name="Ada")
        taken = await post_json(server, "/sign-in", {"join": "turtle", "name": "Ada"})
        assert taken.status == 409  # and it doesn't count as a new person
        await signed_in(server, join="turtle", name="Bob")
        refused = await post_json(server, "/sign-in", {"join": "turtle", "name": "Eve"})
        assert (refused.status, refused.json()["code"]) == (429, "too-many-people")
        assert 3_000 < int(refused.headers["retry-after"]) <= 3_600
