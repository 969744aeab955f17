"""Says whether to believe an ID token (OpenID Connect Core 1.0, section 3.1.3.7); joserfc checks the signature.

Only algorithms with which nobody but the provider can sign are accepted. With HS256 and its kin, everybody who knows
the key for the check could sign, too, and with the algorithm `none` anybody could. The keys come from the provider's
own document, never from the token.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
import re
import warnings
from typing import TYPE_CHECKING, Any, Final

import attrs
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import JWKRegistry

from placed.http.oidc.errors import Disbelieved

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from joserfc.jwk import Key

ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
SKEW_SECONDS: Final = 120  # by how much the provider's clock may differ
MOST_CHARACTERS: Final = 16_384  # of a token; one with many groups has 4,000
_MOST_KEYS: Final = 32  # providers have two or three
_KINDS: Final = ("RSA", "EC", "OKP")
_SUBJECT: Final = re.compile(r"[ -~]{1,255}", re.ASCII)  # the standard's limits


@attrs.frozen
class Expected:
    """The values that an ID token must have.

    Attributes:
        issuer: the provider that made it.
        client_id: the server that it is for.
        nonce: marks the sign-in that it was made for.
    """

    issuer: str
    client_id: str
    nonce: str


def keys_of(document: Mapping[str, Any]) -> tuple[Key, ...]:
    """The keys in a provider's key set with which it may sign, without those that joserfc can't read."""
    listed = document.get("keys")
    found = []
    for one in (listed if isinstance(listed, list) else [])[:_MOST_KEYS]:
        if isinstance(one, dict) and one.get("kty") in _KINDS and one.get("use", "sig") == "sig":
            with contextlib.suppress(Exception):  # one key may have any fault; the others count
                found.append(JWKRegistry.import_key(one))
    return tuple(found)


def kid_of(token: str) -> str | None:
    """The id of the key that a token claims to be signed with; None if it names none. This doesn't check the signature.

    Raises:
        Disbelieved: the text is no token.
    """
    head = token.partition(".")[0] if len(token) <= MOST_CHARACTERS else ""
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        raise Disbelieved("the ID token is no JWT") from None
    kid = header.get("kid") if isinstance(header, dict) else None
    return kid if isinstance(kid, str) else None


def has_key(keys: Iterable[Key], kid: str | None) -> bool:
    """Whether `keys` has the key of this id; for None, any key counts."""
    return any(kid is None or key.kid == kid for key in keys)


def claims_of(token: str, keys: Sequence[Key], expected: Expected, now_seconds: float) -> Mapping[str, Any]:
    """The claims of an ID token, after all checks.

    Args:
        token: the token, as the provider sent it.
        keys: the provider's keys.
        expected: the values that the token must have.
        now_seconds: the wall clock, seconds since the epoch.

    Raises:
        Disbelieved: a check failed; the message has the first reason.
    """
    claims = _signed(token, keys)
    _check_parties(claims, expected)
    _check_times(claims, now_seconds)
    if claims.get("nonce") != expected.nonce:
        raise Disbelieved("the ID token is for another sign-in: its nonce is a different one")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise Disbelieved("the ID token has no sub of 1 to 255 ASCII characters")
    return claims


def _signed(token: str, keys: Sequence[Key]) -> Mapping[str, Any]:
    kid = kid_of(token)
    for key in keys:
        if kid is None or key.kid == kid:
            with contextlib.suppress(Exception):  # a token with any fault isn't believed
                return _decoded(token, key)
    raise Disbelieved(f"the ID token isn't signed by a key of the provider's with one of {', '.join(ALGORITHMS)}")


def _decoded(token: str, key: Key) -> Mapping[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # EdDSA is Ed25519's old name, which providers still use
        return jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims


def _check_parties(claims: Mapping[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise Disbelieved(f"the ID token is from {_shown(claims.get('iss'))}, and not from {expected.issuer!r}")
    audience = claims.get("aud")
    listed = audience if isinstance(audience, list) else [audience]
    if expected.client_id not in listed:
        raise Disbelieved(f"the ID token is for {_shown(audience)}, and not for {expected.client_id!r}")
    party = claims.get("azp", None if len(listed) > 1 else expected.client_id)
    if party != expected.client_id:
        raise Disbelieved(f"the ID token was made for {_shown(party)}, and not for {expected.client_id!r}")


def _check_times(claims: Mapping[str, Any], now_seconds: float) -> None:
    end, issued, begin = (_moment(claims, name) for name in ("exp", "iat", "nbf"))
    if end is None or end <= now_seconds - SKEW_SECONDS:
        raise Disbelieved("the ID token is too old, or has no end (exp)")
    if issued is None or issued > now_seconds + SKEW_SECONDS:
        raise Disbelieved("the ID token is from the future, or doesn't say when it was made (iat): compare the clocks")
    if begin is not None and begin > now_seconds + SKEW_SECONDS:
        raise Disbelieved("the ID token doesn't count yet (nbf): compare the clocks")


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Disbelieved(f"the ID token's {name} is no number")
    return float(value)


def _shown(value: object) -> str:
    return repr(value)[:200]
