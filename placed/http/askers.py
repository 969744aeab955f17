"""Finds out who a request is from: a person, a program with a token, or somebody whose address is all that is known.

    Authorization: Bearer pt_…   a token's author     it alone counts, whatever cookie comes along
    Remote-User: ada             a person's author    from a trusted proxy alone, with `--sign-in proxy`
    Cookie: placed-session=…     a person's author    __Host-placed-session over HTTPS
    neither                      the address's author

A cookie that doesn't hold is as good as none. So is a token for whoever only looks; for an edit it is an error, since a
program is to hear of it. A cookie counts only for the canvas's own pages: `--allow-origin` lets other sites' pages
paint, and never in the name of who signed in here.

All that is asked here is in memory: who sends a cookie costs a look into two dictionaries.
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
SAFE_COOKIE: Final = f"__Host-{COOKIE}"  # browsers take it over HTTPS alone, and from no other host
_NO_ROLES: Final[frozenset[str]] = frozenset()
_SCHEME: Final = "bearer"
_ASKS_FOR: Final = ("WWW-Authenticate", 'Bearer realm="placed"')  # each 401 has to say (RFC 9110, section 15.5.2)


@attrs.frozen
class Asker:
    """Who a request is from.

    Attributes:
        author: a person's, a token's, or the address's.
        roles: what they may do; empty for an address.
        is_signed_in: whether they are more than an address.
    """

    author: int
    roles: frozenset[str] = _NO_ROLES
    is_signed_in: bool = False


@attrs.frozen
class Askers:
    """Those of one server.

    Attributes:
        author_key: secret; makes authors of addresses.
        store: the people.
        sessions: theirs.
        trusted_proxies: whose word counts on addresses, hosts and HTTPS.
        needs_sign_in: whether only people and tokens may paint.
        hides: whether only they may watch.
        has_tls: whether the server itself speaks TLS.
        challenge: what whoever paints without an account has to solve; None asks nobody.
        user_header: by which a proxy says who has signed in there; None where none does.
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
        """Who asks; what doesn't hold counts as if it weren't there.

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
            Problem: 401, they have to sign in, or the token doesn't hold; 403, without an account they need a proof of
                work first; 400, as `client_address`.
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
        """Let pass whoever may watch.

        Raises:
            Problem: 401, they have to sign in.
        """
        if self.hides and not self.of(request).is_signed_in:
            raise sign_in("this canvas is shown to those alone who have signed in")

    def pass_of(self, request: Request) -> Callable[[], bool]:
        """What tells, again and again, whether who asks may go on watching."""
        bearer = _bearer(request)
        if bearer:
            digest = token_digest(bearer, self.author_key)
            return lambda: digest in self.store.tokens
        session = self.session_of(request)
        return lambda: session is None or self.sessions.holds(session)  # without one it was another's word, given once

    def member(self, request: Request) -> Asker:
        """Who asks, if that is somebody who has signed in.

        Raises:
            Problem: 401, it isn't.
        """
        asker = self.of(request)
        if not asker.is_signed_in:
            raise sign_in("this is for those alone who have signed in")
        return asker

    def looks_after(self, author: int) -> bool:
        """Whether an author is a moderator or a host."""
        return not LOOK_AFTER.isdisjoint(self.store.roles.get(author, PLAIN))

    def person(self, request: Request) -> int | None:
        """The author of who asks, if they have signed in."""
        is_bare = "authorization" not in request.headers and "cookie" not in request.headers
        if is_bare and self.user_header is None:
            return None
        try:
            asker = self.of(request)
        except Problem:  # a proxy's headers contradict each other
            return None
        return asker.author if asker.is_signed_in else None

    async def names_of(self, authors: set[int]) -> dict[int, str]:
        """What those of `authors` are called who are people with a name."""
        names = {}
        for author in authors:
            person = self.store.person(author)
            if person is not None and person.name is not None:
                names[author] = person.name
            await trio.lowlevel.checkpoint()  # each takes some tenths of a ms
        return names

    def address_author(self, request: Request) -> int:
        """The author of the address that `request` came from, whoever has signed in there.

        Raises:
            Problem: 400, as `client_address`.
        """
        return author_of(client_address(request, self.trusted_proxies), self.author_key)

    def user(self, request: Request) -> User | None:
        """Who has signed in at the proxy, as it says; like a cookie it counts for the canvas's own pages alone."""
        header = self.user_header
        if header is None or header.name not in request.headers:
            return None
        return header.user(request) if is_of_own_page(request, self.trusted_proxies) else None

    def session_of(self, request: Request) -> Session | None:
        """The session that the request's cookie shows, if it holds."""
        if "cookie" not in request.headers or not is_of_own_page(request, self.trusted_proxies):
            return None
        text = cookie_of(request.headers, self._cookie(request))
        return self.sessions.find(text) if text else None

    def has_stale_cookie(self, request: Request) -> bool:
        """Whether the request has a cookie of ours that doesn't hold."""
        if not cookie_of(request.headers, self._cookie(request)):
            return False
        return is_of_own_page(request, self.trusted_proxies) and self.session_of(request) is None

    def begin(self, request: Request, author: int) -> tuple[str, str]:
        """The header that gives whoever sent `request` a new session of this author."""
        return self._set_cookie(request, self.sessions.begin(author), self.sessions.life_ms // 1_000)

    def end(self, request: Request) -> tuple[str, str]:
        """The header that takes it away."""
        return self._set_cookie(request, "", 0)

    def is_secure(self, request: Request) -> bool:
        """Whether the client came by HTTPS."""
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
        """The author of the person at a browser: the proxy's word wins, as who signs out there is to be out."""
        user = self.user(request)
        if user is not None:
            return user.author
        session = self.session_of(request)
        return None if session is None else session.author

    @property
    def _how(self) -> str:
        if self.user_header is None:
            return "painting here needs an account: sign in, or send a token"
        return f"the proxy before this server doesn't say who you are, by {self.user_header.name}: sign in there"

    def _token(self, text: str) -> Token | None:
        return self.store.tokens.get(token_digest(text, self.author_key))

    def _cookie(self, request: Request) -> str:
        # Over HTTPS the plain one doesn't count: whoever can change what a browser loads over HTTP could plant it.
        return SAFE_COOKIE if self.is_secure(request) else COOKIE

    def _set_cookie(self, request: Request, text: str, seconds: int) -> tuple[str, str]:
        return set_cookie(self._cookie(request), text, seconds, secure=self.is_secure(request))


def _bearer(request: Request) -> str:
    """What follows the word Bearer; empty where there is no token. Other schemes are a proxy's, and none of ours."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    return (rest.strip() or "-") if scheme.lower() == _SCHEME else ""


def sign_in(detail: str) -> Problem:
    """The 401 for who has to sign in first."""
    return Problem(401, "sign-in", detail, _ASKS_FOR)
