"""Which ID tokens a server believes: none that is forged, stolen, old or another person's."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from placed.http.oidc.errors import Disbelieved
from placed.http.oidc.id_token import ALGORITHMS, MOST_CHARACTERS, Expected, claims_of, has_key, keys_of, kid_of

if TYPE_CHECKING:
    from joserfc.jwk import Key

NOW: Final = 1_900_000_000
EXPECTED: Final = Expected("https://id.test", "canvas", "n-1")
CLAIMS: Final[dict[str, Any]] = {
    "iss": "https://id.test",
    "aud": "canvas",
    "nonce": "n-1",
    "sub": "ada",
    "exp": NOW + 300,
    "iat": NOW,
}
RSA: Final = RSAKey.generate_key(2048, {"kid": "a"})
OTHER: Final = RSAKey.generate_key(2048, {"kid": "b"})


def signed(claims: dict[str, Any], key: Any = RSA, **header: Any) -> str:
    """A signed token; a claim of None is left out."""
    told = {"alg": "RS256", "kid": "a"} | header
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({name: value for name, value in told.items() if value}, kept, key, algorithms=[told["alg"]])


def public(*keys: Key) -> dict[str, Any]:
    """A provider's key set."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


KEYS: Final = keys_of(public(RSA, OTHER))


def believed(token: str, keys: tuple[Key, ...] = KEYS) -> bool:
    """Whether a token is believed."""
    try:
        claims_of(token, keys, EXPECTED, NOW)
    except Disbelieved as error:
        return not str(error)
    return True


def test_right_token_is_believed() -> None:
    assert claims_of(signed(CLAIMS), KEYS, EXPECTED, NOW)["sub"] == "ada"


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSA, "RS512"),
        (RSA, "PS256"),
        (ECKey.generate_key("P-256", {"kid": "a"}), "ES256"),
        (ECKey.generate_key("P-521", {"kid": "a"}), "ES512"),
        (OKPKey.generate_key("Ed25519", {"kid": "a"}), "Ed25519"),
    ],
)
def test_each_kind_of_signature_that_a_provider_alone_can_make_is_taken(key: Any, algorithm: str) -> None:
    assert believed(signed(CLAIMS, key, alg=algorithm), keys_of(public(key)))


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://id.test/"},
        {"iss": "https://evil.test"},
        {"iss": None},
        {"iss": ["https://id.test"]},
        {"aud": "other"},
        {"aud": None},
        {"aud": []},
        {"aud": {"canvas": 1}},
        {"aud": ["other"]},
        {"aud": ["canvas", "other"]},  # without azp it isn't clear whose it is
        {"aud": ["canvas", "other"], "azp": "other"},
        {"azp": "other"},
        {"azp": ["canvas"]},
        {"exp": None},
        {"exp": NOW - 120},
        {"exp": str(NOW + 300)},
        {"exp": True},
        {"iat": None},
        {"iat": NOW + 121},
        {"iat": "now"},
        {"nbf": NOW + 121},
        {"nbf": [NOW]},
        {"nonce": None},
        {"nonce": "n-2"},
        {"nonce": ["n-1"]},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a" * 256},
        {"sub": "a\nb"},
        {"sub": "é"},
    ],
    ids=str,
)
def test_token_that_says_something_else_is_refused(change: dict[str, Any]) -> None:
    assert not believed(signed(CLAIMS | change))


@pytest.mark.parametrize(
    "change",
    [
        {"aud": ["canvas"]},
        {"aud": ["canvas", "other"], "azp": "canvas"},
        {"azp": "canvas"},
        {"exp": NOW - 119},  # clocks may differ by two minutes
        {"exp": NOW + 0.5},
        {"iat": NOW + 119},
        {"nbf": NOW + 119},
        {"nbf": NOW - 9_000},
        {"sub": "a" * 255},
        {"more": {"deep": [1]}},
    ],
    ids=str,
)
def test_token_that_differs_where_it_may_is_believed(change: dict[str, Any]) -> None:
    assert believed(signed(CLAIMS | change))


