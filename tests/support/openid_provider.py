"""A real OpenID provider in a process of its own, and somebody who signs in there as a browser does."""

from __future__ import annotations

import contextlib
import html
import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

import trio
from joserfc.jwk import RSAKey

from bench.equipment.free_ports import free_ports
from tests.support.parts import program

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx
    from joserfc.jwk import Key

CLIENT_ID, SECRET = "canvas", "not-so-secret"
_SCRIPT: Final = Path(__file__).with_name("openid_provider.mjs")
_READY_SECONDS: Final = 60.0
_MOST_STEPS: Final = 20


def new_key(kid: str) -> RSAKey:
    """A key to sign with."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


def command_of(port: int, *redirects: str, key: Key, claims_in_token: bool = False) -> list[str]:
    """What starts a provider; it prints a line when it listens."""
    client = {"client_id": CLIENT_ID, "client_secret": SECRET, "redirect_uris": redirects}
    told: dict[str, Any] = {"clients": [client], "claimsInToken": claims_in_token}
    told["jwks"] = {"keys": [key.as_dict(private=True)]}
    return [program("node"), str(_SCRIPT), str(port), json.dumps(told)]


@contextlib.asynccontextmanager
async def openid_provider(
    *redirects: str, port: int = 0, key: Key | None = None, claims_in_token: bool = False
) -> AsyncGenerator[str]:
    """A provider that sends people back to `redirects`; gives its issuer. Ended at the end."""
    port = port or free_ports(1)[0]
    command = command_of(port, *redirects, key=key or new_key("first"), claims_in_token=claims_in_token)
    process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    try:
        with trio.fail_after(_READY_SECONDS):
            assert b"listening" in await process.stdout.receive_some(1_000)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        with trio.CancelScope(shield=True), trio.move_on_after(_READY_SECONDS):
            await process.wait()
            await process.stdout.aclose()


async def through(client: httpx.AsyncClient, url: str, login: str, back: str) -> str:
    """Go to `url`, and sign in as `login` wherever a page asks for it: the URL beginning with `back` that one is then
    sent to.
    """
    answer = await client.get(url)
    for _ in range(_MOST_STEPS):
        at = str(answer.request.url)
        if answer.is_redirect:
            following = urljoin(at, answer.headers["location"])
            if following.startswith(back):
                return following
            answer = await client.get(following)
            continue
        form = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
        assert form is not None, (answer.status_code, answer.text[:500])
        told = dict(re.findall(r'name="(prompt)" value="([^"]+)"', answer.text))
        told |= {"login": login, "password": "x"} if told.get("prompt") == "login" else {}
        answer = await client.post(urljoin(at, html.unescape(form[1])), data=told)
    raise AssertionError(f"no end of redirects at {answer.request.url}")
