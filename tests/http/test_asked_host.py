"""Which host a client asked for: a trusted proxy's host, and nothing that a client can forge."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.http.answer import Problem, Request
from placed.http.asked_host import asked_authorities, asked_host

PROXIES = (ipaddress.ip_network("10.0.0.0/8"),)
PROXY, CLIENT, HOST = "10.0.0.1", "203.0.113.7", "127.0.0.1:8080"
FORGED = st.lists(
    st.one_of(
        st.sampled_from(["evil.test", "host=evil.test", f"for={CLIENT};host=evil.test", "", '"', ";", "10.0.0.9"]),
        st.text('abc.:[]",;= host', max_size=20),
    ),
    max_size=4,
).map(", ".join)


def asked(peer: str, **headers: str) -> str:
    """The host of a request from `peer` whose header Host is `HOST`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return asked_host(Request("POST", "", {"host": HOST, **named}, peer), PROXIES)


@pytest.mark.parametrize(
    "headers",
    [
        {"x_forwarded_host": "place.lan"},
        {"x_forwarded_host": "place.lan", "x_forwarded_for": CLIENT},
        {"x_forwarded_host": "place.lan", "x_forwarded_for": f"{CLIENT}, 10.0.0.2"},  # set by the inner proxy
        {"x_forwarded_host": "place.lan, b.lan", "x_forwarded_for": f"{CLIENT}, 10.0.0.2"},  # each proxy adds its own
        {"x_forwarded_host": "evil.test, place.lan, inner.lan", "x_forwarded_for": f"{CLIENT}, 10.0.0.2"},
        {"forwarded": "host=place.lan"},
        {"forwarded": f'for={CLIENT};host="place.lan";proto=https'},
        {"forwarded": f"for={CLIENT}; Host = place.lan"},
        {"forwarded": f"for={CLIENT};host=place.lan, for=10.0.0.2;host=inner.lan"},
        {"forwarded": f"for=192.0.2.9;host=evil.test, for={CLIENT};host=place.lan"},
        {"forwarded": "for=_hidden;host=place.lan"},
        {"forwarded": f"for={CLIENT};host=place.lan", "x_forwarded_host": "PLACE.lan", "x_forwarded_for": CLIENT},
    ],
)
def test_host_that_the_outermost_trusted_proxy_was_asked_for(headers: dict[str, str]) -> None:
    assert asked(PROXY, **headers).lower() == "place.lan"
    assert asked(CLIENT, **headers) == HOST  # no other client is believed


@pytest.mark.parametrize("headers", [{}, {"x_forwarded_host": ""}, {"forwarded": f"for={CLIENT}"}, {"forwarded": "x"}])
def test_host_that_came_where_no_proxy_tells_another(headers: dict[str, str]) -> None:
    assert asked(PROXY, **headers) == HOST


def test_two_headers_that_differ_are_refused() -> None:
    with pytest.raises(Problem, match="only one") as refusal:
        asked(PROXY, x_forwarded_host="a.lan", forwarded="host=b.lan")
    assert refusal.value.status == 400


@given(FORGED, FORGED)
def test_client_itself_cannot_choose_the_host(one: str, other: str) -> None:
    assert asked(CLIENT, x_forwarded_host=one, forwarded=other) == HOST


@given(FORGED)
def test_what_stands_before_the_proxys_own_entry_changes_nothing(forged: str) -> None:
    before = f"{forged}, " if forged else ""
    assert asked(PROXY, x_forwarded_host=f"{before}place.lan", x_forwarded_for=CLIENT) == "place.lan"
    assert asked(PROXY, forwarded=f"{before}for={CLIENT};host=place.lan") == "place.lan"


def possible(peer: str, host: str, **headers: str) -> list[str]:
    """The possible authorities of a request from `peer` with `host` as Host."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request("POST", "", {"host": host, **named}, peer)
    return [str(authority) for authority in asked_authorities(request, PROXIES)]


def test_port_that_a_trusted_proxy_names_is_a_second_possibility_where_the_host_has_none() -> None:
    assert possible(PROXY, "place.lan", x_forwarded_port="8080") == ["place.lan", "place.lan:8080"]
    assert possible(PROXY, HOST, x_forwarded_host="place.lan", x_forwarded_port="8080")[1] == "place.lan:8080"
    chain = f"{CLIENT}, 10.0.0.2"
    assert possible(PROXY, "place.lan", x_forwarded_for=chain, x_forwarded_port="8080, 9090")[1] == "place.lan:8080"
    assert possible(PROXY, "place.lan:81", x_forwarded_port="8080") == ["place.lan:81"]
    assert possible(CLIENT, "place.lan", x_forwarded_port="8080") == ["place.lan"]


@pytest.mark.parametrize("port", ["", "0", "x", "-1", "123456", "80 80", "\u0668"])
def test_what_is_no_port_is_passed_over(port: str) -> None:
    assert possible(PROXY, "place.lan", x_forwarded_port=port) == ["place.lan"]


def test_without_a_host_nothing_is_asked_for() -> None:
    assert possible(PROXY, "", x_forwarded_port="8080") == []