def unsigned(header: dict[str, Any], claims: dict[str, Any] = CLAIMS) -> str:
    """A token's first two parts."""
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims))
    return ".".join(parts)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
def test_token_that_nobody_signed_is_refused(algorithm: str) -> None:
    for end in ("", ".", ".e30"):
        assert not believed(unsigned({"alg": algorithm, "kid": "a"}) + end)


def test_token_signed_by_the_public_key_as_if_it_were_a_password_is_refused() -> None:
    for secret in (RSA.as_pem(private=False), json.dumps(RSA.as_dict(private=False)).encode()):
        text = unsigned({"alg": "HS256", "kid": "a"})
        mac = hmac.new(secret, text.encode(), hashlib.sha256).digest()
        assert not believed(f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")


def test_password_among_the_keys_is_none_of_them() -> None:
    secret = OctKey.generate_key(256, {"kid": "a"})
    assert keys_of({"keys": [secret.as_dict(private=True)]}) == ()
    assert not believed(signed(CLAIMS, secret, alg="HS256"), keys_of({"keys": [secret.as_dict(private=True)]}))


def test_token_of_another_key_is_refused_whatever_it_says_of_it() -> None:
    assert not believed(signed(CLAIMS, OTHER))
    assert not believed(signed(CLAIMS, OTHER, kid="c"))
    own = OTHER.as_dict(private=False)
    assert not believed(signed(CLAIMS, OTHER, jwk=own))
    assert not believed(signed(CLAIMS, OTHER, jku="https://evil.test/keys"))
    assert believed(signed(CLAIMS, OTHER, kid="b"))


def test_token_without_the_id_of_a_key_is_tried_with_all_of_them() -> None:
    assert believed(signed(CLAIMS, OTHER, kid=None))
    assert not believed(signed(CLAIMS, RSAKey.generate_key(2048), kid=None))


def test_changed_token_is_refused() -> None:
    head, body, signature = signed(CLAIMS).split(".")
    changed = unsigned({"alg": "RS256", "kid": "a"}, CLAIMS | {"sub": "eve"}).partition(".")[2]
    assert not believed(f"{head}.{changed}.{signature}")
    assert not believed(f"{head}.{body}.{signature[:-4]}AAAA")
    assert not believed(f"{head}.{body}.")
    assert not believed(f"{head}.{body}")


@given(st.text(max_size=80))
def test_any_text_is_refused(text: str) -> None:
    assert not believed(text)
    assert not believed(f"{unsigned({'alg': 'RS256'})}.{text}")


@pytest.mark.parametrize("text", ["", ".", "e30", "W10.e30.", "%", "é.e30.e30", "A" * (MOST_CHARACTERS + 1)])
def test_what_is_no_token_has_no_key(text: str) -> None:
    with contextlib.suppress(Disbelieved):
        assert kid_of(text) is None
    assert not believed(text)


def test_keys_that_are_not_understood_are_left_out_and_they_are_bounded() -> None:
    good = RSA.as_dict(private=False)
    broken = [None, 7, {}, {"kty": "RSA"}, {"kty": "AKP"}, {"kty": "EC", "crv": "P-0", "x": "", "y": ""}]
    assert [key.kid for key in keys_of({"keys": [*broken, good]})] == ["a"]
    assert keys_of({"keys": [good | {"use": "enc"}]}) == ()
    assert len(keys_of({"keys": [good] * 100})) == 32
    wrongs: list[dict[str, Any]] = [{}, {"keys": None}, {"keys": {}}, {"keys": "a"}]
    for wrong in wrongs:
        assert keys_of(wrong) == ()
    assert has_key(KEYS, "a")
    assert not has_key(KEYS, "c")
    assert not has_key((), None)


def test_no_algorithm_of_passwords_is_taken() -> None:
    assert not any(name.startswith("HS") or name.lower() == "none" for name in ALGORITHMS)
