"""Counts each author's charges: an edit spends one, and charges come back with time.

An author has `charges` charges; one edit spends one, and one comes back every `charge_ms`. The server keeps only one
number for an author: `full_ms`, the moment when the last spent charge will be back (the theoretical arrival time of the
generic cell rate algorithm, ITU-T I.371, annex A). With it,

    spend:    full_ms = max(full_ms, now) + charge_ms
    allowed:  full_ms after spending <= now + charges * charge_ms

There are two counts. `_logged` is a projection: it counts the edits read from the log, so it is the same after a
restart and, but for the time that reading takes, on every server. `_admitted` counts the edits that this server has let
through, from the moment of admission, so that requests in flight can't beat it. The later moment of the two is the
author's. Neither is ever later than if all charges had been spent just now: a clock that is set back locks nobody out.

A restart gives nothing back. A replay that counts every edit since the log's beginning, or since a snapshot, makes the
very `full_ms` that an uninterrupted server has. Of a long log it counts the last half hour at least, from a moment B
on, and doesn't know what came before. But nobody can have owed more than all charges then, so it begins as if everybody
had: `full_ms` = B + window. `spend` never makes an earlier `full_ms` out of a later one, so the count stays at or above
the true one, for good. And it is the true one

    - for whoever hasn't painted since B: all is back by now, as B is more than a window ago;
    - from the first moment at which the count has all charges back, since the true one has, too;
    - with one charge, from the first edit on: then full_ms = now + charge_ms, whatever it was before.

Only those differ who have painted on without such a pause ever since B, at more than three quarters of the pace that
the rule allows: they may have up to all but one charge less than before, and can go on at that pace all the same.

Bounded: the server forgets an author whose charges are all back, when there are twice as many authors as at the last
look. Past `MAX_AUTHORS` it forgets those first who are nearest to that. Pure, and has one writer: the Trio thread.
Times are ms since the epoch.

A host may have given some authors another rule, as bots: `rules`. Their debts are counted by their own rule, all else
is the same. When an author's rule changes, they owe for as long as before, and never more than their new window.
"""

from __future__ import annotations

from itertools import compress, islice
from typing import TYPE_CHECKING, Protocol

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

MAX_AUTHORS = 200_000  # about 25 MB; at 333 edits a second by different authors, 10 minutes of charges that are owed
_FEW_AUTHORS = 4_096  # 0.5 MB: so few aren't worth a look at who can be forgotten
# How far back a replay counts, at least, and in windows of the rule. Each edit counted costs 0.5 us: half an hour of
# 333 edits a second takes 0.3 s. Four windows, so that only who paints at over 3/4 of the full pace may lose by it.
_LOOK_BACK_MS = 1_800_000
_LOOK_BACK_WINDOWS = 4
_SAVED_AT_ONCE = 8_192  # authors; 0.6 ms, then others have a turn


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


