"""Hosts: which ones a server answers for on each listening address, in both lanes and over HTTP/2."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import pytest

from placed.http.answer import Problem, Request
from placed.http.hosts import Hosts
from tests.support.serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.serving import Server

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
LOCAL = ("localhost", "LOCALHOST:8080", "a.localhost", "127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "192.0.2.7", "")
NO_HOSTS = ("a,b", "a, b", "user@host", "*", "a/b", "..", "a..b", "[::1", "a:b", "a:0", "a:99999", "m%C3%BCller.test")
PATHS = ("/", "/info", "/metrics", "/healthz", "/canvas.png", "/edits?v=1", "/no-such-path", "/client/main.js")


def status(hosts: Hosts, host: str, peer: str = "127.0.0.1") -> int:
    """The status for a request with the host `host`."""
    try:
        hosts.refuse(Request("GET", "", {"host": host}, peer))
    except Problem as problem:
        assert not hosts.takes({"host": host}, peer)
        return problem.status
    assert hosts.takes({"host": host}, peer)
    return 200


def at(*addresses: str, allowed: tuple[str, ...] = (), trusted: bool = False) -> Hosts:
    """The hosts of a server that listens on these addresses."""
    hosts = Hosts(allowed, LOOPBACK if trusted else ())
    hosts.listen_on(addresses)
    return hosts


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_server_of_this_machine_alone_answers_for_addresses_and_localhost(address: str) -> None:
    hosts = at(address)
    assert {host: status(hosts, host) for host in LOCAL} == dict.fromkeys(LOCAL, 200)
    assert status(hosts, "evil.example") == status(hosts, "localhost.evil.example:8080") == 421


@pytest.mark.parametrize("addresses", [("0.0.0.0",), ("::",), ("192.0.2.7",), ("127.0.0.1", "192.0.2.7")])
def test_server_that_others_reach_answers_for_all_until_names_are_given(addresses: tuple[str, ...]) -> None:
    assert status(at(*addresses), "place.lan") == 200
    named = at(*addresses, allowed=("place.lan",))
    assert [status(named, host) for host in ("place.lan", "evil.example", *LOCAL)] == [200, 421, *[200] * len(LOCAL)]


@pytest.mark.parametrize("host", NO_HOSTS)
def test_what_is_no_host_is_refused_everywhere(host: str) -> None:
    for hosts in (at("127.0.0.1"), at("0.0.0.0"), at("127.0.0.1", allowed=("*",)), at("127.0.0.1", trusted=True)):
        assert status(hosts, host) == 400


def test_names_are_taken_with_any_port_and_in_any_spelling() -> None:
    hosts = at("127.0.0.1", allowed=("place.lan", "*.tunnel.example"))
    taken = ("place.lan", "PLACE.LAN:9000", "place.lan.", "a.tunnel.example", "a.b.tunnel.example:443")
    refused = ("lan", "sub.place.lan", "place.lan.evil.example", "tunnel.example", "eviltunnel.example")
    assert {host: status(hosts, host) for host in taken + refused} == {
        **dict.fromkeys(taken, 200),
        **dict.fromkeys(refused, 421),
    }
    assert status(at("127.0.0.1", allowed=("*",)), "evil.example") == 200


def test_trusted_proxy_asks_by_any_name_until_names_are_given() -> None:
    assert status(at("127.0.0.1", trusted=True), "place.lan") == 200
    assert status(at("127.0.0.1", trusted=True), "place.lan", peer="10.0.0.1") == 421
    named = at("127.0.0.1", allowed=("place.lan",), trusted=True)  # a page could pretend to have come through a proxy
    assert [status(named, host) for host in ("place.lan", "evil.example")] == [200, 421]


def test_refusal_names_the_host_and_what_to_set_and_is_short() -> None:
    with pytest.raises(Problem, match=r"'evil\.example:80'.*--allowed-host evil\.example, or --trusted-proxy"):
        at("127.0.0.1").refuse(Request("GET", "", {"host": "evil.example:80"}, "127.0.0.1"))
    with pytest.raises(Problem) as refusal:
        at("127.0.0.1").refuse(Request("GET", "", {"host": "x," * 8_000}, "127.0.0.1"))
    assert len(refusal.value.detail) < 200


@pytest.mark.parametrize(("host", "expected"), [("evil.example", 421), ("evil.example:8080", 421), ("a,b", 400)])
async def test_page_of_a_name_bound_to_this_machine_reads_and_paints_nothing(
    start: Callable[..., AbstractAsyncContextManager[Server]], host: str, expected: int
) -> None:
    async with start(allowed_hosts=()) as server:
        before = server.projection.version
        bound = ("Host", host), ("Origin", f"http://{host}")
        for path in PATHS:
            answer = await ask(server, "GET", path, *bound)
            assert (path, answer[0], b"problem+json" in answer[1]) == (path, expected, True)
        assert (await ask(server, "POST", "/edit?x=1&y=1&color=1", *bound))[0] == expected
        assert (await ask(server, "OPTIONS", "/edit", *bound))[0] == expected
        assert (await ask(server, "POST", "/edit?x=1&y=1&color=1", ("Host", f"localhost:{server.port}")))[0] == 200
        assert server.projection.version == before + 1


async def test_name_that_is_allowed_paints_and_reads(
    start: Callable[..., AbstractAsyncContextManager[Server]],
) -> None:
    async with start(allowed_hosts=("place.lan",)) as server:
        own = ("Host", "place.lan:80"), ("Origin", "http://place.lan")
        assert (await ask(server, "POST", "/edit?x=1&y=1&color=1", *own))[0] == 200
        assert {path: (await ask(server, "GET", path, *own))[0] for path in ("/", "/info", "/canvas.png")} == {
            "/": 200,
            "/info": 200,
            "/canvas.png": 200,
        }


async def test_request_without_a_host_is_answered_over_http_1_0(
    start: Callable[..., AbstractAsyncContextManager[Server]],
) -> None:
    async with start(allowed_hosts=()) as server:
        for line in (b"GET /healthz HTTP/1.0\r\n\r\n", b"POST /edit?x=1&y=1&color=1 HTTP/1.0\r\n\r\n"):
            assert (await server.exchange(line)).split(b" ", 2)[1] == b"200"


@pytest.mark.parametrize("target", [b"http://evil.example/info", b"http://evil.example/edit?x=1&y=1&color=1"])
@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_target_with_another_host_than_host_is_refused(server: Server, method: bytes, target: bytes) -> None:
    answer = await server.exchange(
        method + b" " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    assert answer.split(b" ", 2)[1] == b"400"


async def test_name_with_an_underscore_is_one_in_both_lanes(
    start: Callable[..., AbstractAsyncContextManager[Server]],
) -> None:
    async with start(allowed_hosts=("my_app",)) as server:  # like the names in Docker's networks
        for path in ("/", "/info", "/metrics", "/canvas.png"):
            assert (await ask(server, "GET", path, ("Host", "my_app:8080")))[0] == 200


@pytest.mark.parametrize(
    ("origin", "more", "expected"),
    [
        ("http://place.lan", [("Host", "place.lan:80")], 200),
        ("http://place.lan:80", [("Host", "place.lan")], 200),
        ("https://place.lan", [("Host", "place.lan")], 200),
        ("https://place.lan", [("Host", "127.0.0.1:8080"), ("X-Forwarded-Host", "place.lan:443")], 200),
        ("http://place.lan", [("Host", "127.0.0.1:8080"), ("Forwarded", "for=192.0.2.9;host=place.lan:80")], 200),
        ("http://place.lan", [("Host", "127.0.0.1:8080")], 403),
        ("http://place.lan:8080", [("Host", "place.lan"), ("X-Forwarded-Port", "8080")], 200),  # nginx's $host
        ("http://place.lan:8081", [("Host", "place.lan"), ("X-Forwarded-Port", "8080")], 403),
        ("http://evil.example", [("Host", "place.lan"), ("X-Forwarded-Host", "place.lan")], 403),
    ],
)
async def test_page_behind_a_trusted_proxy_paints_over_plain_http(
    lane: str, tmp_path: Path, origin: str, more: list[tuple[str, str]], expected: int
) -> None:
    async with serving(lane, tmp_path, allowed_hosts=(), trusted_proxies=LOOPBACK) as server:
        answer = await ask(server, "POST", "/edit?x=1&y=1&color=1", ("Origin", origin), *more)
        assert answer[0] == expected
        if expected == 403 and more == [("Host", "127.0.0.1:8080")]:
            assert b"127.0.0.1:8080" in answer[1]
            assert b"--allow-origin" in answer[1]


async def test_what_somebody_else_says_of_hosts_counts_for_nothing(server: Server) -> None:
    forged = ("Origin", "http://evil.example"), ("X-Forwarded-Host", "evil.example"), ("Forwarded", "host=evil.example")
    assert (await server.place(1, 1, 1, *forged)).status == 403


async def ask(server: Server, method: str, target: str, *headers: tuple[str, str]) -> tuple[int, bytes]:
    """The status of the answer, and the whole answer; `headers` has to have Host."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "Connection: close"]
    answer = await server.exchange("\r\n".join([*lines, "", ""]).encode())
    return int(answer.split(b" ", 2)[1]), answer
