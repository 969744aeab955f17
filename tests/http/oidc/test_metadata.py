"""Which parts of a provider's document a server uses, and which URLs may get a secret."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.http.oidc.errors import Disbelieved
from placed.http.oidc.metadata import Metadata, is_safe_url, metadata_of

ISSUER: Final = "https://id.test"
DOCUMENT: Final[dict[str, Any]] = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://id.test/auth?tenant=1",
    "token_endpoint": "https://id.test/token",
    "jwks_uri": "https://keys.test/jwks",
}


def test_what_is_needed_is_taken_and_what_is_missing_has_the_standards_default() -> None:
    made = metadata_of(DOCUMENT, ISSUER)
    assert made == Metadata(
        authorize="https://id.test/auth?tenant=1",
        token="https://id.test/token",
        keys="https://keys.test/jwks",
        userinfo=None,
        auth_method="client_secret_basic",
        names_issuer=False,
    )
    more = {
        "userinfo_endpoint": "https://id.test/me",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "authorization_response_iss_parameter_supported": True,
    }
    made = metadata_of(DOCUMENT | more, ISSUER)
    assert (made.userinfo, made.auth_method, made.names_issuer) == ("https://id.test/me", "client_secret_post", True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"issuer": "https://id.test/"}, "write issuer in the config file as the provider does"),
        ({"issuer": None}, "None"),
        ({"issuer": "https://evil.test"}, "evil"),
        ({"token_endpoint": None}, "token_endpoint"),
        ({"token_endpoint": "http://id.test/token"}, "token_endpoint"),
        ({"token_endpoint": "http://127.0.0.1/token"}, "without HTTPS"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint"),
        ({"authorization_endpoint": "//evil.test"}, "authorization_endpoint"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri"),
        ({"userinfo_endpoint": 5}, "userinfo_endpoint"),
        ({"response_types_supported": ["id_token"]}, "code"),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "client_secret_post"),
        ({"token_endpoint_auth_methods_supported": "client_secret_post"}, "client_secret_post"),
    ],
)
def test_document_that_cannot_be_used_is_refused_with_the_reason(change: dict[str, Any], words: str) -> None:
    with pytest.raises(Disbelieved, match=words):
        metadata_of(DOCUMENT | change, ISSUER)


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://id.test", True),
        ("https://id.test:8443/realms/a", True),
        ("http://127.0.0.1:9000", True),
        ("http://localhost/x", True),
        ("http://[::1]:9000", True),
        ("http://id.test", False),
        ("http://127.0.0.1.evil.test", False),
        ("http://localhost.evil.test", False),
        ("https://", False),
        ("https://user@id.test", False),
        ("https://id.test#x", False),
        ("https://id.test?x", False),
        ("https://id.test:port", False),
        ("https://id.test:99999", False),
        ("https://id.test/\\evil.test", False),
        ("https://id.test/ x", False),
        ("https://id.test/\r\nSet-Cookie: a=b", False),
        ("https://é.test", False),
        ("ftp://id.test", False),
        ("", False),
        ("https://[", False),
    ],
)
def test_secret_goes_by_https_or_to_this_machine(url: str, is_safe: bool) -> None:
    assert is_safe_url(url) is is_safe


@given(st.dictionaries(st.sampled_from([*DOCUMENT, "userinfo_endpoint"]), st.none() | st.integers() | st.text()))
def test_any_document_is_taken_or_refused(change: dict[str, Any]) -> None:
    try:
        made = metadata_of(DOCUMENT | change, ISSUER)
    except Disbelieved:
        return
    assert is_safe_url(made.token, has_query=True)
