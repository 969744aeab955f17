"""Turns the text of a code, a token or a host link into its digest, the only thing of it that is kept. Pure.

A digest is keyed by the author key, so who reads the people store can't try codes out, and each kind has digests of its
own. People copy codes from paper: capitals, spaces and hyphens make no other code, nor does an O for a 0, or an I or L
for a 1, which no code has.
"""

from __future__ import annotations

import hashlib
from typing import Final

DIGEST_BYTES: Final = 16
PREFIX: Final = "pt_"  # of a token: people and scanners of repositories know one by it
_LOOK_ALIKES: Final = str.maketrans("oil", "011")
MOST_CHARACTERS: Final = 64  # of any of them, as typed; ours have 36 at the most


def code_digest(text: str, key: bytes) -> bytes:
    """The digest of a code, as somebody typed it; `key` is the author key."""
    letters = "".join(letter for letter in text.casefold() if letter.isalnum())
    return _digest(b"code", letters.translate(_LOOK_ALIKES), key)


def token_digest(text: str, key: bytes) -> bytes:
    """The digest of a token."""
    return _digest(b"token", text, key)


def host_link_digest(text: str, key: bytes) -> bytes:
    """The digest of a host link's secret, which is what stands behind `#host=`."""
    return _digest(b"host-link", text, key)


def _digest(kind: bytes, text: str, key: bytes) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(raw, digest_size=DIGEST_BYTES, key=key, person=kind).digest()
