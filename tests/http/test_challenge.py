"""The proof of work: what a server asks for, which solutions count, and who may paint then, in both lanes."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from altcha import v1 as altcha
from hypothesis import given
from hypothesis import strategies as st

from placed.http.answer import Problem, Request
from placed.http.challenge import MOST_TRIES, SOLVE_SECONDS, Challenge
from placed.http.passes import PASS_SECONDS
from placed.http.used_once import UsedOnce
from tests.http.bodies import body_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from tests.support.serving import Server

KEY = bytes(range(32))
JSON = ("Content-Type", "application/json")
NEIGHBOUR = ("X-Forwarded-For", "198.51.100.7")
LOOPBACK = ("127.0.0.0/8",)


def request(body: bytes = b"", peer: str = "192.0.2.1") -> Request:
    """A request from an address."""
    return Request("POST" if body else "GET", "", {"content-type": "application/json"}, peer, body)


def solved(asked: dict[str, Any]) -> dict[str, Any]:
    """The solution of a challenge, found as any program would."""
    found = next(
        number
        for number in range(asked["maxNumber"] + 1)
        if hashlib.sha256(f"{asked['salt']}{number}".encode()).hexdigest() == asked["challenge"]
    )
    return {name: asked[name] for name in ("algorithm", "challenge", "salt", "signature")} | {"number": found}


def packed(solution: Any) -> bytes:
    """The body of a `POST /challenge`."""
    return json.dumps({"altcha": base64.b64encode(json.dumps(solution).encode()).decode()}).encode()


class Clock:
    """Seconds since the epoch, set by the test."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def easy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a search go through 1,000 instead of 1,000,000 numbers."""
    monkeypatch.setattr("placed.http.challenge.MOST_TRIES", 1_000)


def asked_of(challenge: Challenge, peer: str = "192.0.2.1") -> dict[str, Any]:
    """A new challenge for an address."""
    told: dict[str, Any] = json.loads(body_of(challenge.ask(request(peer=peer))))
    return told


def refused(challenge: Challenge, body: bytes, peer: str = "192.0.2.1") -> tuple[int, str]:
    """Status and code of the refusal of a solution."""
    with pytest.raises(Problem) as refusal:
        challenge.take(request(body, peer))
    return refusal.value.status, refusal.value.code


def test_challenge_is_altchas_and_its_own_library_solves_it() -> None:
    told = asked_of(Challenge(KEY))
    assert set(told) == {"algorithm", "challenge", "maxNumber", "salt", "signature"}
    found = altcha.solve_challenge(
        altcha.Challenge(told["algorithm"], told["challenge"], told["maxNumber"], told["salt"], told["signature"])
    )
    assert found is not None
    assert found.number == solved(told)["number"]


def test_a_search_is_long_enough_to_be_dear() -> None:
    assert MOST_TRIES == 1_000_000


def test_solution_gives_a_pass_that_ends_an_hour_after_it_was_asked_for() -> None:
    clock = Clock(1_900_000_000)
    challenge = Challenge(KEY, now_seconds=clock)
    body = packed(solved(asked_of(challenge)))
    clock.now += SOLVE_SECONDS - 1
    answer = challenge.take(request(body))
    told = json.loads(body_of(answer))
    assert told["expires"] == 1_900_000_000 + PASS_SECONDS
    cookie = dict(answer.headers)["Set-Cookie"]
    left = PASS_SECONDS - SOLVE_SECONDS + 1
    assert cookie == f"placed-pass={told['pass']}; Max-Age={left}; Path=/; HttpOnly; SameSite=Lax"


def test_late_solution_is_refused() -> None:
    clock = Clock(1_900_000_000)
    challenge = Challenge(KEY, now_seconds=clock)
    body = packed(solved(asked_of(challenge)))
    clock.now += SOLVE_SECONDS
    assert refused(challenge, body) == (403, "challenge")


def test_number_may_be_written_as_a_float() -> None:
    challenge = Challenge(KEY)
    solution = solved(asked_of(challenge))
    assert challenge.take(request(packed(solution | {"number": float(solution["number"])}))).status == 200


