"""Lets people in and out: `GET /me`, `POST /sign-in`, `POST /sign-out` and `POST /me/name`.

    {"code": "…"}                    a code from the host           mode `code`
    {"join": "WORD", "name": "Ada"}  the word for all, and a name   mode `code`, with a join word
    {"host": "…"}                    a host link's secret           any mode

Each successful sign-in sets a new session, even if the request came with a session. So an attacker can't make somebody
use a session that the attacker knows. No other site's page may use these endpoints, not even one that `--allow-origin`
names.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
import time
import unicodedata
from typing import TYPE_CHECKING, Any, Final

import attrs

from placed.http.answer import Problem, invalid_parameter, json_answer, missing_parameter
from placed.http.body import JSON, json_members, media_type
from placed.http.client_address import client_address
from placed.http.origin import refuse_cross_site
from placed.http.people_refusals import people_unavailable, taken_or_full
from placed.people.changes import Name, Refused, SetName, SignIn, SignOutEverywhere, UseCode, UseHostLink
from placed.people.free_names import free_name
from placed.people.names import ALLOWED, NotAName, name_of, skeleton
from placed.people.person import in_order
from placed.people.secrets import MOST_CHARACTERS, code_digest, host_link_digest
from placed.storage.lmdb_environment import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from placed.http.answer import Answer, Request
    from placed.http.askers import Asker, Askers
    from placed.http.attempts import Attempts
    from placed.http.user_header import User
    from placed.people.changes import Change

_EXPECTED: Final = 'a JSON object such as {"code": "…"} or {"join": "…", "name": "Ada"}'
_WAYS: Final = ({"code"}, {"join", "name"}, {"host"})
_EXPECTED_OUT: Final = 'a JSON object such as {"everywhere": true}, or nothing'
_EXPECTED_NAME: Final = 'a JSON object such as {"name": "Ada"}'
_RANDOM_BYTES: Final = 10  # of the id of a person who signed in by a word or a host link


@attrs.frozen
class SignIns:
    """The endpoints for signing in at one server.

    Attributes:
        askers: finds out who sent a request, and keeps the sessions.
        attempts: limits how often somebody may try.
        charges_of: the member `cooldown` for an author.
        takes_codes: whether codes let people in.
        join_word: the word that lets everybody in; None without such a word.
        now_ms: the wall clock.
    """

    askers: Askers
    attempts: Attempts
    charges_of: Callable[[int], dict[str, Any]]
    takes_codes: bool = False
    join_word: str | None = attrs.field(default=None, repr=False)
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000

    async def me(self, request: Request) -> Answer:
        """`GET /me`: who the client is, and what they may do. A new session replaces a session that is half over.

        A user whom the proxy names for the first time becomes a person here, with a free name.

        Raises:
            Problem: 400, 503.
        """
        newcomer = self._newcomer(request)
        if newcomer is not None:
            await self._introduce(newcomer)
        return self._me(request)

    def me_at_once(self, request: Request) -> Answer | None:
        """Answer as `me` does, without a wait; None for a user who has to become a person first."""
        return self._me(request) if self._newcomer(request) is None else None

    def _me(self, request: Request) -> Answer:
        return json_answer(self._about(self.askers.of(request)), *self._renewed(request))

    def _newcomer(self, request: Request) -> User | None:
        user = self.askers.user(request)
        if user is None or user.author != self.askers.of(request).author:
            return None
        return user if self._person(user.author) is None else None

    async def sign_in(self, request: Request) -> Answer:
        """`POST /sign-in`: let somebody in.

        Raises:
            Problem: 400, 403, 409, 414, 415, 429, 503.
        """
        self._refuse_cross_site(request)
        told = _texts(request)
        if set(told) not in _WAYS:
            raise Problem(400, "invalid-parameter", f"{_shown(told)}; allowed is {_EXPECTED}")
        address = client_address(request, self.askers.trusted_proxies)
        if "code" in told:
            author = await self._by_code(told["code"], address)
        elif "host" in told:
            author = await self._by_host_link(told["host"], address)
        else:
            author = await self._by_word(told["join"], told["name"], address)
        person = self._person(author)
        return json_answer(
            {"name": person.name, "author": f"{author:016x}", "roles": in_order(person.roles)},
            self.askers.begin(request, author),
        )

    async def sign_out(self, request: Request) -> Answer:
        """`POST /sign-out`: sign somebody out, in this browser or everywhere.

        Raises:
            Problem: 400, 401, 403, 415, 503.
        """
        self._refuse_cross_site(request)
        if _everywhere(request):
            member = self.askers.member(request)
            with _store_errors():
                await self._change(SignOutEverywhere(member.author, self.now_ms()))
        return json_answer({"signed_in": False}, self.askers.end(request))

    async def name(self, request: Request) -> Answer:
        """`POST /me/name`: change one's own name.

        Raises:
            Problem: 400, 401, 403, 409, 415, 429, 503.
        """
        self._refuse_cross_site(request)
        member = self.askers.member(request)
        told = _texts(request)
        if set(told) != {"name"}:
            raise Problem(400, "invalid-parameter", f"{_shown(told)}; allowed is {_EXPECTED_NAME}")
        name = _name(told["name"])
        if "person" not in member.roles:
            raise Problem(403, "is-token", "a token keeps the name that its host gave it")
        self.attempts.again(member.author.to_bytes(8, "little"), "you have changed your name", time.monotonic())
        await self._change(SetName(member.author, name))
        return await self.me(request)

    async def _by_code(self, text: str, address: str) -> int:
        digest = code_digest(text, self.askers.author_key)
        with _store_errors():
            code = self.askers.store.code(digest) if self.takes_codes else None
        if code is None or code.revoked_ms is not None:
            self.attempts.wrong(address, time.monotonic())
            raise _wrong_code(self._why_wrong(is_revoked=code is not None))
        self.attempts.again(digest, "this code was used", time.monotonic())
        await self._change(UseCode(digest, self.now_ms()))
        return code.author

    def _why_wrong(self, *, is_revoked: bool) -> str:
        if not self.takes_codes:
            return "nobody signs in here by a code"
        return "the host has revoked this code" if is_revoked else "there is no such code; look at it again"

    async def _by_host_link(self, text: str, address: str) -> int:
        person_id = f"host:{secrets.token_hex(_RANDOM_BYTES)}"
        change = UseHostLink(host_link_digest(text, self.askers.author_key), person_id, self.now_ms())
        self.attempts.check_guess(address, time.monotonic())
        try:
            await self._change(change)
        except Problem as problem:
            if problem.code == "wrong-code":
                self.attempts.wrong(address, time.monotonic())
            raise
        return self.askers.store.author_of(person_id)

    async def _by_word(self, word: str, typed: str, address: str) -> int:
        self.attempts.check_guess(address, time.monotonic())
        if self.join_word is None or not hmac.compare_digest(_bare(word), _bare(self.join_word)):
            self.attempts.wrong(address, time.monotonic())
            raise _wrong_code("nobody signs in here by a word" if self.join_word is None else "that isn't the word")
        name = _name(typed)
        self.attempts.new_person(address, time.monotonic())
        person_id = f"join:{secrets.token_hex(_RANDOM_BYTES)}"
        try:
            await self._change(SignIn(person_id, self.now_ms(), name))
        except BaseException:
            self.attempts.no_person(address)
            raise
        return self.askers.store.author_of(person_id)

    async def _introduce(self, user: User) -> None:
        store = self.askers.store
        with _store_errors(), contextlib.suppress(Refused):  # if the store is full, they paint without a name
            name = free_name([user.name], lambda skeleton: store.named(skeleton) is not None)
            await store.change(SignIn(user.id, self.now_ms(), name, needs_name=False))

    async def _change(self, change: Change) -> None:
        with _store_errors():
            await self.askers.store.change(change)

    def _person(self, author: int) -> Any:
        with _store_errors():
            return self.askers.store.person(author)

    def _about(self, asker: Asker) -> dict[str, Any]:
        person = self._person(asker.author) if asker.is_signed_in else None
        return {
            "signed_in": asker.is_signed_in,
            "name": None if person is None else person.name,
            "author": f"{asker.author:016x}",
            "roles": in_order(asker.roles),
            "cooldown": self.charges_of(asker.author),
        }

    def _renewed(self, request: Request) -> tuple[tuple[str, str], ...]:
        """The headers that renew the session's cookie, or take back a cookie that isn't valid; empty for no change."""
        session = self.askers.session_of(request)
        if session is not None and self.askers.sessions.is_half_over(session):
            return (self.askers.begin(request, session.author),)
        return (self.askers.end(request),) if self.askers.has_stale_cookie(request) else ()

    def _refuse_cross_site(self, request: Request) -> None:
        refuse_cross_site(request, (), self.askers.trusted_proxies)


@contextlib.contextmanager
def _store_errors() -> Iterator[None]:
    """Turn the people store's errors into problems."""
    try:
        yield
    except Refused as refusal:
        raise _problem(refusal) from refusal
    except StoreError as error:
        raise people_unavailable(error) from error


