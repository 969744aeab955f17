"""The server's own URLs, as visitors see them."""

from __future__ import annotations

import ipaddress

import pytest

from placed.http.answer import Problem, Request
from placed.http.own_url import own_url

TRUSTED = (ipaddress.ip_network("10.0.0.0/8"),)


def made(peer: str, has_tls: bool, headers: dict[str, str]) -> str:
    """The URL for the client of a request with these headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return own_url(Request("GET", "", named, peer), "/x", TRUSTED, has_tls=has_tls)


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("192.0.2.1", {"host": "a.test"}, "http://a.test/x"),
        ("192.0.2.1", {"host": "A.test:8080"}, "http://a.test:8080/x"),
        ("192.0.2.1", {"host": "a.test:80"}, "http://a.test/x"),
        ("192.0.2.1", {"host": "[::1]:8080"}, "http://[::1]:8080/x"),
        ("10.0.0.1", {"host": "in", "x_forwarded_host": "a.test", "x_forwarded_proto": "https"}, "https://a.test/x"),
        ("10.0.0.1", {"host": "a.test", "x_forwarded_prefix": "/place"}, "http://a.test/place/x"),
        ("10.0.0.1", {"host": "a.test", "x_forwarded_prefix": "/place/one/"}, "http://a.test/place/one/x"),
        # Headers from any other client don't count.
        (
            "192.0.2.1",
            {
                "host": "a.test",
                "x_forwarded_host": "evil.test",
                "x_forwarded_proto": "https",
                "x_forwarded_prefix": "/e",
            },
            "http://a.test/x",
        ),
        ("10.0.0.1", {"host": "a.test", "x_forwarded_prefix": "//evil.test"}, "http://a.test/x"),
        ("10.0.0.1", {"host": "a.test", "x_forwarded_prefix": "/../x"}, "http://a.test/x"),
        ("10.0.0.1", {"host": "a.test", "x_forwarded_prefix": "@evil.test"}, "http://a.test/x"),
    ],
)
def test_url_is_the_one_that_the_client_asked_for(peer: str, headers: dict[str, str], expected: str) -> None:
    assert made(peer, False, headers) == expected


def test_own_tls_makes_it_https() -> None:
    assert made("192.0.2.1", True, {"host": "a.test:443"}) == "https://a.test/x"


@pytest.mark.parametrize("host", ["", "a b", "user@a.test", "a.test/evil"])
def test_without_a_host_there_is_none(host: str) -> None:
    with pytest.raises(Problem) as refusal:
        made("192.0.2.1", False, {"host": host})
    assert refusal.value.status == 400
