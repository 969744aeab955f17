"""Signs sessions, which show that a browser's person has signed in, and reads them without asking the store.

    a session = AUTHOR.ISSUED.SIGNATURE     16 hex digits, ms since the epoch, 43 characters of base64url

The signature is itsdangerous' HMAC of SHA-256. Its key comes from the author key, so servers with the same author key
take each other's sessions, and a new author key ends all of them. A session names only an author: names and roles are
in the store, so that they can change while the session lives.

A session is valid as long as its signature is ours, it is younger than `life_ms`, and nobody has ended it. One moment
for each author (`revoked`) ends their sessions: all that were issued up to then are over. Each session has only one
spelling, so nobody can make two out of one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import attrs
from itsdangerous import Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DAY_MS: Final = 86_400_000
_KNOWN: Final = 8_192  # sessions with a checked signature, about 3 MB; to check another one takes 10 us
_FUTURE_MS: Final = 60_000  # by how much another server's clock may be ahead
_SESSION = re.compile(r"([0-9a-f]{16})\.([0-9]{1,14})\.[0-9A-Za-z_-]{43}", re.ASCII)


class _Forged(Exception):
    """The text isn't one of our sessions."""


@attrs.frozen
class Session:
    """A session with our signature.

    Attributes:
        author: the person's author.
        issued_ms: when it was issued, in ms since the epoch.
    """

    author: int
    issued_ms: int


class Sessions:
    """The sessions of one canvas.

    Args:
        author_key: the secret key of the authors.
        revoked: author -> the ms since the epoch up to which their sessions are ended; may change at any time.
        life_ms: how long a session lives.
        now_ms: the wall clock.
    """

    def __init__(
        self,
        author_key: bytes,
        revoked: Mapping[int, int],
        life_ms: int,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        key = hashlib.blake2b(digest_size=32, key=author_key, person=b"session").digest()
        self._signer = Signer(key, key_derivation="none", digest_method=hashlib.sha256)
        self._revoked = revoked
        self._now_ms = now_ms
        self.life_ms = life_ms
        # The cache never keeps an error: so nobody can push our sessions out of it with made-up ones.
        self._signed = lru_cache(maxsize=_KNOWN)(self._read)

    def begin(self, author: int) -> str:
        """A new session of the person with this author."""
        # If a server whose clock is ahead has just ended this person's sessions, this one would be over at once.
        issued_ms = max(self._now_ms(), self._revoked.get(author, 0) + 1)
        return self._sign(f"{author:016x}.{issued_ms}")

    def find(self, text: str) -> Session | None:
        """The session in `text`; None if the text is no session of ours, or the session isn't valid any more."""
        try:
            session = self._signed(text)
        except _Forged:
            return None
        return session if self.holds(session) else None

    def is_half_over(self, session: Session) -> bool:
        """Whether half of the session's life is over, so that it's time for a new one."""
        return self._now_ms() - session.issued_ms > self.life_ms // 2

    def holds(self, session: Session) -> bool:
        """Whether a session that `find` returned is still valid."""
        age_ms = self._now_ms() - session.issued_ms
        is_ended = session.issued_ms <= self._revoked.get(session.author, -1)
        return -_FUTURE_MS <= age_ms < self.life_ms and not is_ended

    def _read(self, text: str) -> Session:
        match = _SESSION.fullmatch(text)
        # Sign it anew and compare the texts: itsdangerous' own check takes several spellings of one signature.
        if match is None or not hmac.compare_digest(self._sign(f"{match[1]}.{match[2]}"), text):
            raise _Forged
        return Session(int(match[1], 16), int(match[2]))

    def _sign(self, value: str) -> str:
        return self._signer.sign(value).decode()
