"""Turns an address or a person into an author, an 8-byte keyed hash. The key stays on the server, so nobody can tell
from the log who painted. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
from functools import lru_cache

KEY_BYTES = 32
_KNOWN = 4_096  # addresses; an address that places an edit places many
_PERSON = b"person"  # BLAKE2's personalisation, so that nobody can choose an id that has an address's author


@lru_cache(maxsize=_KNOWN)
def author_of(address: str, key: bytes) -> int:
    """The author, 0 to 2**64 - 1, for a client's IP address.

    IPv6 clients count per /64, since one client can choose any address in it; an IPv4 address in IPv6 form
    is the IPv4 address. All texts that aren't an IP address (a Unix socket's peer) are one author.

    Args:
        address: the address as text, with or without an IPv6 zone.
        key: `KEY_BYTES` secret bytes.
    """
    digest = hashlib.blake2b(client_of(address) or b"unknown", digest_size=8, key=key).digest()
    return int.from_bytes(digest, "little")


def author_of_person(person_id: str, key: bytes) -> int:
    """The author, 0 to 2**64 - 1, for a person who signed in, in any way.

    Args:
        person_id: the person's id in the people store.
        key: `KEY_BYTES` secret bytes.
    """
    digest = hashlib.blake2b(person_id.encode(), digest_size=8, key=key, person=_PERSON).digest()
    return int.from_bytes(digest, "little")


def client_of(address: str) -> bytes | None:
    """The part that all addresses of one client share, as `author_of` says; None if `address` isn't an IP address."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            return b"6" + ip.packed[:8]
        ip = ip.ipv4_mapped
    return b"4" + ip.packed
