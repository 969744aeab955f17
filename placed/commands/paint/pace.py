"""Says when the painter may send its next edit, and how long to wait after a failure. Arithmetic only.

`Charges` never counts more charges than the server has for us (the generic cell rate algorithm, as the server's
cooldown). `full_at` is the time when all charges would be back. It is never earlier than the server's, because every
answer comes after the server's decision. So if a charge is free here, the server doesn't refuse the edit, unless
somebody else spends from the same account; then the server's answers say so.

    n more edits may go:  full_at - now <= (charges - n - in flight) * charge_seconds,  in flight + n <= charges

`Patience` counts failures. Only the painter changes it and `Charges`. Times are seconds of any clock that doesn't jump;
the caller passes them. Pure: imports neither Trio nor anything of ours.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import random

FIRST_BACK_OFF_SECONDS = 0.25
_CLOCK_SECONDS = 0.002  # the server counts whole milliseconds, so it may be one behind, and a wait rounded
MAX_BACK_OFF_SECONDS = 15.0  # finds a restarted server within this time, without hammering it


@attrs.frozen
class Flight:
    """Edits on their way, in one request.

    Attributes:
        edits: the number of edits.
        sent_at: the time of sending.
        landed_before: the number of other edits that had landed by then.
    """

    edits: int
    sent_at: float
    landed_before: int


class Charges:
    """Our charges on the server as far as we know them, and the edits in flight.

    Args:
        charges: the most charges that stack up, at least 1.
        charge_seconds: the time until one charge comes back; 0 means no cooldown.
    """

    def __init__(self, charges: int, charge_seconds: float) -> None:
        self.charges = charges
        self.charge_seconds = charge_seconds
        self.in_flight = 0
        self._landed = 0
        self._full_at = -math.inf
        self._not_before = -math.inf

    def told(self, remaining: int, next_seconds: float, now: float) -> None:
        """Take the answer of `GET /info`: charges left, and seconds until one more. No edit of ours was in flight."""
        missing = max(0, self.charges - remaining)
        self._full_at = now + (0.0 if missing == 0 else (missing - 1) * self.charge_seconds + next_seconds)

    def wait_seconds(self, now: float) -> float:
        """How long to wait before sending one more edit; 0: not at all, inf: until one lands."""
        pause = self._not_before - now
        if self.charge_seconds > 0:
            if self.in_flight >= self.charges:
                return math.inf
            free_until_full = (self.charges - 1 - self.in_flight) * self.charge_seconds
            pause = max(pause, self._full_at + _CLOCK_SECONDS - now - free_until_full)
        return max(0.0, pause)

    def free(self, most: int, now: float) -> int:
        """How many more edits the painter may send now, at most `most`."""
        if self.wait_seconds(now) > 0:
            return 0
        if self.charge_seconds <= 0:
            return most
        owed_seconds = max(0.0, self._full_at + _CLOCK_SECONDS - now)
        return max(1, min(most, int(self.charges - self.in_flight - owed_seconds / self.charge_seconds)))

    def sent(self, edits: int, now: float) -> Flight:
        """Note that this many edits are now in flight, in one request."""
        self.in_flight += edits
        return Flight(edits, now, self._landed)

    def landed(self, flight: Flight, remaining: int | None, now: float) -> None:
        """Note that the server has admitted edits, or may have, by now.

        Args:
            flight: the edits.
            remaining: the charges left after them, from the answer; None if it doesn't say.
            now: the time.
        """
        others = self._landed - flight.landed_before
        self.in_flight -= flight.edits
        self._landed += flight.edits
        self._full_at = max(self._full_at, now) + flight.edits * self.charge_seconds
        if remaining is not None:
            # The server may have admitted the edits that landed meanwhile after these, and so not counted them here.
            latest = now + (self.charges - remaining + others) * self.charge_seconds
            earliest = flight.sent_at + (self.charges - remaining - 1) * self.charge_seconds
            # Fewer charges than even the earliest time explains: somebody shares our account, so take the latest.
            self._full_at = latest if self._full_at < earliest else min(self._full_at, latest)

    def refused(self, flight: Flight, retry_after_seconds: float, now: float) -> None:
        """Note that the server refused edits: no charge was spent, and as many may go in `retry_after_seconds`."""
        self.in_flight -= flight.edits
        until = now + retry_after_seconds
        self._not_before = max(self._not_before, until)
        self._full_at = max(self._full_at, until + (self.charges - flight.edits) * self.charge_seconds)

    def dropped(self, flight: Flight) -> None:
        """Note that the server refused edits for a reason other than the cooldown: no charge was spent."""
        self.in_flight -= flight.edits

    def seconds_for(self, edits: int, now: float) -> float:
        """The least time for that many edits, by the cooldown alone."""
        if self.charge_seconds <= 0 or edits <= 0:
            return 0.0
        return max(0.0, max(self._full_at, now) - now + (edits - self.charges) * self.charge_seconds)


class Patience:
    """How long to wait after each failure, and when to give up.

    Time counts only while something fails: the failing attempts and the waits after them. So a long cooldown
    between two failures doesn't use it up.

    Args:
        give_up_seconds: how long attempts may fail without a success in between; inf is for ever.
        rng: spreads the waits, so that many bots don't come back at the same moments.
    """

    def __init__(self, give_up_seconds: float, rng: random.Random) -> None:
        self.give_up_seconds = give_up_seconds
        self.failing = False
        self._rng = rng
        self._lost_seconds = 0.0
        self._next_seconds = FIRST_BACK_OFF_SECONDS

    def succeeded(self) -> None:
        """Forget the failures, because something worked."""
        self.failing = False
        self._lost_seconds = 0.0
        self._next_seconds = FIRST_BACK_OFF_SECONDS

    def failed(self, took_seconds: float, retry_after_seconds: float | None) -> float | None:
        """Note a failed attempt; return how long to wait before the next one, or None to give up.

        Args:
            took_seconds: how long the attempt took.
            retry_after_seconds: the wait that the server asked for, if it did. The painter obeys it, with some jitter
                added; if it is longer than the time left, giving up is the only polite way.
        """
        self.failing = True
        self._lost_seconds += took_seconds
        left = self.give_up_seconds - self._lost_seconds
        back_off = self._next_seconds * self._rng.uniform(0.5, 1.0)
        self._next_seconds = min(2 * self._next_seconds, MAX_BACK_OFF_SECONDS)
        asked = retry_after_seconds or 0.0
        if left <= 0 or asked > left:
            return None
        wait = asked + back_off if asked > back_off else min(back_off, left)
        self._lost_seconds += wait
        return wait