class Rules(Protocol):
    """Which rule holds for whom."""

    def of(self, author: int) -> Rule | None:
        """The author's own rule; None where it's everybody's."""

    @property
    def longest_ms(self) -> int:
        """The longest window of all rules."""


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
    """Every author's charges.

    Args:
        rule: holds for everybody for whom `rules` has no other.
        rules: None where there are no others.
        max_authors: whose debts are kept.
        look_back_ms: how far back edits are counted, at least.

    Attributes:
        rule: see above.
    """

    def __init__(
        self,
        rule: Rule,
        rules: Rules | None = None,
        *,
        max_authors: int = MAX_AUTHORS,
        look_back_ms: int = _LOOK_BACK_MS,
    ) -> None:
        self.rule = rule
        self._rules = rules
        self._max_authors = max_authors
        longest_ms = max(rule.window_ms, 0 if rules is None else rules.longest_ms)
        self._look_back_ms = max(look_back_ms, _LOOK_BACK_WINDOWS * longest_ms)
        self._longest_ms = longest_ms
        self._unknown_until_ms: int | None = None  # there were edits up to then that have been left out
        self._counted_ms = 0
        self._logged = _Debts()
        self._admitted = _Debts()

    @property
    def look_back_ms(self) -> int:
        """How far back edits are counted; that there were older ones is all that matters of those."""
        return self._look_back_ms

    def rule_of(self, author: int) -> Rule:
        """The rule that holds for `author`."""
        return self.rule if self._rules is None else self._rules.of(author) or self.rule

    def standing(self, author: int, now_ms: int) -> Standing:
        """What `author` may do at `now_ms`."""
        rule = self.rule_of(author)
        if not rule.charge_ms:
            return Standing(rule.charges, 0)
        owed_ms = max(0, self._full_ms(author, now_ms, rule) - now_ms)
        spent = -(-owed_ms // rule.charge_ms)
        return Standing(rule.charges - spent, owed_ms - (spent - 1) * rule.charge_ms if spent else 0)

    def wait_ms(self, author: int, now_ms: int, count: int) -> int:
        """How long from `now_ms` till `author` has `count` charges, which is at most all of them."""
        rule = self.rule_of(author)
        owed_ms = max(0, self._full_ms(author, now_ms, rule) - now_ms)
        return max(0, owed_ms + count * rule.charge_ms - rule.window_ms)

    def admit(self, author: int, now_ms: int, count: int = 1) -> bool:
        """Spend `count` charges, and say whether there were as many. A refusal changes nothing."""
        rule = self.rule_of(author)
        if not rule.charge_ms:
            return True
        full_ms = max(self._full_ms(author, now_ms, rule), now_ms) + count * rule.charge_ms
        if full_ms > now_ms + rule.window_ms:
            return False
        self._admitted[author] = full_ms
        self._admitted.forget(now_ms, self._max_authors)
        return True

    def give_back(self, author: int, count: int = 1) -> None:
        """Undo one admission whose `count` edits are certain not to be in the log."""
        if author in self._admitted:
            self._admitted[author] -= count * self.rule_of(author).charge_ms

    def count(self, authors: NDArray[np.uint64], times_ms: NDArray[np.int64], now_ms: int) -> None:
        """Count edits read from the log: n authors, and the log's time of each, ascending, both of shape (n,).

        Those from more than half an hour and four windows ago are left out, as the module says.
        """
        if not self._longest_ms or not len(times_ms):
            return
        recent = self._leave_out(times_ms, now_ms)
        # A log whose time stands still until a clock that was set back has caught up, or a broker's, may be ahead.
        authors, times_ms = authors[recent:], np.minimum(times_ms[recent:], now_ms)
        if self._rules is None:
            self._count_by(self.rule, authors, times_ms)
        else:
            owners = authors.tolist()
            rules = {author: self.rule_of(author) for author in set(owners)}
            for rule in dict.fromkeys(rules.values()):  # each author's edits stay in their order
                theirs = np.array([rules[author] == rule for author in owners], bool)
                self._count_by(rule, authors[theirs], times_ms[theirs])
        if len(times_ms):
            # In a replay what is over by now still counts for the next record, which is from before now.
            self._counted_ms = int(times_ms[-1])
            self._logged.forget(min(now_ms, self._counted_ms), self._max_authors)

    def _count_by(self, rule: Rule, authors: NDArray[np.uint64], times_ms: NDArray[np.int64]) -> None:
        if not rule.charge_ms:
            return
        charge_ms, window_ms, logged = rule.charge_ms, rule.window_ms, self._logged
        unknown_full_ms = 0 if self._unknown_until_ms is None else self._unknown_until_ms + window_ms
        least_ms = np.maximum(times_ms, unknown_full_ms)
        for author, time_ms, from_ms in zip(authors.tolist(), times_ms.tolist(), least_ms.tolist(), strict=True):
            logged[author] = min(max(logged.get(author, 0), from_ms) + charge_ms, time_ms + window_ms)

    def _leave_out(self, times_ms: NDArray[np.int64], now_ms: int) -> int:
        """How many of the edits are too old to be counted; they may have been anybody's, and all that there were."""
        begin_ms = now_ms - self._look_back_ms
        old = int(np.searchsorted(times_ms, begin_ms, side="right"))
        if old:
            self._unknown_until_ms = max(self._unknown_until_ms or begin_ms, begin_ms)
        if self._unknown_until_ms is not None:
            # What was owed then is in the past, unless a clock was set back since.
            self._unknown_until_ms = min(self._unknown_until_ms, now_ms - self._longest_ms)
        return old

    def save(self, now_ms: int) -> Iterator[NDArray[np.void]]:
        """The projection as of this call, for a snapshot: parts of dtype `SAVED`, shape (authors,), of those who have
        spent charges. The call takes 3 ms for 200,000 authors, each part under 1 ms: let others have a turn between."""
        return _parts(dict(self._logged), min(now_ms, self._counted_ms))

    def load(self, saved: NDArray[np.void], now_ms: int, *, charge_ms: int | None = None) -> None:
        """Begin with what `save` gave.

        Args:
            saved: dtype `SAVED`, shape (authors,).
            now_ms: the wall clock.
            charge_ms: the rule's that it was saved under; None where that isn't known, and taken for this one. Under
                another rule as many charges are owed, but nobody waits longer than this rule makes them.
        """
        owed_ms = np.minimum(saved["full_ms"] - now_ms, np.int64(1) << 52)
        if charge_ms and charge_ms != self.rule.charge_ms:
            owed_ms = np.ceil(owed_ms * (self.rule.charge_ms / charge_ms)).astype(np.int64)
        full_ms = now_ms + np.minimum(owed_ms, self._longest_ms)  # `_full_ms` cuts what a shorter window forbids
        self._logged = _Debts(zip(saved["author"].tolist(), full_ms.tolist(), strict=True))
        self._logged.forget(0, self._max_authors)

    def _full_ms(self, author: int, now_ms: int, rule: Rule) -> int:
        """When all charges are back; a later moment than spending them all now would make it is of a clock that was
        set back since, and is moved, so that it comes nearer."""
        full_ms = max(self._logged.get(author, 0), self._admitted.get(author, 0))
        latest_ms = now_ms + rule.window_ms
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
        full_ms = np.fromiter(self.values(), np.int64, len(self))
        goes = full_ms <= now_ms
        if len(self) > most:
            # Down to three quarters, so that a flood of authors pays for this once in 50,000 edits.
            goes[np.argpartition(full_ms, -(most * 3 // 4))[: -(most * 3 // 4)]] = True
        # One by one: to make another dict of those who stay held the loop for three times as long, 42 ms of 200,000.
        for author in list(compress(self, goes.tolist())):
            del self[author]
        self._crowd = max(_FEW_AUTHORS, 2 * len(self))


SAVED = np.dtype([("author", "<u8"), ("full_ms", "<i8")])


def _parts(debts: dict[int, int], later_than_ms: int) -> Iterator[NDArray[np.void]]:
    authors, full_ms = iter(debts), iter(debts.values())
    for begin in range(0, len(debts), _SAVED_AT_ONCE):
        part = np.empty(min(_SAVED_AT_ONCE, len(debts) - begin), SAVED)
        part["author"] = np.fromiter(islice(authors, len(part)), np.uint64, len(part))
        part["full_ms"] = np.fromiter(islice(full_ms, len(part)), np.int64, len(part))
        yield part[part["full_ms"] > later_than_ms]
