"""Authorities: which texts are hosts, which spellings are equal, and which authority a page has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.http.authority import authority_of, is_at, is_hostless, origin_of

NAMES = st.from_regex(
    r"[a-z0-9_]([a-z0-9_-]{0,10}[a-z0-9_])?(\.[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?){0,4}", fullmatch=True
)
HOSTS = st.one_of(NAMES, st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(lambda ip: f"[{ip}]"))
PORTS = st.integers(1, 65_535)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("place.lan", "place.lan"),
        ("PLACE.Lan", "place.lan"),
        ("place.lan.", "place.lan"),
        ("place.lan:", "place.lan"),
        ("place.lan.:80", "place.lan:80"),
        ("my_app:8080", "my_app:8080"),
        ("xn--mller-kva.example", "xn--mller-kva.example"),
        ("192.0.2.7:8080", "192.0.2.7:8080"),
        ("[2001:DB8:0::1]:8080", "[2001:db8::1]:8080"),
        ("[::ffff:192.0.2.7]", "[::ffff:192.0.2.7]"),
        ("localhost", "localhost"),
    ],
)
def test_one_spelling_of_what_is_a_host(text: str, expected: str) -> None:
    assert str(authority_of(text)).replace("[::ffff:c000:207]", "[::ffff:192.0.2.7]") == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "*", "a,b", "a, b", "a b", "user@host", "user:pw@host", "a/b", "a?b", "a#b", "a\\b", "http://a", "a:b"),
        *("a:0", "a:65536", "a:-1", "a:80:80", "a:+80", "..", ".", ".a", "a..b", "a.:x", "[", "[]", "[::1", "::1"),
        *("[1.2.3.4]", "[::g]", "[fe80::1%25eth0]", "[::1]x", "müller.example", "a\u0660", "a%41", "a\t", "a\n", '"a"'),
        *("a" * 64, ".".join(["a" * 60] * 5), "a" * 9_000, "*.place.lan"),
    ],
)
def test_what_is_no_host(text: str) -> None:
    assert authority_of(text) is None


@given(HOSTS, st.none() | PORTS)
def test_any_host_with_any_port_is_one(host: str, port: int | None) -> None:
    authority = authority_of(host if port is None else f"{host}:{port}")
    assert authority is not None
    assert authority.port == port
    assert authority == authority_of(str(authority)) == authority_of(str(authority).upper())


@given(st.text(max_size=300))
def test_whatever_is_said_is_a_host_or_none(text: str) -> None:
    authority = authority_of(text)
    assert authority is None or authority_of(str(authority)) == authority


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((text, True) for text in ("localhost", "LOCALHOST.:1", "a.localhost", "127.0.0.1", "192.0.2.7", "[::1]:9")),
        *((text, False) for text in ("localhost.evil.test", "notlocalhost", "127.0.0.1.evil.test", "1.2.3", "evil")),
    ],
)
def test_addresses_and_localhost_are_no_names_of_others(text: str, expected: bool) -> None:
    authority = authority_of(text)
    assert authority is not None
    assert authority.is_local is expected


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://place.lan", "place.lan"),
        ("http://place.lan", "place.lan:80"),
        ("http://place.lan:80", "place.lan"),
        ("https://place.lan", "place.lan"),  # a proxy ends TLS
        ("https://place.lan", "place.lan:443"),
        ("https://place.lan:443", "place.lan"),
        ("http://place.lan:8080", "place.lan:8080"),
        ("https://place.lan:8443", "place.lan:8443"),
        ("HTTP://Place.LAN", "PLACE.lan"),
        ("http://place.lan", "place.lan."),
        ("http://place.lan.", "place.lan"),
        ("http://[::1]:8080", "[0:0::1]:8080"),
        ("http://[::1]", "[::1]:80"),
        ("http://192.0.2.7", "192.0.2.7:80"),
    ],
)
def test_page_is_at_the_host_that_was_asked_for(origin: str, host: str) -> None:
    asked = authority_of(host)
    assert asked is not None
    assert is_at(origin, asked)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://place.lan", "other.lan"),
        ("http://place.lan", "place.lan:8080"),
        ("http://place.lan:8080", "place.lan"),
        ("http://place.lan:8080", "place.lan:8081"),
        ("http://place.lan", "place.lan:443"),  # the default port of another scheme doesn't count
        ("https://place.lan", "place.lan:80"),
        ("http://place.lan:443", "place.lan"),
        ("https://place.lan:80", "place.lan"),
        ("http://place.lan.evil.test", "place.lan"),
        ("http://evil@place.lan", "place.lan"),
        ("http://place.lan/", "place.lan"),
        ("http://place.lan, http://evil.test", "place.lan"),
        ("ftp://place.lan", "place.lan"),
        ("capacitor://localhost", "localhost"),
        ("place.lan", "place.lan"),
        ("//place.lan", "place.lan"),
        ("null", "null"),
        ("", "place.lan"),
        ("http://", "place.lan"),
        ("http://" + "a" * 9_000, "place.lan"),
    ],
)
def test_page_is_elsewhere(origin: str, host: str) -> None:
    asked = authority_of(host)
    assert asked is not None
    assert not is_at(origin, asked)


@given(st.sampled_from(["http", "https"]), HOSTS, st.none() | PORTS, HOSTS, st.none() | PORTS)
def test_page_is_where_host_and_port_are(
    scheme: str, host: str, port: int | None, other: str, another: int | None
) -> None:
    own, asked = authority_of(host), authority_of(other)
    assert own is not None
    assert asked is not None
    default = {"http": 80, "https": 443}[scheme]
    origin = f"{scheme}://{host}" + (f":{port}" if port else "")
    authority = authority_of(other + (f":{another}" if another else ""))
    assert authority is not None
    assert is_at(origin, authority) is (own.host == asked.host and (port or default) == (another or default))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://friend.test", "https://friend.test"),
        ("HTTPS://Friend.Test:443", "https://friend.test"),
        ("http://friend.test:80", "http://friend.test"),
        ("http://friend.test:443", "http://friend.test:443"),
        ("http://[2001:DB8::1]:8080", "http://[2001:db8::1]:8080"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("ionic://localhost", "ionic://localhost"),
        ("tauri://localhost", "tauri://localhost"),
        ("http://tauri.localhost", "http://tauri.localhost"),
        ("app://obsidian.md", "app://obsidian.md"),
        ("chrome-extension://abcdefghijklmnopabcdefghijklmnop", "chrome-extension://abcdefghijklmnopabcdefghijklmnop"),
        (
            "moz-extension://0b4e0f4c-5d7e-4a5b-8f9b-1f7c1f5b8a11",
            "moz-extension://0b4e0f4c-5d7e-4a5b-8f9b-1f7c1f5b8a11",
        ),
        *(
            (text, None)
            for text in (
                *("friend.test", "https://", "https:friend.test", "://friend.test", "1a://friend.test", "null", "*"),
                *("https://friend.test/", "https://friend.test/a", "https://friend.test?a", "https://friend.test#a"),
                *("https://*.friend.test", "https://friend.*", "https://a,b", "https://me@friend.test", "https://a b"),
                *(
                    "https://friend.test:",
                    "https://friend.test:x",
                    "https://friend.test:0",
                    "https://friend.test:65536",
                ),
                *("https://friend.test.", "file://", "data:text/html,x", "https://a https://b"),
            )
        ),
    ],
)
def test_origin_of_any_scheme_in_the_spelling_of_browsers(text: str, expected: str | None) -> None:
    assert origin_of(text) == expected


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        *((origin, True) for origin in ("file://", "app://.", "my-app+1://.")),
        *((origin, False) for origin in ("http://.", "https://.", "app://", "app://..", "file:///", "file://x", "")),
    ],
)
def test_apps_pages_may_have_no_host_and_sites_always_have_one(origin: str, expected: bool) -> None:
    assert is_hostless(origin) is expected
