"""Limits the attempts to get in: wrong words and codes, new people, uses of one code, and changes of a name.

A right code is never refused because of other attempts from its address: 600 pupils may share one address, and codes
are too long to be guessed. The word for all can be guessed. So an address that has tried too many wrong words waits,
even with the right word. All counts are bounded and in memory, and a restart forgets them. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from placed.canvas.author import client_of
from placed.http.answer import Problem, retry_after
from placed.http.client_address import is_inside
from placed.http.window_limit import WindowLimit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placed.http.client_address import Network

WRONG_A_MINUTE: Final = 60  # for an address: a class that mistypes; to guess one of 10,000 words takes 3 hours
AGAIN_A_MINUTE: Final = 10  # uses of a code, or new names of a person: each is a write to the disk
_MINUTE_SECONDS: Final = 60.0
_HOUR_SECONDS: Final = 3_600.0


@attrs.frozen
class Attempts:
    """The attempts at one server.

    Attributes:
        people: how many new people may come from one address in an hour; 0 is no limit.
        unlimited: networks without that limit. A client without an IP address, as behind a Unix socket, has none.
    """

    people: int = 60
    unlimited: Sequence[Network] = ()
    _wrong: WindowLimit = attrs.field(factory=lambda: WindowLimit(WRONG_A_MINUTE, _MINUTE_SECONDS), init=False)
    _again: WindowLimit = attrs.field(factory=lambda: WindowLimit(AGAIN_A_MINUTE, _MINUTE_SECONDS), init=False)
    _new: WindowLimit = attrs.field(
        default=attrs.Factory(lambda self: WindowLimit(self.people, _HOUR_SECONDS), takes_self=True), init=False
    )

    def check_guess(self, address: str, now_seconds: float) -> None:
        """Check that the address may guess; `wrong` then counts a wrong guess.

        Raises:
            Problem: 429, the address has had too many wrong guesses.
        """
        wait = self._wrong.wait_seconds(client_of(address) or b"", now_seconds)
        if wait:
            raise _too_many_attempts(f"your address has tried {WRONG_A_MINUTE} wrong ones within a minute", wait)

    def wrong(self, address: str, now_seconds: float) -> None:
        """Count a wrong guess.

        Raises:
            Problem: 429, the address has had too many wrong guesses.
        """
        self.check_guess(address, now_seconds)
        self._wrong.take(client_of(address) or b"", now_seconds)

    def again(self, key: bytes, what: str, now_seconds: float) -> None:
        """Count another write for a code or a person.

        Raises:
            Problem: 429, there were too many writes.
        """
        wait = self._again.take(key, now_seconds)
        if wait:
            raise _too_many_attempts(f"{what} {AGAIN_A_MINUTE} times within a minute", wait)

    def new_person(self, address: str, now_seconds: float) -> None:
        """Count a new person; `no_person` takes the count back.

        Raises:
            Problem: 429, the address has had as many new people as it may.
        """
        client = self._limited(address)
        wait = self._new.take(client, now_seconds) if client is not None else 0.0
        if wait:
            detail = f"{self.people} new people have come from your address within an hour, which is the limit; wait"
            raise Problem(429, "too-many-people", detail, retry_after(wait), retry_after_seconds=wait)

    def no_person(self, address: str) -> None:
        """Take back the count of a new person who then couldn't be added."""
        client = self._limited(address)
        if client is not None:
            self._new.give_back(client)

    def _limited(self, address: str) -> bytes | None:
        return None if is_inside(address, self.unlimited) else client_of(address)


def _too_many_attempts(why: str, wait: float) -> Problem:
    return Problem(429, "too-many-attempts", f"{why}; wait", retry_after(wait), retry_after_seconds=wait)
