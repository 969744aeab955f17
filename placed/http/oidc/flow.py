"""The cookie that a browser takes along while its person signs in at a provider; all else is derived from it. Pure.

    flow = NAME "." ISSUED "." SECRET "." MAC    NAME: the provider's; ISSUED: whole seconds since the epoch
                                                 SECRET: 32 random bytes, MAC: 16 bytes of keyed BLAKE2b over the rest
    state, nonce, verifier = keyed BLAKE2b of SECRET, each with a purpose of its own

The provider sends `state` back through the browser. Only the browser with the cookie has both. So nobody is signed in
by following somebody else's link (login CSRF), and a stolen code is useless in another browser. The provider's name in
the cookie keeps one provider's answer from counting as another's. Without the server's key nobody can work out the
nonce or PKCE's verifier from the cookie.

The server stores nothing for a flow. So there may be any number of flows, and every server of a fleet can go on with
one.
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
SAFE_COOKIE: Final = f"__Host-{COOKIE}"  # over HTTPS: no other host can set it
FLOW_SECONDS: Final = 600  # the time to sign in at the provider, also with a second factor
_FUTURE_SECONDS: Final = 60  # by how much another server's clock may be ahead
_FLOW: Final = re.compile(r"([a-z0-9-]{1,32})\.([0-9]{1,12})\.([A-Za-z0-9_-]{43})", re.ASCII)


@attrs.frozen
class Flow:
    """One person's way to a provider and back.

    Attributes:
        name: the provider's name.
        issued_seconds: when the flow began, seconds since the epoch.
        secret: random; the other values are derived from it.
        key: the server's key.
    """

    name: str
    issued_seconds: int
    secret: str = attrs.field(repr=False)
    key: bytes = attrs.field(repr=False)

    @property
    def state(self) -> str:
        """The text that the provider sends back through the browser."""
        return _digest(self.secret, b"state", self.key)

    @property
    def nonce(self) -> str:
        """The text that the provider signs as a part of the ID token."""
        return _digest(self.secret, b"nonce", self.key)

    @property
    def verifier(self) -> str:
        """The text that proves to the provider that the server with the code has begun the flow (PKCE)."""
        return _digest(self.secret, b"verifier", self.key)

    @property
    def end_seconds(self) -> int:
        """When the flow ends, in seconds since the epoch."""
        return self.issued_seconds + FLOW_SECONDS

    @property
    def cookie(self) -> str:
        """The cookie's value."""
        text = f"{self.name}.{self.issued_seconds}.{self.secret}"
        return f"{text}.{_digest(text, b'flow', self.key, 16)}"


def new_flow(name: str, key: bytes, now_seconds: float) -> Flow:
    """A new flow, to the provider of this name."""
    return Flow(name, int(now_seconds), secrets.token_urlsafe(32), key)


def flow_of(cookie: str, key: bytes, now_seconds: float) -> Flow | None:
    """The flow of a cookie; None if this server's key didn't make the cookie, or the flow is over."""
    text, _, mac = cookie.rpartition(".")
    match = _FLOW.fullmatch(text)
    if match is None or not hmac.compare_digest(_digest(text, b"flow", key, 16).encode(), mac.encode()):
        return None
    flow = Flow(match[1], int(match[2]), match[3], key)
    is_current = -_FUTURE_SECONDS <= now_seconds - flow.issued_seconds < FLOW_SECONDS
    return flow if is_current else None


def is_state_of(flow: Flow, state: str) -> bool:
    """Whether the `state` that a provider sent back is this flow's."""
    return hmac.compare_digest(flow.state.encode(), state.encode())


def _digest(text: str, purpose: bytes, key: bytes, size: int = 32) -> str:
    digest = hashlib.blake2b(text.encode(), digest_size=size, key=key, person=purpose).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
