"""Finds out who sent a request: a person, a program with a token, or a client with nothing but an address.

    Authorization: Bearer pt_…   a token's author     it alone counts, whatever cookie comes along
    Remote-User: ada             a person's author    from a trusted proxy alone, with `--sign-in proxy`
    Cookie: placed-session=…     a person's author    __Host-placed-session over HTTPS
    neither                      the address's author

An invalid cookie counts as no cookie. An invalid token counts as no token for a client that only looks; for an edit it
is an error, so that the program notices. A cookie counts only for the canvas's own pages: `--allow-origin` lets other
sites' pages paint, but never in the name of a person who signed in here.

All of this is in memory: a request with a cookie costs a look into two dictionaries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
import trio

from placed.canvas.author import author_of
from placed.http.answer import Problem
from placed.http.client_address import client_address
from placed.http.cookies import cookie_of, set_cookie
from placed.http.origin import is_of_own_page
from placed.http.scheme import is_secure
from placed.people.person import LOOK_AFTER, PLAIN
from placed.people.secrets import token_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from placed.http.answer import Request
    from placed.http.challenge import Challenge
    from placed.http.client_address import Network
    from placed.http.user_header import User, UserHeader
    from placed.people.person import Token
    from placed.people.sessions import Session, Sessions
    from placed.people.store import PeopleStore

COOKIE: Final = "placed-session"
SAFE_COOKIE: Final = f"__Host-{COOKIE}"  # browsers accept it over HTTPS only, and from no other host
_NO_ROLES: Final[frozenset[str]] = frozenset()
_SCHEME: Final = "bearer"
_ASKS_FOR: Final = ("WWW-Authenticate", 'Bearer realm="placed"')  # each 401 must have it (RFC 9110, section 15.5.2)


@attrs.frozen
class Asker:
    """The sender of a request.

    Attributes:
        author: the author of a person, a token or an address.
        roles: the roles of the person or token; empty for an address.
        is_signed_in: whether the sender is a person or a token.
    """

    author: int
    roles: frozenset[str] = _NO_ROLES
    is_signed_in: bool = False


@attrs.frozen
class Askers:
    """Finds out who sends requests to one server.

    Attributes:
        author_key: secret; makes authors of addresses.
        store: the people store.
        sessions: the people's sessions.
        trusted_proxies: proxies that may say what address, host and scheme a client has.
        needs_sign_in: whether only people and tokens may paint.
        hides: whether only people and tokens may watch.
        has_tls: whether the server itself speaks TLS.
        challenge: the proof of work that painters without an account have to do; None for no proof.
        user_header: the header in which a proxy names the user who signed in there; None without such a proxy.
    """

    author_key: bytes = attrs.field(repr=False)
    store: PeopleStore
    sessions: Sessions
    trusted_proxies: Sequence[Network] = ()
    needs_sign_in: bool = False
    hides: bool = False
    has_tls: bool = False
    challenge: Challenge | None = None
    user_header: UserHeader | None = None

    def of(self, request: Request) -> Asker:
        """The sender of a request; an invalid cookie or token counts as if it weren't there.

        Raises:
            Problem: 400, as `client_address`.
        """
        bearer = _bearer(request)
        if bearer:
            token = self._token(bearer)
            if token is not None:
                return Asker(token.author, token.roles, is_signed_in=True)
        else:
            author = self._person_here(request)
            if author is not None:
                return Asker(author, self.store.roles.get(author, PLAIN), is_signed_in=True)
        return Asker(self.address_author(request))

    def painter(self, request: Request) -> int:
        """The author of the edits in `request`.

        Raises:
            Problem: 401, the painter has to sign in, or the token is invalid; 403, a painter without an account needs a
                proof of work first; 400, as `client_address`.
        """
        headers = request.headers
        if "authorization" in headers or "cookie" in headers or self.user_header is not None:
            author = self._person(request)
            if author is not None:
                return author
        if self.needs_sign_in:
            raise sign_in(self._how)
        author = author_of(client_address(request, self.trusted_proxies), self.author_key)
        if self.challenge is not None:
            self.challenge.require(request, author)
        return author

    def watcher(self, request: Request) -> None:
        """Check that the sender may watch.

        Raises:
            Problem: 401, the sender has to sign in.
        """
        if self.hides and not self.of(request).is_signed_in:
            raise sign_in("watching this canvas needs an account: sign in, or send a token")

    def pass_of(self, request: Request) -> Callable[[], bool]:
        """A function that says, each time that it's called, whether the sender may still watch."""
        bearer = _bearer(request)
        if bearer:
            digest = token_digest(bearer, self.author_key)
            return lambda: digest in self.store.tokens
        session = self.session_of(request)
        return lambda: session is None or self.sessions.holds(session)  # no session: the proxy named the user, once

    def member(self, request: Request) -> Asker:
        """The sender of a request, who must have signed in.

        Raises:
            Problem: 401, the sender hasn't signed in.
        """
        asker = self.of(request)
        if not asker.is_signed_in:
            raise sign_in("this needs an account: sign in, or send a token")
        return asker

    def looks_after(self, author: int) -> bool:
        """Whether an author is a moderator or a host."""
        return not LOOK_AFTER.isdisjoint(self.store.roles.get(author, PLAIN))

    def person(self, request: Request) -> int | None:
        """The author of a sender who has signed in; None for any other."""
        is_bare = "authorization" not in request.headers and "cookie" not in request.headers
        if is_bare and self.user_header is None:
            return None
        try:
            asker = self.of(request)
        except Problem:  # a proxy's headers contradict each other
            return None
        return asker.author if asker.is_signed_in else None

    async def names_of(self, authors: set[int]) -> dict[int, str]:
        """The names of those `authors` who are people with a name."""
        names = {}
        for author in authors:
            person = self.store.person(author)
            if person is not None and person.name is not None:
                names[author] = person.name
            await trio.lowlevel.checkpoint()  # each look-up takes some tenths of a ms
        return names

    def address_author(self, request: Request) -> int:
        """The author of the address that `request` came from, even if its sender has signed in.

        Raises:
            Problem: 400, as `client_address`.
        """
        return author_of(client_address(request, self.trusted_proxies), self.author_key)

    def user(self, request: Request) -> User | None:
        """The user who has signed in at the proxy; as a cookie, this counts only for the canvas's own pages."""
        header = self.user_header
        if header is None or header.name not in request.headers:
            return None
        return header.user(request) if is_of_own_page(request, self.trusted_proxies) else None

    def session_of(self, request: Request) -> Session | None:
        """The session of the request's cookie; None without a valid one."""
        if "cookie" not in request.headers or not is_of_own_page(request, self.trusted_proxies):
            return None
        text = cookie_of(request.headers, self._cookie(request))
        return self.sessions.find(text) if text else None

    def has_stale_cookie(self, request: Request) -> bool:
        """Whether the request has an invalid cookie of this server."""
        if not cookie_of(request.headers, self._cookie(request)):
            return False
        return is_of_own_page(request, self.trusted_proxies) and self.session_of(request) is None

    def begin(self, request: Request, author: int) -> tuple[str, str]:
        """The header that gives the browser that sent `request` a new session of this author."""
        return self._set_cookie(request, self.sessions.begin(author), self.sessions.life_ms // 1_000)

    def end(self, request: Request) -> tuple[str, str]:
        """The header that takes the session's cookie away."""
        return self._set_cookie(request, "", 0)

    def is_secure(self, request: Request) -> bool:
        """Whether the client uses HTTPS."""
        return is_secure(request, self.trusted_proxies, has_tls=self.has_tls)

    def _person(self, request: Request) -> int | None:
        bearer = _bearer(request)
        if not bearer:
            return self._person_here(request)
        token = self._token(bearer)
        if token is None:
            raise sign_in("there is no such token; it may have been revoked")
        self.store.used(token)
        return token.author

    def _person_here(self, request: Request) -> int | None:
        """The person at a browser, as an author. The proxy's header wins, so that a sign-out there counts here."""
        user = self.user(request)
        if user is not None:
            return user.author
        session = self.session_of(request)
        return None if session is None else session.author

    @property
    def _how(self) -> str:
        if self.user_header is None:
            return "painting here needs an account: sign in, or send a token"
        return f"the proxy before this server doesn't say in {self.user_header.name} who you are: sign in there"

    def _token(self, text: str) -> Token | None:
        return self.store.tokens.get(token_digest(text, self.author_key))

    def _cookie(self, request: Request) -> str:
        # Over HTTPS the plain cookie doesn't count: an attacker who can change HTTP traffic could plant it.
        return SAFE_COOKIE if self.is_secure(request) else COOKIE

    def _set_cookie(self, request: Request, text: str, seconds: int) -> tuple[str, str]:
        return set_cookie(self._cookie(request), text, seconds, secure=self.is_secure(request))


def _bearer(request: Request) -> str:
    """The token after the word Bearer; empty without a token. Other schemes are for a proxy, not for this server."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    return (rest.strip() or "-") if scheme.lower() == _SCHEME else ""


def sign_in(detail: str) -> Problem:
    """The 401 for a sender who has to sign in first."""
    return Problem(401, "sign-in", detail, _ASKS_FOR)
