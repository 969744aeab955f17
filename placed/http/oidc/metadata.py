"""Reads and checks the needed parts of a provider's own document (OpenID Connect Discovery 1.0). Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import attrs

from placed.http.oidc.errors import Disbelieved

if TYPE_CHECKING:
    from collections.abc import Mapping

WELL_KNOWN: Final = "/.well-known/openid-configuration"
_PLAIN: Final = re.compile(r"[!-\[\]-~]{1,2048}", re.ASCII)  # a backslash is a slash to some readers of URLs
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
# A form carries any secret unchanged; for a header (basic), some providers and libraries disagree on how to escape it.
_POST, _BASIC = "client_secret_post", "client_secret_basic"


@attrs.frozen
class Metadata:
    """Where a provider's endpoints are, and what they can do.

    Attributes:
        authorize: the URL where people sign in.
        token: the URL that takes codes and gives tokens.
        keys: the URL of the keys.
        userinfo: the URL of people's names; None without such a URL.
        auth_method: how the provider wants to get the client's secret.
        names_issuer: whether the provider names itself in each answer (RFC 9207).
    """

    authorize: str
    token: str
    keys: str
    userinfo: str | None
    auth_method: str
    names_issuer: bool


def metadata_of(document: Mapping[str, Any], issuer: str) -> Metadata:
    """The checked content of the document of `issuer`.

    Raises:
        Disbelieved: the document is another provider's, or a needed part is missing or wrong.
    """
    told = document.get("issuer")
    if told != issuer:
        advice = "write issuer in the config file as the provider does"
        raise Disbelieved(f"the provider calls itself {repr(told)[:200]}, and not {issuer!r}: {advice}")
    if "code" not in _listed(document, "response_types_supported", ["code"]):
        raise Disbelieved("the provider doesn't offer the authorization code flow (response type code)")
    methods = _listed(document, "token_endpoint_auth_methods_supported", [_BASIC])
    if not {_POST, _BASIC} & set(methods):
        raise Disbelieved(f"the provider takes no client secret by {_POST} or {_BASIC}")
    userinfo = document.get("userinfo_endpoint")
    return Metadata(
        authorize=_endpoint(document, "authorization_endpoint", issuer),
        token=_endpoint(document, "token_endpoint", issuer),
        keys=_endpoint(document, "jwks_uri", issuer),
        userinfo=None if userinfo is None else _endpoint(document, "userinfo_endpoint", issuer),
        auth_method=_POST if _POST in methods else _BASIC,
        names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def is_safe_url(url: str, *, has_query: bool = False) -> bool:
    """Whether a secret may be sent to `url`: by HTTPS, or to this very machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    is_plain = _PLAIN.fullmatch(url) is not None
    if not is_plain or "@" in parts.netloc or parts.fragment or (parts.query and not has_query):
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOCAL))


def _endpoint(document: Mapping[str, Any], name: str, issuer: str) -> str:
    url = document.get(name)
    if not isinstance(url, str) or not is_safe_url(url, has_query=True):
        raise Disbelieved(f"the provider's {name} is {repr(url)[:200]}; allowed is an https:// URL")
    if urlsplit(url).scheme == "http" and urlsplit(issuer).scheme == "https":
        raise Disbelieved(f"the provider's {name} is {url!r}, without HTTPS, but the provider itself has it")
    return url


def _listed(document: Mapping[str, Any], name: str, default: list[str]) -> list[Any]:
    value = document.get(name, default)
    return value if isinstance(value, list) else []
