"""Signing in and out, in both lanes: by a code, by the word for all, by a host link; and who one is afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from placed.canvas.author import author_of, author_of_person
from tests.support.http_connection import HOST
from tests.support.people import SESSION, Host, cookie_of, post_json, signed_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

WORD: Final = "grüne schildkröte"
JOINING: Final[dict[str, Any]] = {"sign_in": "code", "join_code": WORD}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """The host of the data folder that `start` serves."""
    return Host(tmp_path / "data")


async def test_everybody_paints_in_mode_open_and_is_told_who_they_are(start: Start, host: Host) -> None:
    async with start() as server:
        me = await server.get("/me")
        assert me.headers["cache-control"] == "no-store"
        assert "set-cookie" not in me.headers
        told = me.json()
        assert (told["signed_in"], told["name"], told["roles"]) == (False, None, [])
        assert told["author"] == f"{author_of('127.0.0.1', host.key):016x}"
        assert set(told["cooldown"]) == {"charges", "charge_seconds", "remaining", "next_seconds"}
        assert (await server.place(1, 2, 3)).status == 200


async def test_info_says_how_people_sign_in(start: Start) -> None:
    async with start() as server:
        told = (await server.info())["sign_in"]
    expected = {"mode": "open", "required": False, "watch": "everybody", "join": False, "codes": False, "providers": []}
    assert told == expected
    async with start(**JOINING, watch="signed-in") as server:
        told = (await server.info())["sign_in"]
    assert told == expected | {"mode": "code", "required": True, "watch": "signed-in", "join": True, "codes": True}


async def test_edit_without_signing_in_is_refused_and_with_a_code_is_the_persons(start: Start, host: Host) -> None:
    (code,) = await host.codes(1)
    async with start(sign_in="code", charge_seconds=60.0) as server:
        before = server.state()
        refused = await server.place(1, 2, 3)
        assert (refused.status, refused.json()["code"]) == (401, "sign-in")
        assert refused.headers["www-authenticate"] == 'Bearer realm="placed"'
        await server.assert_well(before)
        answer = await post_json(server, "/sign-in", {"code": code})
        author = f"{author_of_person('code:t-000', host.key):016x}"
        assert answer.json() == {"name": None, "author": author, "roles": ["person"]}
        cookie = cookie_of(answer)
        assert (await server.place(1, 2, 3, cookie)).status == 200
        told = (await server.get("/me", cookie)).json()
        assert (told["signed_in"], told["author"], told["roles"]) == (True, author, ["person"])
        assert told["cooldown"]["remaining"] == 9
        assert (await server.get("/info", cookie)).json()["cooldown"]["remaining"] == 9
        assert (await server.get("/info")).json()["cooldown"]["remaining"] == 10
        assert (await server.place(1, 2, 3)).status == 401


async def test_two_people_behind_one_address_have_charges_of_their_own(start: Start, host: Host) -> None:
    async with start(**JOINING, charges=1, charge_seconds=600.0) as server:
        ada = await signed_in(server, join=WORD, name="Ada")
        bob = await signed_in(server, join=WORD, name="Bob")
        assert [(await server.place(1, 1, 1, who)).status for who in (ada, bob, ada, bob)] == [200, 200, 429, 429]
        refused = await server.place(1, 1, 1, ada)
        assert refused.json()["detail"].startswith("the one charge is spent; the next one is back in ")


@pytest.mark.parametrize(
    ("secure", "expected"),
    [
        (False, "placed-session=VALUE; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax"),
        (True, "__Host-placed-session=VALUE; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax; Secure"),
    ],
)
async def test_cookie_is_out_of_reach_of_scripts_and_other_sites(start: Start, secure: bool, expected: str) -> None:
    proxies = ("127.0.0.1",) if secure else ()
    async with start(**JOINING, trusted_proxies=proxies) as server:
        told = {"join": WORD, "name": "Ada"}
        answer = await post_json(server, "/sign-in", told, ("X-Forwarded-Proto", "https"))
        name, _, rest = answer.headers["set-cookie"].partition("=")
        value = rest.partition(";")[0]
        assert f"{name}={rest}".replace(value, "VALUE", 1) == expected
        theirs = ("Cookie", f"{name}={value}")
        here = ("X-Forwarded-Proto", "https")
        assert (await server.place(1, 1, 1, theirs, here)).status == 200
        # Over HTTPS the plain cookie doesn't count, because anybody on the way could have set it over HTTP.
        other = ("Cookie", f"{'placed-session' if secure else '__Host-placed-session'}={value}")
        assert (await server.place(1, 1, 1, other, here)).status == 401


@pytest.mark.parametrize("typed", ["CODE0000", "code-0000", " co de 0000 "])
async def test_code_is_taken_as_people_type_it(start: Start, host: Host, typed: str) -> None:
    await host.codes(1)
    async with start(sign_in="code") as server:
        await signed_in(server, code=typed)


async def test_code_that_is_used_again_ends_the_sessions_from_before(start: Start, host: Host) -> None:
    (code,) = await host.codes(1)
    async with start(sign_in="code") as server:
        first = await signed_in(server, code=code)
        second = await signed_in(server, code=code)
        assert (await server.place(1, 1, 1, first)).status == 401
        assert (await server.place(1, 1, 1, second)).status == 200
        me = await server.get("/me", first)
        assert me.json()["signed_in"] is False
        assert me.headers["set-cookie"].startswith(f"{SESSION}=; Max-Age=0;")


async def test_word_is_taken_in_any_case_and_names_are_taken_once(start: Start) -> None:
    async with start(**JOINING) as server:
        answer = await post_json(server, "/sign-in", {"join": " Grüne  SCHILDKRÖTE", "name": "Ada L."})
        assert answer.json()["name"] == "Ada L."
        taken = await post_json(server, "/sign-in", {"join": WORD, "name": "АDA L"})  # noqa: RUF001 - Cyrillic
        assert (taken.status, taken.json()["code"]) == (409, "name-taken")
        assert "set-cookie" not in taken.headers


@pytest.mark.parametrize(
    ("told", "status", "code"),
    [
        ({"code": "nothing"}, 403, "wrong-code"),
        ({"code": ""}, 403, "wrong-code"),
        ({"join": "turtle", "name": "Ada"}, 403, "wrong-code"),
        ({"join": WORD, "name": ""}, 400, "invalid-parameter"),
        ({"join": WORD, "name": "x" * 25}, 400, "invalid-parameter"),
        ({"join": WORD, "name": "a\u202eb"}, 400, "invalid-parameter"),
        ({"join": WORD, "name": "\ud800"}, 400, "invalid-parameter"),
        ({"join": WORD}, 400, "invalid-parameter"),
        ({"join": WORD, "name": 5}, 400, "invalid-parameter"),
        ({"code": ["x"]}, 400, "invalid-parameter"),
        ({"code": "x", "name": "Ada"}, 400, "invalid-parameter"),
        ({"code": "\ud800\ud800"}, 403, "wrong-code"),
        ({"host": "nothing"}, 403, "wrong-code"),
        ({"code": "x" * 300}, 400, "invalid-parameter"),
        ({}, 400, "invalid-parameter"),
        ([], 400, "invalid-body"),
        ("code", 400, "invalid-body"),
    ],
)
async def test_what_lets_nobody_in_is_refused(start: Start, told: object, status: int, code: str) -> None:
    async with start(**JOINING) as server:
        answer = await post_json(server, "/sign-in", told)
        assert (answer.status, answer.json()["code"]) == (status, code)
        assert "set-cookie" not in answer.headers


async def test_body_that_is_no_json_lets_nobody_in(start: Start) -> None:
    async with start(**JOINING) as server:
        form = ("Content-Type", "application/x-www-form-urlencoded")
        assert (await server.request("POST", "/sign-in", form, body=b"code=x")).status == 415
        assert (await server.request("POST", "/sign-in")).status == 400
        assert (await server.get("/sign-in")).status == 405


async def test_codes_and_words_let_nobody_in_where_everybody_may_paint(start: Start, host: Host) -> None:
    (code,) = await host.codes(1)
    async with start() as server:
        for told in ({"code": code}, {"join": "", "name": "Ada"}):
            answer = await post_json(server, "/sign-in", told)
            assert (answer.status, answer.json()["code"]) == (403, "wrong-code")


@pytest.mark.parametrize("sign_in", ["open", "code"])
async def test_host_link_makes_one_host_in_any_mode(start: Start, host: Host, sign_in: str) -> None:
    secret = await host.host_link()
    async with start(sign_in=sign_in) as server:
        answer = await post_json(server, "/sign-in", {"host": secret})
        assert answer.json()["roles"] == ["person", "host"]
        assert (await server.get("/me", cookie_of(answer))).json()["roles"] == ["person", "host"]
        assert (await post_json(server, "/sign-in", {"host": secret})).status == 403


async def test_signing_out_takes_the_cookie_and_everywhere_ends_all_sessions(start: Start, host: Host) -> None:
    async with start(**JOINING) as server:
        ada = await signed_in(server, join=WORD, name="Ada")
        out = await post_json(server, "/sign-out", {}, ada)
        assert out.headers["set-cookie"] == f"{SESSION}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"
        assert (await server.place(1, 1, 1, ada)).status == 200  # a copy of the session elsewhere still works
        assert (await post_json(server, "/sign-out", {"everywhere": True}, ada)).status == 200
        assert (await server.place(1, 1, 1, ada)).status == 401
        assert (await post_json(server, "/sign-out", {"everywhere": True}, ada)).status == 401
        assert (await server.request("POST", "/sign-out")).status == 200
        assert (await post_json(server, "/sign-out", {"everywhere": 1})).status == 400


async def test_name_is_changed_and_looked_up(start: Start) -> None:
    async with start(**JOINING) as server:
        ada = await signed_in(server, join=WORD, name="Ada")
        await signed_in(server, join=WORD, name="Bob")
        renamed = await post_json(server, "/me/name", {"name": "Countess"}, ada)
        assert (renamed.status, renamed.json()["name"]) == (200, "Countess")
        assert (await server.get("/me", ada)).json()["name"] == "Countess"
        taken = await post_json(server, "/me/name", {"name": "BOB"}, ada)
        assert (taken.status, taken.json()["code"]) == (409, "name-taken")
        assert (await post_json(server, "/me/name", {"name": "Eve"})).status == 401
        await signed_in(server, join=WORD, name="Ada")  # the name is free again


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/me/name"])
@pytest.mark.parametrize(
    "headers",
    [
        (("Sec-Fetch-Site", "cross-site"), ("Origin", "https://friend.test")),
        (("Sec-Fetch-Site", "same-site"), ("Origin", f"http://{HOST}:81")),
        (("Origin", "https://friend.test"),),
        (("Origin", "null"),),
    ],
)
async def test_no_other_site_signs_anybody_in_or_out(
    start: Start, path: str, headers: tuple[tuple[str, str], ...]
) -> None:
    async with start(**JOINING, allow_origins=("https://friend.test",)) as server:
        ada = await signed_in(server, join=WORD, name="Ada")
        told = {"join": WORD, "name": "Eve"} if path == "/sign-in" else {"name": "Eve"}
        refused = await post_json(server, path, told if path != "/sign-out" else {"everywhere": True}, ada, *headers)
        assert (refused.status, refused.json()["code"]) == (403, "cross-site")
        assert "set-cookie" not in refused.headers
        assert (await server.get("/me", ada)).json()["name"] == "Ada"


async def test_page_of_an_allowed_site_paints_in_nobodys_name(start: Start, host: Host) -> None:
    friend = ("Origin", "https://friend.test")
    token = await host.token("robo")
    async with start(**JOINING, allow_origins=("https://friend.test",)) as server:
        ada = await signed_in(server, join=WORD, name="Ada")
        assert (await server.place(1, 1, 1, ada, friend)).status == 401
        assert (await server.get("/me", ada, friend)).json()["signed_in"] is False
        assert (await server.place(1, 1, 1, token, friend)).status == 200
