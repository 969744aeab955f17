"""Signs people in with their account at a provider: `GET /sign-in/oidc/NAME` and its callback.

Both answer with a redirect: to the provider, and back to the page. If a sign-in fails, a word in the fragment tells the
page why; the log tells the operator the rest. A redirect leads to a URL from the provider's own document, or to this
server's page. No request can make it lead elsewhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs
import trio

from placed.canvas.author import author_of_person
from placed.http.answer import NO_STORE, Answer, Problem
from placed.http.body import form_pairs
from placed.http.client_address import client_address
from placed.http.client_limit import ClientLimit
from placed.http.cookies import cookie_of, set_cookie
from placed.http.oidc.errors import Disbelieved, ProviderError, ProviderRefused
from placed.http.oidc.flow import COOKIE, FLOW_SECONDS, SAFE_COOKIE, flow_of, is_state_of, new_flow
from placed.http.own_url import own_url
from placed.http.used_once import UsedOnce
from placed.people.changes import Refused, SignIn
from placed.people.free_names import free_name
from placed.storage.lmdb_environment import StoreError
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from placed.http.answer import Request
    from placed.http.askers import Askers
    from placed.http.oidc.flow import Flow
    from placed.http.oidc.provider import Account

MOST_AT_ONCE: Final = 64  # requests that wait for a provider; each has a connection to it
MOST_OF_ONE: Final = 16  # of these, from one address: while a provider is slow, other addresses still have a place
PATH: Final = "/sign-in/oidc"
_QUERY_CHARACTERS: Final = 8_192  # codes have up to 2,000, and some providers send a session's state along
_CODE: Final = re.compile(r"[!-~]{1,4096}", re.ASCII)
_DENIED: Final = frozenset({"access_denied", "login_required", "consent_required", "interaction_required"})
_WORD: Final = re.compile(r"[a-z_]{1,40}", re.ASCII)
# The callback's address has the code, which no other site may see.
_HEADERS: Final = (NO_STORE, ("Referrer-Policy", "no-referrer"))
_TO_PAGE_FROM_START, _TO_PAGE_FROM_CALLBACK = "../../", "../../../"  # relative: the page may be below a path


class Provider(Protocol):
    """An object that speaks to one provider."""

    issuer: str

    async def way_there(self, flow: Flow, back: str) -> str:
        """The URL at which somebody signs in; the provider then sends them to the URL `back`."""

    async def names_issuer(self) -> bool:
        """Whether the provider names itself in each of its answers."""

    async def account(self, code: str, flow: Flow, back: str) -> Account:
        """The account of the person who came back with this code."""


class _Back(Exception):
    """Somebody goes back to the page without being signed in; the message is the word that the page gets."""


@attrs.frozen
class ProviderSignIns:
    """The sign-ins at providers of one server.

    Attributes:
        askers: begins sessions, and has the people store.
        providers: the providers, by their names in the config file.
        now_seconds: the wall clock, seconds since the epoch.
        used: the flows whose callback has come; each counts once.
        clients: limits how many people from one address may wait for a provider.
    """

    askers: Askers
    providers: Mapping[str, Provider]
    now_seconds: Callable[[], float] = time.time
    used: UsedOnce = attrs.field(factory=UsedOnce)
    clients: ClientLimit = attrs.field(factory=lambda: ClientLimit(MOST_OF_ONE))
    _waiting: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(MOST_AT_ONCE), init=False)
    _key: bytes = attrs.field(
        default=attrs.Factory(
            lambda self: hashlib.blake2b(digest_size=32, key=self.askers.author_key, person=b"oidc").digest(),
            takes_self=True,
        ),
        init=False,
        repr=False,
    )

    async def begin(self, name: str, request: Request) -> Answer:
        """`GET /sign-in/oidc/NAME`: send somebody to the provider.

        Raises:
            Problem: 404, there is no provider of this name; 400, the request names no host.
        """
        provider = self._provider(name)
        flow = new_flow(name, self._key, self.now_seconds())
        try:
            with self._turn(request):
                way = await provider.way_there(flow, self._back(name, request))
        except ProviderError as error:
            _tell(name, error)
            return _redirect(f"{_TO_PAGE_FROM_START}#sign-in={error.reason}")
        except _Back as back:
            return _redirect(f"{_TO_PAGE_FROM_START}#sign-in={back}")
        return _redirect(way, self._set_flow(request, flow.cookie, FLOW_SECONDS))

    async def finish(self, name: str, request: Request) -> Answer:
        """`GET /sign-in/oidc/NAME/callback`: take somebody back, and sign them in.

        Raises:
            Problem: 404, there is no provider of this name; 400, the request names no host.
        """
        provider = self._provider(name)
        told = _told(request)
        flow = self._flow(name, request, told.get("state", ""))
        if flow is None:
            return _redirect(f"{_TO_PAGE_FROM_CALLBACK}#sign-in=expired")
        end = self._set_flow(request, "", 0)
        try:
            with self._turn(request):
                await _check_issuer(provider, told)
                account = await provider.account(_code(told), flow, self._back(name, request))
            author = await self._signed_in(account)
        except ProviderError as error:
            _tell(name, error)
            return _redirect(f"{_TO_PAGE_FROM_CALLBACK}#sign-in={error.reason}", end)
        except _Back as back:
            return _redirect(f"{_TO_PAGE_FROM_CALLBACK}#sign-in={back}", end)
        return _redirect(_TO_PAGE_FROM_CALLBACK, self.askers.begin(request, author), end)

    @contextlib.contextmanager
    def _turn(self, request: Request) -> Iterator[None]:
        """Hold a place among the people who wait for a provider; raises `_Back` if none is free."""
        held = self.clients.enter(client_address(request, self.askers.trusted_proxies))
        if held is None:
            raise _Back("busy")
        try:
            with _place(self._waiting):
                yield
        finally:
            held.leave()

    def _provider(self, name: str) -> Provider:
        provider = self.providers.get(name)
        if provider is None:
            raise Problem(404, "not-found", f"there is no provider {name[:64]!r} to sign in with here")
        return provider

    def _back(self, name: str, request: Request) -> str:
        path = f"{PATH}/{name}/callback"
        return own_url(request, path, self.askers.trusted_proxies, has_tls=self.askers.has_tls)

    def _flow(self, name: str, request: Request, state: str) -> Flow | None:
        """The flow that this browser has begun with this provider; None if it's over or used, or `state` isn't its."""
        now_seconds = self.now_seconds()
        flow = flow_of(cookie_of(request.headers, self._cookie(request)), self._key, now_seconds)
        if flow is None or flow.name != name or not is_state_of(flow, state):
            return None
        return flow if self.used.use(flow.state.encode(), flow.end_seconds, now_seconds) else None

    async def _signed_in(self, account: Account) -> int:
        store = self.askers.store
        try:
            name = free_name(account.names, lambda skeleton: store.named(skeleton) is not None)
            await store.change(SignIn(account.id, int(self.now_seconds() * 1_000), name, needs_name=False))
        except (Refused, StoreError) as error:  # the store is full, or can't be written
            get_logger(__name__).warning("nobody can be added to the people", reason=str(error))
            raise _Back("busy") from error
        return author_of_person(account.id, self.askers.author_key)

    def _cookie(self, request: Request) -> str:
        return SAFE_COOKIE if self.askers.is_secure(request) else COOKIE

    def _set_flow(self, request: Request, value: str, seconds: int) -> tuple[str, str]:
        return set_cookie(self._cookie(request), value, seconds, secure=self.askers.is_secure(request))


@contextlib.contextmanager
def _place(places: trio.CapacityLimiter) -> Iterator[None]:
    own = object()
    try:
        places.acquire_on_behalf_of_nowait(own)
    except trio.WouldBlock:
        raise _Back("busy") from None
    try:
        yield
    finally:
        places.release_on_behalf_of(own)


def _redirect(where: str, *headers: tuple[str, str]) -> Answer:
    return Answer(303, (("Location", where), *_HEADERS, *headers))


def _told(request: Request) -> dict[str, str]:
    """The parameters of a provider's answer; empty if the query is too long, or has one of them twice."""
    if len(request.query) > _QUERY_CHARACTERS:
        return {}
    pairs = form_pairs(request.query, "query")
    told: dict[str, Any] = dict(pairs)
    return told if len(told) == len(pairs) else {}


async def _check_issuer(provider: Provider, told: Mapping[str, str]) -> None:
    """Check that an answer comes from this provider, and not from another one (RFC 9207)."""
    issuer = told.get("iss")
    if issuer is None and await provider.names_issuer():
        raise Disbelieved("the answer doesn't say which provider it is from (iss), but this provider always does")
    if issuer is not None and issuer != provider.issuer:
        raise Disbelieved(f"the answer is from {issuer[:200]!r}, and not from {provider.issuer!r}")


def _code(told: Mapping[str, str]) -> str:
    """The code in a provider's answer.

    Raises:
        _Back: the person has refused to sign in.
        ProviderRefused: the provider has refused.
        Disbelieved: the answer has no code.
    """
    error = told.get("error")
    if error in _DENIED:
        raise _Back("denied")
    if error is not None:
        word = error if _WORD.fullmatch(error) else "an error"
        raise ProviderRefused(f"the provider answered {word}: {told.get('error_description', '')[:200]!r}")
    code = told.get("code", "")
    if not _CODE.fullmatch(code):
        raise Disbelieved("the provider's answer has no code")
    return code


def _tell(name: str, error: ProviderError) -> None:
    get_logger(__name__).warning("nobody was signed in by a provider", provider=name, reason=str(error))
