"""Turns the text of a code, a token or a host link into its digest; the store keeps only the digest. Pure.

The author key is the key of all digests, so somebody who reads the people store can't try codes out. Each kind has
digests of its own. People copy codes from paper: capitals, spaces and hyphens make no difference, nor does an O for a
0, or an I or L for a 1; no code has these letters.
"""

from __future__ import annotations

import hashlib
from typing import Final

DIGEST_BYTES: Final = 16
PREFIX: Final = "pt_"  # of a token: people and scanners of repositories recognise a token by it
_LOOK_ALIKES: Final = str.maketrans("oil", "011")
MOST_CHARACTERS: Final = 64  # of a typed code, token or secret; ours have at most 36


def code_digest(text: str, key: bytes) -> bytes:
    """The digest of a code, as somebody typed it; `key` is the author key."""
    letters = "".join(letter for letter in text.casefold() if letter.isalnum())
    return _digest(b"code", letters.translate(_LOOK_ALIKES), key)


def token_digest(text: str, key: bytes) -> bytes:
    """The digest of a token."""
    return _digest(b"token", text, key)


def host_link_digest(text: str, key: bytes) -> bytes:
    """The digest of a host link's secret, the text behind `#host=`."""
    return _digest(b"host-link", text, key)


def _digest(kind: bytes, text: str, key: bytes) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(raw, digest_size=DIGEST_BYTES, key=key, person=kind).digest()
