"""Asks painters without an account for a proof of work, by ALTCHA's protocol (version 1), and gives out passes.

    GET /challenge     a salt and the SHA-256 of the salt and a number, which is to be found; signed
    POST /challenge    the number; answered with a pass (`placed.http.passes`)

The key of a challenge's signature is made of the server's key and the author. So only the author who got a challenge
can use its solution, and the server stores nothing for a challenge that nobody solves.

A solution counts once. It may be accepted a second time by another server of a fleet, or after so many other solutions
that the server has forgotten it. Nobody gains anything by that: a pass ends an hour after the challenge was made, not
after it was solved, so both passes are the same.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

import attrs
from altcha import v1 as altcha

from placed.canvas.author import author_of
from placed.http.answer import Problem, invalid_parameter, json_answer, missing_parameter
from placed.http.body import JSON, json_members, media_type
from placed.http.client_address import client_address
from placed.http.cookies import set_cookie
from placed.http.origin import refuse_cross_site
from placed.http.passes import COOKIE, PASS_SECONDS, make_pass, require_pass
from placed.http.used_once import UsedOnce

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from altcha.v1 import PayloadType

    from placed.http.answer import Answer, Request
    from placed.http.client_address import Network

# The average search tries half of these numbers: 0.5 s for a script on a computer, 3 s on an old phone.
MOST_TRIES: Final = 1_000_000
SOLVE_SECONDS: Final = 600  # the time to solve a challenge; a phone's tab may sleep meanwhile
_KEY_BYTES: Final = 32
_MOST_CHARACTERS: Final = 1_024  # of a solution in base64; it has about 400
_ALLOWED: Final = "a solution in base64, as ALTCHA writes it"
_EXPECTED: Final = 'a JSON object such as {"altcha": "eyJhbGdvcml0aG0iOi…"}'
_HEX: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TEXTS: Final = {"challenge": _HEX, "signature": _HEX, "salt": re.compile(r"[0-9a-f]{24}\?expires=[0-9]{1,12}&")}


@attrs.frozen
class Challenge:
    """The proof of work that one server asks for.

    Attributes:
        key: the author key; all servers of a fleet have the same.
        allow_origins: sites whose pages may send solutions.
        trusted_proxies: proxies that may name a client's address.
        now_seconds: the wall clock, seconds since the epoch.
        used: the solutions that clients have used.
    """

    key: bytes = attrs.field(repr=False)
    allow_origins: Sequence[str] = ()
    trusted_proxies: Sequence[Network] = ()
    now_seconds: Callable[[], float] = time.time
    used: UsedOnce = attrs.field(factory=UsedOnce)
    _pass_key: bytes = attrs.field(
        default=attrs.Factory(lambda self: _derived(self.key, b"pass"), takes_self=True), init=False, repr=False
    )

    def require(self, request: Request, author: int) -> None:
        """Raise a 403 `Problem` if a request without an account has no valid pass of this author."""
        require_pass(request, author, self._pass_key, self.now_seconds())

    def ask(self, request: Request) -> Answer:
        """`GET /challenge`: a new challenge.

        Raises:
            Problem: 400, proxies name different clients.
        """
        end = datetime.fromtimestamp(int(self.now_seconds()) + SOLVE_SECONDS, UTC)
        options = altcha.ChallengeOptions(
            max_number=MOST_TRIES, hmac_key=self._key_of(self._author_of(request)), expires=end
        )
        return json_answer(altcha.create_challenge(options).to_dict())

    def take(self, request: Request) -> Answer:
        """`POST /challenge`: a pass for a solution.

        Raises:
            Problem: 400, it's no solution; 403, it's wrong, too old, for another author, or already used; 415.
        """
        refuse_cross_site(request, self.allow_origins, self.trusted_proxies)
        author = self._author_of(request)
        solution = _solution_of(request)
        end_seconds = _end_of(solution)
        now_seconds = self.now_seconds()
        if end_seconds <= now_seconds:
            raise _refusal("it came too late")
        is_right, _ = altcha.verify_solution(solution, self._key_of(author), check_expires=False)
        if not is_right:
            raise _refusal("it's wrong, or the challenge was for another address")
        if not self.used.use(bytes.fromhex(solution["signature"]), end_seconds, now_seconds):
            raise _refusal("it has already been used")
        seconds = PASS_SECONDS - SOLVE_SECONDS
        made = make_pass(author, end_seconds + seconds, self._pass_key)
        lives = int(end_seconds + seconds - now_seconds)
        cookie = set_cookie(COOKIE, made, lives, secure=False)  # the page may use plain HTTP, too
        return json_answer({"pass": made, "expires": end_seconds + seconds}, cookie)

    def _author_of(self, request: Request) -> int:
        return author_of(client_address(request, self.trusted_proxies), self.key)

    def _key_of(self, author: int) -> bytes:
        return _derived(self.key, b"challenge", author.to_bytes(8, "little"))


def _derived(key: bytes, purpose: bytes, of: bytes = b"") -> bytes:
    return hashlib.blake2b(of, digest_size=_KEY_BYTES, key=key, person=purpose).digest()


def _refusal(why: str) -> Problem:
    return Problem(403, "challenge", f"the solution doesn't count: {why}; GET /challenge has a new challenge")


def _solution_of(request: Request) -> PayloadType:
    """The solution in a body; each member has the type and form that the challenge had.

    Raises:
        Problem: 400, there is no solution; 415.
    """
    if not request.body:
        raise missing_parameter("altcha", _ALLOWED)
    media_type(request, JSON)
    members = json_members(request.body, _EXPECTED)
    told = [value for name, value in members if name == "altcha"]
    if not told:
        raise missing_parameter("altcha", _ALLOWED)
    solution = _unpacked(told[0]) if len(told) == len(members) == 1 else None
    if solution is None:
        raise invalid_parameter("altcha", told[0] if len(told) == 1 else told, _ALLOWED, "is no solution")
    return solution


def _unpacked(told: object) -> PayloadType | None:
    if not isinstance(told, str) or len(told) > _MOST_CHARACTERS:
        return None
    try:
        members = json_members(base64.b64decode(told, validate=True), _EXPECTED)
    except (ValueError, Problem):
        return None
    found = dict(members)
    number = found.get("number")
    if isinstance(number, float) and number.is_integer():  # from languages whose numbers are all floats
        number = int(number)
    is_number = type(number) is int and 0 <= number <= MOST_TRIES
    texts = {name: found.get(name) for name in _TEXTS}
    if found.get("algorithm") != "SHA-256" or not is_number or not all(map(_fits, texts.values(), _TEXTS.values())):
        return None
    return cast("PayloadType", {"algorithm": "SHA-256", "number": number, **texts})


def _fits(text: object, form: re.Pattern[str]) -> bool:
    return isinstance(text, str) and form.fullmatch(text) is not None


def _end_of(solution: PayloadType) -> int:
    return int(altcha.extract_params(solution)["expires"][0])
