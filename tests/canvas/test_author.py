"""Authors: one per client, where a client is an IPv4 address or an IPv6 /64."""

from __future__ import annotations

import hashlib
import ipaddress

from hypothesis import assume, given
from hypothesis import strategies as st

from placed.canvas.author import KEY_BYTES, author_of

KEY = bytes(range(KEY_BYTES))
_MAPPED = 0xFFFF  # the bits above an IPv4 address in IPv6 form
IPV6 = st.integers(0, 2**128 - 1).filter(lambda bits: bits >> 32 != _MAPPED).map(ipaddress.IPv6Address)


@given(IPV6, st.integers(0, 2**64 - 1))
def test_all_of_a_64_is_one_author(ip: ipaddress.IPv6Address, host: int) -> None:
    sibling = ipaddress.IPv6Address(int(ip) >> 64 << 64 | host)
    assume(sibling.ipv4_mapped is None)
    assert author_of(str(ip), KEY) == author_of(str(sibling), KEY)


@given(IPV6, IPV6)
def test_each_64_is_an_author_of_its_own(one: ipaddress.IPv6Address, other: ipaddress.IPv6Address) -> None:
    assert (author_of(str(one), KEY) == author_of(str(other), KEY)) is (int(one) >> 64 == int(other) >> 64)


@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_ipv4_addresses_are_authors_of_their_own(one: ipaddress.IPv4Address, other: ipaddress.IPv4Address) -> None:
    assert (author_of(str(one), KEY) == author_of(str(other), KEY)) is (one == other)


@given(st.ip_addresses(v=4))
def test_ipv4_address_in_ipv6_form_is_the_ipv4_address(ip: ipaddress.IPv4Address) -> None:
    assert author_of(f"::ffff:{ip}", KEY) == author_of(str(ip), KEY)


@given(st.ip_addresses(v=4), st.ip_addresses(v=6))
def test_author_is_eight_bytes(one: ipaddress.IPv4Address, other: ipaddress.IPv6Address) -> None:
    assert 0 <= author_of(str(one), KEY) < 2**64
    assert 0 <= author_of(str(other), KEY) < 2**64


def test_zone_and_spelling_do_not_matter() -> None:
    assert author_of("fe80::1%eth0", KEY) == author_of("FE80:0::1", KEY)


def test_whatever_is_no_address_is_one_author_and_no_addresss_author() -> None:
    assert author_of("", KEY) == author_of("unix:", KEY)
    assert author_of("", KEY) != author_of("0.0.0.0", KEY)


def test_ipv4_and_ipv6_with_the_same_bytes_differ() -> None:
    assert author_of("1.2.3.4", KEY) != author_of("102:304::", KEY)


def test_another_key_names_nobody_of_the_first() -> None:
    assert author_of("1.2.3.4", KEY) != author_of("1.2.3.4", bytes(KEY_BYTES))


def test_author_is_the_keyed_hash_that_stands_in_logs_already_written() -> None:
    digest = hashlib.blake2b(b"4\1\2\3\4", digest_size=8, key=KEY).digest()
    assert author_of("1.2.3.4", KEY) == int.from_bytes(digest, "little")
    digest = hashlib.blake2b(b"6\x20\1\x0d\xb8\0\0\0\1", digest_size=8, key=KEY).digest()
    assert author_of("2001:db8:0:1::5", KEY) == int.from_bytes(digest, "little")
