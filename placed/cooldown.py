"""Cooldown: charges that stack, counted per author.

An author has `charges` charges; one edit spends one, and one comes back every `charge_ms`. All that has to be kept of
an author is the moment when the last spent charge will be back, `full_ms` (the theoretical arrival time of the
generic cell rate algorithm, ITU-T I.371, annex A). With it,

    spend:    full_ms = max(full_ms, now) + charge_ms
    allowed:  full_ms after spending <= now + charges * charge_ms

Two counts are kept. `_logged` is a projection: it counts the edits read from the log, so that it is the same after a
restart and, but for the time that reading takes, on every server. `_admitted` counts what this server has let
through, from the moment of admission, so that requests in flight can't beat it. The later moment of the two is an
author's. Neither is ever later than if all charges had been spent just now: a clock that is set back locks nobody out.

Bounded: an author whose charges are all back is forgotten, when there are twice as many as at the last look; past
`MAX_AUTHORS` those who are nearest to that go first.
Pure, and has one writer: the Trio thread. Times are ms since the epoch.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_AUTHORS = 200_000  # about 25 MB; at 333 edits a second by different authors, 10 minutes of charges that are owed
_FEW_AUTHORS = 4_096  # 0.5 MB: so few aren't worth a look at who can be forgotten
# Where an author stood a window ago depends on what came before it: one who paints at the full rate never has a charge
# left, and would get all but one of them back by a restart. So a replay counts more than one window: whatever the last
# snapshot, at most a minute older, can lack. It isn't all of a long log, since each edit counted costs 0.2 us.
_LOOK_BACK_MS = 120_000


@attrs.frozen
class Rule:
    """How often an author may place an edit.

    Attributes:
        charges: how many stack, at least 1.
        charge_ms: how long one takes to come back; 0 switches the cooldown off.
    """

    charges: int = attrs.field(validator=attrs.validators.ge(1))
    charge_ms: int = attrs.field(validator=attrs.validators.ge(0))

    @property
    def window_ms(self) -> int:
        """After this long without an edit, an author has all charges back."""
        return self.charges * self.charge_ms


@attrs.frozen
class Standing:
    """What an author may do now.

    Attributes:
        remaining: charges left.
        next_ms: till one more is back; 0 when all are.
    """

    remaining: int
    next_ms: int


class Cooldowns:
    """Every author's charges under one rule."""

    def __init__(self, rule: Rule, *, max_authors: int = MAX_AUTHORS) -> None:
        self.rule = rule
        self._max_authors = max_authors
        self._logged = _Debts()
        self._admitted = _Debts()

    def standing(self, author: int, now_ms: int) -> Standing:
        """What `author` may do at `now_ms`."""
        rule = self.rule
        if not rule.charge_ms:
            return Standing(rule.charges, 0)
        owed_ms = max(0, self._full_ms(author, now_ms) - now_ms)
        spent = -(-owed_ms // rule.charge_ms)
        return Standing(rule.charges - spent, owed_ms - (spent - 1) * rule.charge_ms if spent else 0)

    def wait_ms(self, author: int, now_ms: int, count: int) -> int:
        """How long from `now_ms` till `author` has `count` charges, which is at most all of them."""
        rule = self.rule
        owed_ms = max(0, self._full_ms(author, now_ms) - now_ms)
        return max(0, owed_ms + count * rule.charge_ms - rule.window_ms)

    def admit(self, author: int, now_ms: int, count: int = 1) -> bool:
        """Spend `count` charges, and say whether there were as many. A refusal changes nothing."""
        if not self.rule.charge_ms:
            return True
        full_ms = max(self._full_ms(author, now_ms), now_ms) + count * self.rule.charge_ms
        if full_ms > now_ms + self.rule.window_ms:
            return False
        self._admitted[author] = full_ms
        self._admitted.forget(now_ms, self._max_authors)
        return True

    def give_back(self, author: int, count: int = 1) -> None:
        """Undo one admission whose `count` edits are certain not to be in the log."""
        if author in self._admitted:
            self._admitted[author] -= count * self.rule.charge_ms

    def count(self, authors: NDArray[np.uint64], times_ms: NDArray[np.int64], now_ms: int) -> None:
        """Count edits read from the log: n authors, and the log's time of each, ascending, both of shape (n,).

        Those from more than two minutes and a window ago are left out.
        """
        if not self.rule.charge_ms:
            return
        begin_ms = now_ms - self.rule.window_ms - _LOOK_BACK_MS
        recent = int(np.searchsorted(times_ms, begin_ms, side="right"))
        # A log whose time stands still until a clock that was set back has caught up, or a broker's, may be ahead.
        times_ms = np.minimum(times_ms, now_ms)
        for author, time_ms in zip(authors[recent:].tolist(), times_ms[recent:].tolist(), strict=True):
            full_ms = max(self._logged.get(author, 0), time_ms) + self.rule.charge_ms
            self._logged[author] = min(full_ms, time_ms + self.rule.window_ms)
        if len(times_ms):
            # In a replay what is over by now still counts for the next record, which is from before now.
            self._logged.forget(min(now_ms, int(times_ms[-1])), self._max_authors)

    def save(self, now_ms: int) -> NDArray[np.void]:
        """The projection, for a snapshot: dtype `SAVED`, shape (authors,), of those who have spent charges."""
        live = [item for item in self._logged.items() if item[1] > now_ms]
        return np.array(live, SAVED)

    def load(self, saved: NDArray[np.void], now_ms: int) -> None:
        """Begin with what `save` gave, perhaps under another rule: nobody waits longer than this rule makes them."""
        latest = now_ms + self.rule.window_ms
        full = np.minimum(saved["full_ms"], latest).tolist()
        self._logged = _Debts(zip(saved["author"].tolist(), full, strict=True))
        self._logged.forget(now_ms, self._max_authors)

    def _full_ms(self, author: int, now_ms: int) -> int:
        """When all charges are back; a later moment than spending them all now would make it is of a clock that was
        set back since, and is moved, so that it comes nearer."""
        full_ms = max(self._logged.get(author, 0), self._admitted.get(author, 0))
        latest_ms = now_ms + self.rule.window_ms
        if full_ms <= latest_ms:
            return full_ms
        for debts in (self._logged, self._admitted):
            if debts.get(author, 0) > latest_ms:
                debts[author] = latest_ms
        return latest_ms


class _Debts(dict[int, int]):
    """`full_ms` of each author who owes charges, or did."""

    _crowd = _FEW_AUTHORS

    def forget(self, now_ms: int, most: int) -> None:
        """Forget those who owe nothing at `now_ms`, when it's worth a look, and beyond `most` those who owe least."""
        if len(self) <= min(self._crowd, most):
            return
        keep = [item for item in self.items() if item[1] > now_ms]
        if len(self) > most:
            # Down to three quarters, so that a flood of authors pays for this once in 50,000 edits. Nearly in order
            # already they are sorted in 20 ms; a heap of the largest takes 1 s.
            keep.sort(key=itemgetter(1))
            keep = keep[-(most * 3 // 4) :]
        self.clear()
        self.update(keep)
        self._crowd = max(_FEW_AUTHORS, 2 * len(keep))


SAVED = np.dtype([("author", "<u8"), ("full_ms", "<i8")])