def test_solution_counts_once() -> None:
    challenge = Challenge(KEY)
    body = packed(solved(asked_of(challenge)))
    challenge.take(request(body))
    assert refused(challenge, body) == (403, "challenge")


def test_another_server_of_the_fleet_gives_the_same_pass_and_no_longer_one() -> None:
    clock = Clock(1_900_000_000)
    one, other = Challenge(KEY, now_seconds=clock), Challenge(KEY, now_seconds=clock)
    body = packed(solved(asked_of(one)))
    first = body_of(one.take(request(body)))
    clock.now += 300
    assert body_of(other.take(request(body))) == first


def test_a_forgotten_solution_gives_the_same_pass_and_memory_is_bounded() -> None:
    challenge = Challenge(KEY, used=UsedOnce(most=1), now_seconds=Clock(1_900_000_000))
    bodies = [packed(solved(asked_of(challenge))) for _ in range(3)]
    passes = [body_of(challenge.take(request(body))) for body in bodies]
    assert len(challenge.used) == 1
    assert body_of(challenge.take(request(bodies[0]))) == passes[0]


def test_solution_is_of_use_to_the_address_that_was_asked_alone() -> None:
    challenge = Challenge(KEY)
    body = packed(solved(asked_of(challenge)))
    assert refused(challenge, body, peer="192.0.2.2") == (403, "challenge")
    assert refused(Challenge(bytes(32)), body) == (403, "challenge")
    assert challenge.take(request(body)).status == 200


@pytest.mark.parametrize(
    "change",
    [
        {"number": -1},
        {"number": 1_001},
        {"number": True},
        {"number": 1.5},
        {"number": 1e300},
        {"number": "1"},
        {"number": None},
        {"algorithm": "SHA-1"},
        {"algorithm": "none"},
        {"salt": ""},
        {"salt": None},
        {"salt": "a" * 24},
        {"salt": "a" * 24 + "?expires=9&expires=99&"},
        {"salt": "a" * 24 + "?expires=&"},
        {"signature": ""},
        {"signature": 5},
        {"challenge": "f" * 63},
        {"challenge": []},
    ],
)
def test_what_is_no_solution_is_refused_by_name(change: dict[str, Any]) -> None:
    challenge = Challenge(KEY)
    assert refused(challenge, packed(solved(asked_of(challenge)) | change)) == (400, "invalid-parameter")


@pytest.mark.parametrize(
    "change", [{"signature": "0" * 64}, {"challenge": "0" * 64}, {"salt": "0" * 24 + "?expires=99999999999&"}]
)
def test_forged_solution_is_refused(change: dict[str, Any]) -> None:
    challenge = Challenge(KEY)
    assert refused(challenge, packed(solved(asked_of(challenge)) | change)) == (403, "challenge")


def test_later_end_makes_a_solution_worthless() -> None:
    challenge = Challenge(KEY)
    solution = solved(asked_of(challenge))
    nonce, _, end = solution["salt"].rstrip("&").partition("?expires=")
    later = solution | {"salt": f"{nonce}?expires={int(end) + 1}&"}
    assert refused(challenge, packed(later)) == (403, "challenge")
    digit = solution | {"salt": f"{nonce}?expires={end}1&"}
    assert refused(challenge, packed(digit)) == (403, "challenge")


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"{",
        b'{"altcha": 5}',
        b'{"altcha": ""}',
        b'{"altcha": "%%"}',
        b'{"altcha": "e30="}',
        b'{"altcha": "W10="}',
        b'{"altcha": "e30=", "altcha": "e30="}',
        b'{"altcha": "e30=", "more": 1}',
        b'{"altcha": {"number": 1}}',
        b'{"altcha": "' + base64.b64encode(b"[" * 700) + b'"}',
        b'{"altcha": "' + b"A" * 2_000 + b'"}',
        b'{"altcha": "\xc3\xa9"}',
    ],
)
def test_garbage_is_refused_with_what_is_expected(body: bytes) -> None:
    assert refused(Challenge(KEY), body)[0] == 400


