"""What a browser takes along while its person signs in at a provider: a cookie, from which all else is derived. Pure.

    flow = NAME "." ISSUED "." SECRET "." MAC    NAME: the provider's; ISSUED: whole seconds since the epoch
                                                 SECRET: 32 random bytes, MAC: 16 bytes of keyed BLAKE2b over the rest
    state, nonce, verifier = keyed BLAKE2b of SECRET, each with a purpose of its own

The provider sends `state` back by the browser. Only the browser that has the cookie can bring the two together: so
nobody is signed in by following somebody else's link (login CSRF), and a code that was stolen is of no use elsewhere.
The name in it keeps one provider's answer from being taken for another's. Without the server's key neither nonce nor
PKCE's verifier can be told from the cookie.

Nothing is kept for a flow, so there may be any number of them, and every server of a fleet can go on with it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import Final

import attrs

COOKIE: Final = "placed-oidc"
SAFE_COOKIE: Final = f"__Host-{COOKIE}"  # over HTTPS: no other host can plant it
FLOW_SECONDS: Final = 600  # to sign in over there, also by a second factor
_FUTURE_SECONDS: Final = 60  # by how much another server's clock may be ahead
_FLOW: Final = re.compile(r"([a-z0-9-]{1,32})\.([0-9]{1,12})\.([A-Za-z0-9_-]{43})", re.ASCII)


@attrs.frozen
class Flow:
    """One person's way to a provider and back.

    Attributes:
        name: the provider's.
        issued_seconds: when it began, since the epoch.
        secret: random; the rest is derived from it.
        key: the server's.
    """

    name: str
    issued_seconds: int
    secret: str = attrs.field(repr=False)
    key: bytes = attrs.field(repr=False)

    @property
    def state(self) -> str:
        """What the provider gives back to us, by the browser."""
        return _digest(self.secret, b"state", self.key)

    @property
    def nonce(self) -> str:
        """What the provider signs along."""
        return _digest(self.secret, b"nonce", self.key)

    @property
    def verifier(self) -> str:
        """What shows the provider that who has the code has begun the flow (PKCE)."""
        return _digest(self.secret, b"verifier", self.key)

    @property
    def end_seconds(self) -> int:
        """When it is over."""
        return self.issued_seconds + FLOW_SECONDS

    @property
    def cookie(self) -> str:
        """The cookie's value."""
        text = f"{self.name}.{self.issued_seconds}.{self.secret}"
        return f"{text}.{_digest(text, b'flow', self.key, 16)}"


def new_flow(name: str, key: bytes, now_seconds: float) -> Flow:
    """A new one, to the provider of this name."""
    return Flow(name, int(now_seconds), secrets.token_urlsafe(32), key)


def flow_of(cookie: str, key: bytes, now_seconds: float) -> Flow | None:
    """The flow that a cookie is; None if it is none of ours, or over."""
    text, _, mac = cookie.rpartition(".")
    match = _FLOW.fullmatch(text)
    if match is None or not hmac.compare_digest(_digest(text, b"flow", key, 16).encode(), mac.encode()):
        return None
    flow = Flow(match[1], int(match[2]), match[3], key)
    is_current = -_FUTURE_SECONDS <= now_seconds - flow.issued_seconds < FLOW_SECONDS
    return flow if is_current else None


def is_state_of(flow: Flow, state: str) -> bool:
    """Whether what a provider gave back is this flow's."""
    return hmac.compare_digest(flow.state.encode(), state.encode())


def _digest(text: str, purpose: bytes, key: bytes, size: int = 32) -> str:
    digest = hashlib.blake2b(text.encode(), digest_size=size, key=key, person=purpose).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
