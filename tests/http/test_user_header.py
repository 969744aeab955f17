"""The user who has signed in at the proxy: which peers are believed, and which values are users."""

from __future__ import annotations

import ipaddress
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.author import author_of_person
from placed.http.answer import Request
from placed.http.user_header import MOST_CHARACTERS, User, UserHeader, user_of

KEY: Final = bytes(range(32))
HEADER: Final = UserHeader("remote-user", (ipaddress.ip_network("10.0.0.0/8"),), KEY)


def user(value: str | None, peer: str = "10.0.0.1", **others: str) -> User | None:
    """The user of a request with this header."""
    headers = {name.replace("_", "-"): told for name, told in others.items()}
    return HEADER.user(Request("POST", "", headers | ({} if value is None else {"remote-user": value}), peer))


def test_trusted_proxy_says_who_it_is() -> None:
    found = user("Ada")
    assert found == User("proxy:ada", author_of_person("proxy:ada", KEY), "Ada")


@pytest.mark.parametrize("peer", ["192.0.2.1", "", "11.0.0.1", "::ffff:192.0.2.1", "unix:", "10.0.0.1, 192.0.2.1"])
def test_anybody_elses_word_counts_for_nothing(peer: str) -> None:
    assert user("ada", peer) is None


@pytest.mark.parametrize("peer", ["10.255.0.1", "::ffff:10.0.0.1"])
def test_proxys_address_may_have_any_form(peer: str) -> None:
    assert user("ada", peer) is not None


def test_what_the_client_says_of_proxies_makes_it_none() -> None:
    assert user("ada", "192.0.2.1", x_forwarded_for="10.0.0.1", forwarded="for=10.0.0.1") is None


@pytest.mark.parametrize("value", [None, "", " ", "eve, ada", ",", "a\x00b", "a\u202eb", "a" * 256, "a" * 5_000])
def test_what_is_no_user_is_nobody(value: str | None) -> None:
    assert user(value) is None


def test_header_of_another_spelling_is_another_header() -> None:
    assert user(None, remote_use="ada") is None
    assert HEADER.user(Request("POST", "", {"remote_user": "ada"}, "10.0.0.1")) is None


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("ada", "ada"),
        ("  Ada \t Lovelace ", "Ada Lovelace"),
        ("ada@example.org", "ada@example.org"),
        ("Zoë".encode().decode("latin-1"), "Zoë"),  # UTF-8, as headers are read
        ("Zo\xeb", "Zoë"),  # Latin-1
        ("ﬁ".encode().decode("latin-1"), "fi"),
        ("a" * MOST_CHARACTERS, "a" * MOST_CHARACTERS),
    ],
)
def test_name_has_one_form(value: str, name: str) -> None:
    assert user_of(value) == name


def test_capitals_make_nobody_else() -> None:
    one, other = user("ADA@Example.org"), user("ada@example.org")
    assert one is not None
    assert other is not None
    assert one.author == other.author


@given(st.text(st.characters(max_codepoint=0xFF), max_size=300))
def test_any_value_is_a_user_in_one_form_or_nobody(value: str) -> None:
    name = user_of(value)
    if name is not None:
        assert 1 <= len(name) <= MOST_CHARACTERS
        assert "," not in name
        assert user_of(name.encode().decode("latin-1")) == name
