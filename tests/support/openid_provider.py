"""Real OpenID providers, by `openid_provider.mjs`, and a person who signs in there as a browser does."""

from __future__ import annotations

import atexit
import contextlib
import functools
import html
import json
import re
import select
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

from joserfc.jwk import RSAKey

from bench.equipment.free_ports import free_ports
from tests.support.parts import node_package, program

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    import httpx
    from joserfc.jwk import Key

CLIENT_ID, SECRET = "canvas", "not-so-secret"
_SCRIPT: Final = Path(__file__).with_name("openid_provider.mjs")
_DONE_SECONDS: Final = 60.0  # the first provider takes 0.5 s on an idle machine
_MOST_STEPS: Final = 20


def new_key(kid: str) -> RSAKey:
    """A key to sign with."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


def require_provider() -> None:
    """Skip the test if node or the provider's package is missing, or fail it in CI.

    A fixture calls this: a skip inside Trio's nurseries would lose its reason.
    """
    program("node")
    node_package("oidc-provider")


@contextlib.contextmanager
def provider_at(port: int, *redirects: str, key: Key | None = None, claims_in_token: bool = False) -> Iterator[None]:
    """Run a provider at this port that sends people back to `redirects`; it is gone when the block ends."""
    client = {"client_id": CLIENT_ID, "client_secret": SECRET, "redirect_uris": redirects}
    told: dict[str, Any] = {"open": port, "clients": [client], "claimsInToken": claims_in_token}
    told["jwks"] = {"keys": [(key or _first_key()).as_dict(private=True)]}
    providers = _providers()
    providers.do(told)
    try:
        yield
    finally:
        providers.do({"close": port})


@contextlib.asynccontextmanager
async def openid_provider(
    *redirects: str, port: int = 0, key: Key | None = None, claims_in_token: bool = False
) -> AsyncGenerator[str]:
    """Run a provider on a given or free port; yields its issuer."""
    port = port or free_ports(1)[0]
    with provider_at(port, *redirects, key=key, claims_in_token=claims_in_token):
        yield f"http://127.0.0.1:{port}"


class _Providers:
    """The process with the providers: each process of pytest has one, which starts with its first provider."""

    def __init__(self) -> None:
        require_provider()
        self._process = subprocess.Popen(
            [program("node"), _SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        atexit.register(self._end)

    def do(self, told: dict[str, Any]) -> None:
        """Open or close a provider, and wait until that is done."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        self._process.stdin.flush()
        assert select.select([self._process.stdout], [], [], _DONE_SECONDS)[0], told
        assert self._process.stdout.readline() == b"done\n", told

    def _end(self) -> None:
        self._process.communicate(timeout=_DONE_SECONDS)


_providers = functools.cache(_Providers)
_first_key = functools.cache(lambda: new_key("first"))


async def through(client: httpx.AsyncClient, url: str, login: str, back: str) -> str:
    """Go to `url`, and sign in as `login` where a page asks for it; return the final URL, which begins with `back`."""
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