def _problem(refusal: Refused) -> Problem:
    problem = taken_or_full(refusal)
    if problem is not None:
        return problem
    if refusal.reason in ("wrong-code", "code-revoked"):
        return _wrong_code(str(refusal))
    return Problem(401, "sign-in", f"{refusal}; sign in again")  # the person was forgotten after the session's check


def _wrong_code(detail: str) -> Problem:
    return Problem(403, "wrong-code", detail)


def _bare(word: str) -> bytes:
    """The word for a comparison: case, spaces and the encoding of its letters make no difference."""
    return "".join(unicodedata.normalize("NFKC", word).casefold().split()).encode("utf-8", "surrogatepass")


def _name(typed: str) -> Name:
    try:
        name = name_of(typed)
    except NotAName as error:
        raise invalid_parameter("name", typed, ALLOWED, str(error)) from None
    return Name(name, skeleton(name))


def _texts(request: Request) -> dict[str, str]:
    """The members of the JSON object in the body, all of them short texts."""
    if not request.body:
        raise missing_parameter("the body", _EXPECTED)
    media_type(request, JSON)
    told: dict[str, str] = {}
    for name, value in json_members(request.body, _EXPECTED):
        if name in told:
            raise invalid_parameter(name[:MOST_CHARACTERS], value, "one", "is repeated")
        if not isinstance(value, str) or len(value) > 4 * MOST_CHARACTERS:
            raise invalid_parameter(name[:MOST_CHARACTERS], value, "a short text", "is not a short text")
        told[name] = value
    return told


def _everywhere(request: Request) -> bool:
    if not request.body:
        return False
    media_type(request, JSON)
    members = json_members(request.body, _EXPECTED_OUT)
    for name, value in members:
        if name != "everywhere" or not isinstance(value, bool):
            raise invalid_parameter(name[:MOST_CHARACTERS], value, _EXPECTED_OUT)
    return bool(members) and members[-1][1] is True


def _shown(told: dict[str, str]) -> str:
    """The names of the members, without their values, which may be secrets."""
    return "{" + ", ".join(sorted(name[:MOST_CHARACTERS] for name in told))[:200] + "}"