@given(st.binary(max_size=200), st.booleans())
def test_anything_else_is_refused(data: bytes, in_base64: bool) -> None:
    body = json.dumps({"altcha": base64.b64encode(data).decode()}).encode() if in_base64 else data
    with pytest.raises(Problem) as refusal:
        Challenge(KEY).take(request(body))
    assert refusal.value.status in (400, 403)


def test_form_is_refused_as_other_sites_could_send_one() -> None:
    form = Request("POST", "", {"content-type": "application/x-www-form-urlencoded"}, "", b"altcha=e30%3D")
    with pytest.raises(Problem) as refusal:
        Challenge(KEY).take(form)
    assert refusal.value.status == 415


async def test_edit_needs_a_pass_and_gets_one_by_work(
    start: Callable[..., AbstractAsyncContextManager[Server]],
) -> None:
    async with start(challenge=True) as server:
        before = server.state()
        for target in ("/edit?x=1&y=2&color=3", "/edits"):
            body = b'{"edits": [[1, 2, 3]]}' if target == "/edits" else b""
            answer = await server.request("POST", target, JSON, body=body)
            assert (answer.status, answer.json()["code"]) == (403, "challenge")
            assert "GET /challenge" in answer.json()["detail"]
        await server.assert_well(before)
        asked = await server.get("/challenge")
        assert asked.headers["cache-control"] == "no-store"
        taken = await server.request("POST", "/challenge", JSON, body=packed(solved(asked.json())))
        assert taken.status == 200
        told = taken.json()["pass"]
        by_header, by_cookie = ("X-Placed-Pass", told), ("Cookie", f"other=1; placed-pass={told}")
        assert (await server.place(1, 2, 3, by_header)).status == 200
        assert (await server.place(2, 2, 3, by_cookie)).status == 200
        answer = await server.request("POST", "/edits", JSON, by_cookie, body=b'{"edits": [[3, 2, 3]]}')
        assert answer.status == 200
        assert (await server.place(3, 2, 3, ("X-Placed-Pass", told[:-1] + "!"))).json()["code"] == "challenge"
        replayed = await server.request("POST", "/challenge", JSON, body=packed(solved(asked.json())))
        assert (replayed.status, replayed.json()["code"]) == (403, "challenge")


async def test_pass_of_another_address_is_none(start: Callable[..., AbstractAsyncContextManager[Server]]) -> None:
    async with start(challenge=True, trusted_proxies=LOOPBACK) as server:
        asked = (await server.get("/challenge", NEIGHBOUR)).json()
        body = packed(solved(asked))
        stolen = await server.request("POST", "/challenge", JSON, ("X-Forwarded-For", "198.51.100.8"), body=body)
        assert (stolen.status, stolen.json()["code"]) == (403, "challenge")
        told = (await server.request("POST", "/challenge", JSON, NEIGHBOUR, body=body)).json()["pass"]
        assert (await server.place(1, 1, 1, NEIGHBOUR, ("X-Placed-Pass", told))).status == 200
        others = ("X-Forwarded-For", "198.51.100.8")
        assert (await server.place(1, 1, 1, others, ("X-Placed-Pass", told))).json()["code"] == "challenge"


async def test_page_of_another_site_cannot_send_a_solution(
    start: Callable[..., AbstractAsyncContextManager[Server]],
) -> None:
    async with start(challenge=True) as server:
        body = packed(solved((await server.get("/challenge")).json()))
        cross = ("Sec-Fetch-Site", "cross-site")
        assert (await server.request("POST", "/challenge", JSON, cross, body=body)).json()["code"] == "cross-site"
        assert (await server.request("POST", "/challenge", JSON, body=body)).status == 200


async def test_without_the_setting_nobody_is_asked(server: Server) -> None:
    assert (await server.place(1, 1, 1)).status == 200
    assert (await server.get("/challenge")).status == 404
    answer = await server.request("POST", "/challenge", JSON, body=b'{"altcha": "e30="}')
    assert (answer.status, answer.json()["code"]) == (404, "not-found")


async def test_looking_needs_no_pass(start: Callable[..., AbstractAsyncContextManager[Server]]) -> None:
    async with start(challenge=True) as server:
        for target in ("/", "/info", "/canvas.png", "/edits?v=1&wait=0"):
            assert (await server.get(target)).status == 200, target
