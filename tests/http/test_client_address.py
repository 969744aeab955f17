"""The client of a request: nothing that a client can forge changes the answer."""

from __future__ import annotations

import contextlib
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.http.answer import Problem, Request
from placed.http.client_address import client_address

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))
PROXY, CLIENT = "10.0.0.1", "203.0.113.7"

OUTSIDE = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).filter(
    lambda ip: not any(ip in network for network in PROXIES) and getattr(ip, "ipv4_mapped", None) is None
)
# What a client may put before the part that the proxy adds: other addresses, trusted ones, garbage, quotes, commas.
FORGED = st.lists(
    st.one_of(
        OUTSIDE.map(str),
        st.sampled_from(
            ["10.0.0.2", "fd00::1", "127.0.0.1", "unknown", "_hidden", "", '"', "for=10.0.0.3", 'for="', ";"]
        ),
        st.text('0123456789abcdef.:[]",;= for', max_size=20),
    ),
    max_size=5,
).map(", ".join)


def address(peer: str, **headers: str) -> str:
    """The address of a client whose request comes from `peer`, behind the trusted proxies."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client_address(Request("POST", "", named, peer), PROXIES)


def entry(ip: object) -> str:
    """An address as a proxy writes it into Forwarded."""
    return f'for="[{ip}]"' if ":" in str(ip) else f"for={ip}"


@given(OUTSIDE, FORGED, FORGED)
def test_peer_that_is_no_proxy_is_the_client_whatever_it_says(ip: object, one: str, other: str) -> None:
    assert address(str(ip), x_forwarded_for=one, forwarded=other) == str(ip)


@given(OUTSIDE, FORGED)
def test_what_stands_before_the_proxys_own_entry_changes_nothing(ip: object, forged: str) -> None:
    before = f"{forged}, " if forged else ""
    assert address(PROXY, x_forwarded_for=f"{before}{ip}") == str(ip)
    assert address(PROXY, forwarded=f"{before}{entry(ip)};proto=https;by=10.0.0.1") == str(ip)


@given(OUTSIDE, FORGED, st.lists(st.sampled_from(["10.1.2.3", "fd00::5"]), max_size=3))
def test_chain_of_trusted_proxies_is_followed_to_the_first_address_outside(
    ip: object, forged: str, chain: list[str]
) -> None:
    entries = [*([forged] if forged else []), str(ip), *chain]
    assert address(PROXY, x_forwarded_for=", ".join(entries)) == str(ip)


@given(OUTSIDE, FORGED)
def test_header_that_the_proxy_does_not_set_names_nobody_else(ip: object, forged: str) -> None:
    # The proxy adds to one header, and passes on the client's other one: the result is a refusal or the client.
    for headers in (
        {"x_forwarded_for": str(ip), "forwarded": forged},
        {"forwarded": entry(ip), "x_forwarded_for": forged},
    ):
        with contextlib.suppress(Problem):
            assert address(PROXY, **headers) == str(ip)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("203.0.113.7", CLIENT),
        (" 203.0.113.7 ", CLIENT),
        ("203.0.113.7:4711", CLIENT),
        ("1.1.1.1,203.0.113.7", CLIENT),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("unknown", PROXY),
        ("1.1.1.1, unknown", PROXY),
        ("1.1.1.1,", PROXY),
        ("256.1.1.1", PROXY),
        ("", PROXY),
    ],
)
def test_x_forwarded_for_is_read_from_its_end(header: str, expected: str) -> None:
    assert address(PROXY, x_forwarded_for=header) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("for=203.0.113.7", CLIENT),
        ("For=203.0.113.7", CLIENT),
        ('for="203.0.113.7:4711"', CLIENT),
        ("proto=http;for=203.0.113.7;by=10.0.0.1", CLIENT),
        ('for="[2001:db8::7]:4711"', "2001:db8::7"),
        ("for=1.1.1.1, for=203.0.113.7", CLIENT),
        ('for="1.1.1.1, for=203.0.113.7', CLIENT),
        ("for=1.1.1.1;, for=203.0.113.7", CLIENT),
        ("for=1.1.1.1, proto=http", PROXY),
        ("for=unknown", PROXY),
        ("for=_hidden", PROXY),
        ("therefor=1.1.1.1", PROXY),
    ],
)
def test_forwarded_is_read_from_its_end(header: str, expected: str) -> None:
    assert address(PROXY, forwarded=header) == expected


@pytest.mark.parametrize("headers", [{}, {"x_forwarded_for": ""}, {"forwarded": ""}])
def test_proxy_that_says_nothing_is_the_client(headers: dict[str, str]) -> None:
    assert address(PROXY, **headers) == PROXY


def test_both_headers_that_agree_are_believed_and_others_refused() -> None:
    assert address(PROXY, x_forwarded_for=CLIENT, forwarded=f"for={CLIENT}") == CLIENT
    with pytest.raises(Problem) as refusal:
        address(PROXY, x_forwarded_for=CLIENT, forwarded="for=1.1.1.1")
    assert refusal.value.status == 400


def test_both_headers_may_spell_one_address_in_two_ways() -> None:
    assert address(PROXY, x_forwarded_for="::ffff:203.0.113.7", forwarded=f"for={CLIENT}") == CLIENT


@pytest.mark.parametrize("peer", ["10.0.0.1", "::ffff:10.0.0.1", "fd00::1", "fd00::1%eth0"])
def test_proxy_is_known_in_every_form_of_its_address(peer: str) -> None:
    assert address(peer, x_forwarded_for=CLIENT) == CLIENT


@pytest.mark.parametrize("peer", ["", "unix:", "11.0.0.1", "::ffff:11.0.0.1"])
def test_peer_outside_the_networks_is_not_trusted(peer: str) -> None:
    assert address(peer, x_forwarded_for=CLIENT) == peer


def test_nobody_is_trusted_without_networks() -> None:
    asked = Request("POST", "", {"x-forwarded-for": CLIENT, "forwarded": f"for={CLIENT}"}, PROXY)
    assert client_address(asked, ()) == PROXY
