"""Says when the painter may send its next edit, and how long to wait after a failure. Arithmetic only.

`Charges` never has more charges than the server's own account of us (the generic cell rate algorithm, as the server's
cooldown). `full_at`, the time at which all charges would be back, is never earlier than the server's, because every
answer comes after the decision that it tells. So the server doesn't refuse an edit for which a charge is free here,
unless somebody else spends from the same account; then the answers tell.

    n more edits may go:  full_at - now <= (charges - n - in flight) * charge_seconds,  in flight + n <= charges

`Patience` counts failures. It and `Charges` have one writer each, the painter. Times are seconds of any clock that
doesn't jump, given by the caller. Pure: imports neither Trio nor anything of ours.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import random

FIRST_BACK_OFF_SECONDS = 0.25
_CLOCK_SECONDS = 0.002  # the server counts whole milliseconds, so it may be one behind, and a wait rounded
MAX_BACK_OFF_SECONDS = 15.0  # a restarted server is found again within this, and not hammered meanwhile


@attrs.frozen
class Flight:
    """Edits on their way, in one request.

    Attributes:
        edits: how many.
        sent_at: when they were sent.
        landed_before: how many others had landed by then.
    """

    edits: int
    sent_at: float
    landed_before: int


class Charges:
    """Our charges on the server as far as we know them, and the edits in flight.

    Args:
        charges: how many stack up, at least 1.
        charge_seconds: how long one takes to come back; 0 means no cooldown.
    """

    def __init__(self, charges: int, charge_seconds: float) -> None:
        self.charges = charges
        self.charge_seconds = charge_seconds
        self.in_flight = 0
        self._landed = 0
        self._full_at = -math.inf
        self._not_before = -math.inf

    def told(self, remaining: int, next_seconds: float, now: float) -> None:
        """`GET /info` told the charges left, and when one more is back; nothing of ours was in flight."""
        missing = max(0, self.charges - remaining)
        self._full_at = now + (0.0 if missing == 0 else (missing - 1) * self.charge_seconds + next_seconds)

    def wait_seconds(self, now: float) -> float:
        """How long to wait before one more edit is sent; 0: not at all, inf: until one lands."""
        pause = self._not_before - now
        if self.charge_seconds > 0:
            if self.in_flight >= self.charges:
                return math.inf
            free_until_full = (self.charges - 1 - self.in_flight) * self.charge_seconds
            pause = max(pause, self._full_at + _CLOCK_SECONDS - now - free_until_full)
        return max(0.0, pause)

    def free(self, most: int, now: float) -> int:
        """How many more edits may be sent now, at most `most`."""
        if self.wait_seconds(now) > 0:
            return 0
        if self.charge_seconds <= 0:
            return most
        owed_seconds = max(0.0, self._full_at + _CLOCK_SECONDS - now)
        return max(1, min(most, int(self.charges - self.in_flight - owed_seconds / self.charge_seconds)))

    def sent(self, edits: int, now: float) -> Flight:
        """That many edits are now in flight, in one request."""
        self.in_flight += edits
        return Flight(edits, now, self._landed)

    def landed(self, flight: Flight, remaining: int | None, now: float) -> None:
        """Edits were, or may have been, admitted, at the latest now.

        Args:
            flight: the edits.
            remaining: the charges that the answer says were left after them; None when it doesn't say.
            now: the time.
        """
        others = self._landed - flight.landed_before
        self.in_flight -= flight.edits
        self._landed += flight.edits
        self._full_at = max(self._full_at, now) + flight.edits * self.charge_seconds
        if remaining is not None:
            # Those that landed meanwhile may have been admitted after these, and not be in their count.
            latest = now + (self.charges - remaining + others) * self.charge_seconds
            earliest = flight.sent_at + (self.charges - remaining - 1) * self.charge_seconds
            # Emptier than even the earliest allows: somebody shares our account, and only the latest is safe.
            self._full_at = latest if self._full_at < earliest else min(self._full_at, latest)

    def refused(self, flight: Flight, retry_after_seconds: float, now: float) -> None:
        """Edits were refused; nothing was spent, and as many may go in `retry_after_seconds`."""
        self.in_flight -= flight.edits
        until = now + retry_after_seconds
        self._not_before = max(self._not_before, until)
        self._full_at = max(self._full_at, until + (self.charges - flight.edits) * self.charge_seconds)

    def dropped(self, flight: Flight) -> None:
        """Edits were refused, whenever they had been sent; nothing was spent."""
        self.in_flight -= flight.edits

    def seconds_for(self, edits: int, now: float) -> float:
        """How long that many edits take at the least, for the cooldown alone."""
        if self.charge_seconds <= 0 or edits <= 0:
            return 0.0
        return max(0.0, max(self._full_at, now) - now + (edits - self.charges) * self.charge_seconds)


class Patience:
    """How long to wait after each failure, and when to give up.

    Time counts only while something fails: the failing attempts and the waits after them. So a long cooldown
    between two failures doesn't use it up.

    Args:
        give_up_seconds: how long attempts may fail without one success between; inf is for ever.
        rng: spreads the waits, so that many bots don't come back in step.
    """

    def __init__(self, give_up_seconds: float, rng: random.Random) -> None:
        self.give_up_seconds = give_up_seconds
        self.failing = False
        self._rng = rng
        self._lost_seconds = 0.0
        self._next_seconds = FIRST_BACK_OFF_SECONDS

    def succeeded(self) -> None:
        """Something worked: forget the failures."""
        self.failing = False
        self._lost_seconds = 0.0
        self._next_seconds = FIRST_BACK_OFF_SECONDS

    def failed(self, took_seconds: float, retry_after_seconds: float | None) -> float | None:
        """An attempt failed; how long to wait before the next one, or None: give up.

        Args:
            took_seconds: how long the attempt took.
            retry_after_seconds: how long the server asked to wait, if it did. It is obeyed, with some jitter
                added, or it is more than is left, and then giving up is the only polite way.
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
