"""Makes codes, tokens and host links, which let people in. Pure, but for the system's random numbers.

People copy codes from paper by hand. So a code has 12 characters in groups of four, of an alphabet in which no two look
alike (as in Crockford's base 32, which has no i, l, o and u). That is 60 bits: at a thousand guesses a second, the
first of 600 codes is found after some ten thousand years.
"""

from __future__ import annotations

import base64
import secrets
from typing import Final

from placed.people.secrets import PREFIX

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_GROUPS, _GROUP = 3, 4
_BATCH_CHARACTERS: Final = 4
_TOKEN_BYTES: Final = 20  # 160 bits, as 32 characters of base 32
_SECRET_BYTES: Final = 20
_ID_CHARACTERS: Final = 8


def new_code() -> str:
    """A code, such as `k7qm-3xt9-0abc`."""
    return "-".join(_random(_GROUP) for _ in range(_GROUPS))


def new_token() -> str:
    """A token, `pt_` and 32 characters."""
    return PREFIX + base64.b32encode(secrets.token_bytes(_TOKEN_BYTES)).decode().lower()


def new_secret() -> str:
    """The secret of a host link."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode().lower()


def new_id() -> str:
    """An id for a token; hosts name the token by it."""
    return _random(_ID_CHARACTERS)


def new_numbers(count: int) -> list[str]:
    """The numbers of `count` new codes, such as `7kq2-001`, in order; their batch has a random name."""
    batch = _random(_BATCH_CHARACTERS)
    return [f"{batch}-{number:0{len(str(count))}}" for number in range(1, count + 1)]


def code_link(address: str, code: str) -> str:
    """The link that signs in with a code; browsers don't send the part behind `#`, so no server logs the code."""
    return f"{address.rstrip('/')}/#code={code}"


def host_link(address: str, secret: str) -> str:
    """The link that makes somebody a host."""
    return f"{address.rstrip('/')}/#host={secret}"


def _random(characters: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(characters))
