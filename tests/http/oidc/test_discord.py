"""Signing in at Discord, as far as tests can do that: a stand-in answers as Discord's documentation says, and checks
the requests.

No test talks to Discord itself. So the tests can't show whether Discord still does what its documentation says.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

import attrs
import httpx
import pytest
import trio

from placed.canvas.author import author_of_person
from placed.commands.settings.oidc import DISCORD
from tests.http.oidc.schools import at, provider_settings, query_of
from tests.support.openid_provider import CLIENT_ID, SECRET
from tests.support.people import Host

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.http.oidc.schools import Browser
    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

PAGE: Final = "../../../"
NELLY: Final = {"id": "80351110224678912", "username": "nelly", "global_name": "Nelly", "avatar": None}


@attrs.define
class StandIn:
    """Stands for discord.com.

    Attributes:
        port: its port of 127.0.0.1.
        me: the answer to `GET /api/users/@me`.
        asked: the parameters of the authorization; the test sets them, as the browser goes there.
        faults: faults in requests.
        token_status: status of the answer to a code.
    """

    port: int
    me: Any = attrs.field(factory=lambda: dict(NELLY))
    asked: dict[str, str] = attrs.field(factory=dict)
    faults: list[str] = attrs.field(factory=list)
    token_status: int = 200

    def answer(self, method: str, path: str, headers: dict[str, str], body: str) -> tuple[int, Any]:
        """Answer a request with a status and JSON."""
        if (method, path) == ("POST", "/api/oauth2/token"):
            return self._token(headers, dict(parse_qsl(body)))
        if (method, path) == ("GET", "/api/users/@me"):
            if headers.get("authorization") != "Bearer access":
                self.faults.append("no bearer")
                return 401, {"message": "401: Unauthorized", "code": 0}
            return 200, self.me
        return 404, {}

    def _token(self, headers: dict[str, str], told: dict[str, str]) -> tuple[int, Any]:
        wanted = {
            "grant_type": "authorization_code",
            "code": "the-code",
            "redirect_uri": self.asked["redirect_uri"],
            "client_id": CLIENT_ID,
            "client_secret": SECRET,
        }
        self.faults += [name for name, value in wanted.items() if told.get(name) != value]
        digest = hashlib.sha256(told.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != self.asked["code_challenge"]:
            self.faults.append("code_verifier")
        if not headers["content-type"].startswith("application/x-www-form-urlencoded"):
            self.faults.append("content-type")
        if self.faults or self.token_status != 200:
            return self.token_status if self.token_status != 200 else 400, {"error": "invalid_grant"}
        return 200, {"access_token": "access", "token_type": "Bearer", "expires_in": 604_800, "scope": "identify"}

    async def serve(self, stream: trio.SocketStream) -> None:
        """Answer one request."""
        async with stream:
            data = b""
            while b"\r\n\r\n" not in data:
                data += await stream.receive_some(65_536)
            head, _, body = data.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            method, path, _ = first.split(" ")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            while len(body) < int(headers.get("content-length", "0")):
                body += await stream.receive_some(65_536)
            status, told = self.answer(method, path, headers, body.decode())
            text = json.dumps(told).encode()
            await stream.send_all(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(text), text))


@pytest.fixture
async def discord(nursery: trio.Nursery) -> StandIn:
    """Start a stand-in."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    made = StandIn(listener.socket.getsockname()[1])
    nursery.start_soon(trio.serve_listeners, made.serve, [listener])
    return made


@contextlib.asynccontextmanager
async def signing_in(start: Start, discord: StandIn) -> AsyncGenerator[tuple[Server, Browser]]:
    """A server with the provider `discord`, and a browser."""
    told = provider_settings("discord", f"http://127.0.0.1:{discord.port}", DISCORD)
    async with start(sign_in="oidc", providers=(told,)) as server, at(server) as school:
        yield server, await school.browser()


async def comes_back(server: Server, browser: Browser, discord: StandIn) -> httpx.Response:
    """Go to Discord, and come back with a code."""
    way = (await browser.begin("discord")).headers["location"]
    assert urlsplit(way)._replace(query="").geturl() == f"http://127.0.0.1:{discord.port}/oauth2/authorize"
    discord.asked = query_of(way)
    back = f"{server.url}/sign-in/oidc/discord/callback"
    assert discord.asked["redirect_uri"] == back
    assert (discord.asked["scope"], discord.asked["code_challenge_method"]) == ("identify", "S256")
    return await browser.http.get(back, params={"code": "the-code", "state": discord.asked["state"]})


async def test_somebody_of_discord_signs_in_and_paints(start: Start, discord: StandIn, tmp_path: Path) -> None:
    async with signing_in(start, discord) as (server, browser):
        answer = await comes_back(server, browser, discord)
        assert discord.faults == []
        assert answer.headers["location"] == PAGE
        me = await browser.me()
        person = author_of_person(f"discord:{NELLY['id']}", Host(tmp_path / "data").key)
        assert (me["name"], me["author"]) == ("Nelly", f"{person:016x}")
        assert await browser.paints() == 200


async def test_who_has_no_other_name_is_called_by_the_user_name(start: Start, discord: StandIn) -> None:
    discord.me["global_name"] = None
    async with signing_in(start, discord) as (server, browser):
        await comes_back(server, browser, discord)
        assert (await browser.me())["name"] == "nelly"


@pytest.mark.parametrize(
    ("me", "reason"),
    [
        ({}, "bad-answer"),
        ({"id": 80351110224678912}, "bad-answer"),
        ({"id": "nelly"}, "bad-answer"),
        ({"id": ""}, "bad-answer"),
        ({"id": "1" * 21}, "bad-answer"),
        ([], "provider-down"),
    ],
)
async def test_answer_without_an_id_signs_nobody_in(me: Any, reason: str, start: Start, discord: StandIn) -> None:
    discord.me = me
    async with signing_in(start, discord) as (server, browser):
        answer = await comes_back(server, browser, discord)
        assert answer.headers["location"] == f"{PAGE}#sign-in={reason}"
        assert not (await browser.me())["signed_in"]


@pytest.mark.parametrize(
    ("status", "reason"), [(400, "provider-error"), (429, "provider-error"), (500, "provider-down")]
)
async def test_refused_code_signs_nobody_in(status: int, reason: str, start: Start, discord: StandIn) -> None:
    discord.token_status = status
    async with signing_in(start, discord) as (server, browser):
        answer = await comes_back(server, browser, discord)
        assert answer.headers["location"] == f"{PAGE}#sign-in={reason}"
        assert not (await browser.me())["signed_in"]


async def test_state_of_another_browser_signs_nobody_in(start: Start, discord: StandIn) -> None:
    async with signing_in(start, discord) as (server, browser):
        discord.asked = query_of((await browser.begin("discord")).headers["location"])
        async with httpx.AsyncClient(trust_env=False, verify=False) as other:
            parameters = {"code": "the-code", "state": discord.asked["state"]}
            answer = await other.get(f"{server.url}/sign-in/oidc/discord/callback", params=parameters)
        assert answer.headers["location"] == f"{PAGE}#sign-in=expired"
