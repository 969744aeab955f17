"""Signing in at a real OpenID provider, over real HTTP: who one is afterwards, and all that may go wrong on the way."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import attrs
import pytest
import trio

from bench.equipment.free_ports import free_ports
from placed.canvas.author import author_of_person
from placed.http.oidc.flow import COOKIE, SAFE_COOKIE
from tests.http.oidc.schools import provider_settings, query_of
from tests.support.openid_provider import CLIENT_ID, new_key, openid_provider, through
from tests.support.people import SESSION, Host
from tests.support.serving import LIMIT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.http.oidc.schools import School
    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]
    StartSchool = Callable[..., AbstractAsyncContextManager[School]]
    SchoolAt = Callable[[Server], AbstractAsyncContextManager[School]]

PAGE: Final = "../../../"


def providers(**ports: int) -> dict[str, Any]:
    """The settings for providers with these names and ports on this machine."""
    told = (provider_settings(name, f"http://127.0.0.1:{port}") for name, port in ports.items())
    return {"sign_in": "oidc", "providers": tuple(told)}


def changed(url: str, **parameters: str | None) -> str:
    """A URL with other parameters; None leaves one out."""
    parts = urlsplit(url)
    told = {name: value for name, value in (query_of(url) | parameters).items() if value is not None}
    return parts._replace(query=urlencode(told)).geturl()


async def test_person_of_the_provider_paints_and_is_the_same_in_every_browser(
    start_school: StartSchool, tmp_path: Path
) -> None:
    async with start_school(charges=1, charge_seconds=60.0) as school:
        browser = await school.browser()
        assert await browser.paints() == 401
        answer = await browser.signs_in("ada")
        assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        me = await browser.me()
        person = author_of_person(f"oidc:{school.issuer} ada", Host(tmp_path / "data").key)
        assert (me["name"], me["roles"], me["author"]) == ("ada", ["person"], f"{person:016x}")
        assert await browser.paints() == 200
        other = await school.browser()
        await other.signs_in("ada")
        assert (await other.me())["author"] == me["author"]
        assert await other.paints() == 429
        third = await school.browser()
        await third.signs_in("bea")
        assert await third.paints() == 200


async def test_way_to_the_provider_has_state_nonce_and_challenge_and_a_new_one_each_time(
    start_school: StartSchool,
) -> None:
    async with start_school() as school:
        browser = await school.browser()
        answers = [await browser.begin() for _ in range(2)]
        assert {answer.status_code for answer in answers} == {303}
        asked = [query_of(answer.headers["location"]) for answer in answers]
        for one in asked:
            assert one["redirect_uri"] == f"{school.server.url}/sign-in/oidc/school/callback"
            assert (one["response_type"], one["client_id"]) == ("code", CLIENT_ID)
            assert (one["code_challenge_method"], one["scope"]) == ("S256", "openid profile")
        for name in ("state", "nonce", "code_challenge"):
            assert len({one[name] for one in asked}) == 2
        cookie = answers[0].headers["set-cookie"]
        assert cookie.startswith(f"{COOKIE}=school.")
        assert cookie.endswith("; Max-Age=600; Path=/; HttpOnly; SameSite=Lax")


async def test_names_may_also_come_in_the_token(start_school: StartSchool) -> None:
    async with start_school(claims_in_token=True) as school:
        browser = await school.browser()
        await browser.signs_in("ada")
        assert (await browser.me())["name"] == "ada"


async def test_taken_name_gets_a_number_and_a_name_that_was_chosen_stays(
    start_school: StartSchool, tmp_path: Path
) -> None:
    await Host(tmp_path / "data").token("ada")
    async with start_school() as school:
        browser = await school.browser()
        await browser.signs_in("Ada")
        assert (await browser.me())["name"] == "Ada 2"
        json = {"name": "Countess"}
        assert (await browser.http.post(f"{school.server.url}/me/name", json=json)).status_code == 200
        await browser.signs_in("Ada")
        assert (await browser.me())["name"] == "Countess"


async def test_info_names_the_providers(start_school: StartSchool) -> None:
    async with start_school() as school:
        told = (await school.server.info())["sign_in"]
        assert (told["mode"], told["required"]) == ("oidc", True)
        assert told["providers"] == [{"name": "school", "title": "School"}]


async def test_answer_counts_only_in_the_browser_that_asked_and_only_once(start_school: StartSchool) -> None:
    async with start_school() as school:
        browser, victim = await school.browser(), await school.browser()
        url = await browser.comes_back_to("eve")
        await victim.begin()  # has a flow of its own
        for stranger in (victim, await school.browser()):
            refused = await stranger.http.get(url)
            assert refused.headers["location"] == f"{PAGE}#sign-in=expired"
            assert not (await stranger.me())["signed_in"]
        flow = browser.http.cookies[COOKIE]
        assert (await browser.http.get(url)).headers["location"] == PAGE
        again = await browser.http.get(url, headers={"Cookie": f"{COOKIE}={flow}"})
        assert again.headers["location"] == f"{PAGE}#sign-in=expired"
        assert SESSION not in again.headers.get("set-cookie", "")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state": "x"}, "expired"),
        ({"state": None}, "expired"),
        ({"code": "x"}, "provider-error"),
        ({"code": None}, "bad-answer"),
        ({"code": "a b"}, "bad-answer"),
        ({"code": "x" * 5_000}, "bad-answer"),
        ({"iss": "https://evil.test"}, "bad-answer"),
        ({"iss": None}, "bad-answer"),
        ({"error": "access_denied"}, "denied"),
        ({"error": "server_error", "error_description": "<b>"}, "provider-error"),
        ({"error": "<script>"}, "provider-error"),
        ({"code": "x" * 9_000}, "expired"),
    ],
    ids=str,
)
async def test_forged_answer_signs_nobody_in_and_the_page_is_told_why(
    change: dict[str, str | None], reason: str, start_school: StartSchool
) -> None:
    async with start_school() as school:
        browser = await school.browser()
        url = await browser.comes_back_to("ada")
        answer = await browser.http.get(changed(url, **change))
        assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}#sign-in={reason}")
        assert not (await browser.me())["signed_in"]
        assert await browser.paints() == 401


async def test_parameter_that_comes_twice_is_refused(start_school: StartSchool) -> None:
    async with start_school() as school:
        browser = await school.browser()
        url = await browser.comes_back_to("ada")
        twice = f"{url}&{urlencode([pair for pair in parse_qsl(urlsplit(url).query) if pair[0] == 'code'])}"
        assert (await browser.http.get(twice)).headers["location"] == f"{PAGE}#sign-in=expired"


async def test_code_of_another_persons_flow_is_of_no_use(start_school: StartSchool) -> None:
    async with start_school() as school:
        thief, owner = await school.browser(), await school.browser()
        stolen = query_of(await owner.comes_back_to("ada"))["code"]
        own = await thief.comes_back_to("eve")
        answer = await thief.http.get(changed(own, code=stolen))
        assert answer.headers["location"] == f"{PAGE}#sign-in=provider-error"  # PKCE
        assert not (await thief.me())["signed_in"]


async def test_flow_of_one_provider_is_none_of_another(start: Start, school_at: SchoolAt) -> None:
    ends = [f"/sign-in/oidc/{name}/callback" for name in ("a", "b")]
    port = free_ports(1)[0]
    async with start(**providers(a=port, b=port)) as server, school_at(server) as school:
        browser = await school.browser()
        async with openid_provider(*(server.url + end for end in ends), port=port):
            url = await browser.comes_back_to("ada", "a")
            mixed = await browser.http.get(url.replace(ends[0], ends[1]))
            assert mixed.headers["location"] == f"{PAGE}#sign-in=expired"
            assert (await browser.http.get(url)).headers["location"] == PAGE  # the other attempt didn't use it up
            await browser.signs_in("ada", "b")
            assert (await browser.me())["name"] == "ada"


async def test_provider_that_is_down_is_told_and_the_others_go_on(start: Start, school_at: SchoolAt) -> None:
    port, dead = free_ports(2)
    async with start(**providers(up=port, down=dead)) as server, school_at(server) as school:
        browser = await school.browser()
        async with openid_provider(f"{server.url}/sign-in/oidc/up/callback", port=port):
            assert (await browser.begin("down")).headers["location"] == "../../#sign-in=provider-down"
            assert (await browser.signs_in("ada", "up")).headers["location"] == PAGE
            url = await browser.comes_back_to("ada", "up")
        assert await browser.paints() == 200
        assert (await browser.http.get(url)).headers["location"] == f"{PAGE}#sign-in=provider-down"
        assert (await browser.me())["signed_in"]  # still signed in


async def test_provider_of_another_name_than_in_the_config_file_is_not_believed(
    start: Start, school_at: SchoolAt
) -> None:
    port = free_ports(1)[0]
    told = attrs.evolve(provider_settings("school", f"http://127.0.0.1:{port}"), issuer=f"http://localhost:{port}")
    async with start(sign_in="oidc", providers=(told,)) as server, school_at(server) as school:
        browser = await school.browser()
        async with openid_provider(f"{server.url}/sign-in/oidc/school/callback", port=port):
            answer = await browser.begin()
            assert answer.headers["location"] == "../../#sign-in=bad-answer"


async def test_new_keys_of_the_provider_are_found(
    start: Start, school_at: SchoolAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("placed.http.oidc.discovery.ROTATED_SECONDS", 0.0)  # test_discovery.py tries the minute
    port = free_ports(1)[0]
    async with start(**providers(school=port)) as server, school_at(server) as school:
        back = f"{server.url}/sign-in/oidc/school/callback"
        for kid in ("old", "new"):
            async with openid_provider(back, port=port, key=new_key(kid)):
                browser = await school.browser()
                assert (await browser.signs_in("ada")).headers["location"] == PAGE
                assert (await browser.me())["name"] == "ada"


async def test_wrong_secret_is_the_providers_no(start: Start, school_at: SchoolAt) -> None:
    port = free_ports(1)[0]
    told = attrs.evolve(provider_settings("school", f"http://127.0.0.1:{port}"), client_secret="wrong")
    async with start(sign_in="oidc", providers=(told,)) as server, school_at(server) as school:
        browser = await school.browser()
        async with openid_provider(f"{server.url}/sign-in/oidc/school/callback", port=port):
            answer = await browser.signs_in("ada")
            assert answer.headers["location"] == f"{PAGE}#sign-in=provider-error"


async def test_callback_is_the_one_that_the_proxy_was_asked_for(start: Start, school_at: SchoolAt) -> None:
    port = free_ports(1)[0]
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "canvas.test", "X-Forwarded-Prefix": "/place"}
    outside = "https://canvas.test/place/sign-in/oidc/school/callback"
    async with start(**providers(school=port), trusted_proxies=("127.0.0.1",)) as server, school_at(server) as school:
        browser = await school.browser()
        async with openid_provider(outside, port=port):
            answer = await browser.http.get(f"{server.url}/sign-in/oidc/school", headers=told)
            assert query_of(answer.headers["location"])["redirect_uri"] == outside
            name, _, rest = answer.headers["set-cookie"].partition("=")
            assert name == SAFE_COOKIE
            assert rest.endswith("; Secure")
            url = await through(browser.http, answer.headers["location"], "ada", outside)
            headers = told | {"Cookie": f"{name}={rest.partition(';')[0]}"}
            back = await browser.http.get(
                f"{server.url}/sign-in/oidc/school/callback?{urlsplit(url).query}", headers=headers
            )
            assert back.headers["location"] == PAGE
            assert any(cookie.startswith(f"__Host-{SESSION}=") for cookie in back.headers.get_list("set-cookie"))


async def test_header_of_a_client_changes_no_callback(start_school: StartSchool) -> None:
    async with start_school() as school:
        browser = await school.browser()
        forged = {"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/evil"}
        answer = await browser.http.get(
            f"{school.server.url}/sign-in/oidc/school?next=https://evil.test", headers=forged
        )
        asked = query_of(answer.headers["location"])
        assert asked["redirect_uri"] == f"{school.server.url}/sign-in/oidc/school/callback"
        assert "evil" not in answer.headers["location"]


async def test_unknown_provider_is_not_found(start_school: StartSchool, start: Start) -> None:
    async with start_school() as school:
        for target in ("/sign-in/oidc/other", "/sign-in/oidc/other/callback", "/sign-in/oidc/", "/sign-in/oidc/a/b"):
            assert (await school.server.get(target)).status == 404, target


async def test_without_providers_there_is_no_such_way_in(server: Server) -> None:
    for target in ("/sign-in/oidc/school", "/sign-in/oidc/school/callback"):
        answer = await server.get(target)
        assert (answer.status, answer.json()["code"]) == (404, "not-found")


async def test_session_ends_with_signing_out(start_school: StartSchool) -> None:
    async with start_school() as school:
        browser = await school.browser()
        await browser.signs_in("ada")
        assert (await browser.http.post(f"{school.server.url}/sign-out")).status_code == 200
        assert not (await browser.me())["signed_in"]
        assert await browser.paints() == 401


async def test_more_than_wait_for_a_provider_are_told_to_try_again(
    start: Start, school_at: SchoolAt, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("placed.http.oidc.signing_in.MOST_AT_ONCE", 1)
    asked = trio.Event()

    async def silent(stream: trio.SocketStream) -> None:
        asked.set()
        await trio.sleep_forever()

    listeners = await nursery.start(partial(trio.serve_tcp, silent, 0, host="127.0.0.1"))
    async with start(**providers(school=listeners[0].socket.getsockname()[1])) as server, school_at(server) as school:
        first, second = await school.browser(), await school.browser()
        async with trio.open_nursery() as waiting:
            waiting.start_soon(first.begin)
            with trio.fail_after(LIMIT_SECONDS):
                await asked.wait()
            assert (await second.begin()).headers["location"] == "../../#sign-in=busy"
            waiting.cancel_scope.cancel()


async def test_one_address_leaves_places_for_others_while_a_provider_is_slow(
    start: Start, school_at: SchoolAt, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("placed.http.oidc.signing_in.MOST_OF_ONE", 1)
    send, asked = trio.open_memory_channel[None](10)

    async def silent(stream: trio.SocketStream) -> None:
        await send.send(None)
        await trio.sleep_forever()

    listeners = await nursery.start(partial(trio.serve_tcp, silent, 0, host="127.0.0.1"))
    port = listeners[0].socket.getsockname()[1]
    settings = {**providers(school=port, office=port), "trusted_proxies": ("127.0.0.1",)}
    async with start(**settings) as server, school_at(server) as school:
        first, second, other = [await school.browser() for _ in range(3)]
        for browser, address in ((first, "203.0.113.7"), (second, "203.0.113.7"), (other, "203.0.113.8")):
            browser.http.headers["X-Forwarded-For"] = address
        async with trio.open_nursery() as waiting:
            with trio.fail_after(LIMIT_SECONDS):
                waiting.start_soon(first.begin)
                await asked.receive()
                assert (await second.begin("office")).headers["location"] == "../../#sign-in=busy"
                waiting.start_soon(other.begin, "office")
                await asked.receive()
            waiting.cancel_scope.cancel()
