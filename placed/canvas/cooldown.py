"""Counts each author's charges: an edit spends one, and charges come back with time.

An author has `charges` charges; one edit spends one, and one comes back every `charge_ms`. The server keeps only one
number for an author: `full_ms`, the moment when the last spent charge will be back (the theoretical arrival time of the
generic cell rate algorithm, ITU-T I.371, annex A). With it,

    spend:    full_ms = max(full_ms, now) + charge_ms
    allowed:  full_ms after spending <= now + charges * charge_ms

There are two counts. `_logged` is a projection: it counts the edits read from the log, so it is the same after a
restart and, apart from the time that reading takes, on every server. `_admitted` counts the edits that this server has
let through, from the moment of admission, so that requests in flight can't beat it. The later of the two moments is the
author's `full_ms`. Neither is ever later than if all charges had been spent just now: a clock that is set back locks
nobody out.

A restart gives nothing back. If a replay counts every edit since the log's beginning, or since a snapshot, it makes the
same `full_ms` as a server without a restart. In a long log it counts the last half hour at least, from a moment B on,
and doesn't know the edits before. But nobody can have owed more than all charges at B, so the replay begins as if
everybody had: `full_ms` = B + window. `spend` never makes an earlier `full_ms` out of a later one, so the replay's
count stays at or above the true one, for good. And it is the true one

    - for an author who hasn't painted since B: all charges are back by now, as B is more than a window ago;
    - from the first moment at which the count has all charges back, since the true one has, too;
    - with one charge, from the first edit on: then full_ms = now + charge_ms, whatever it was before.

The count differs only for an author who has painted without such a pause ever since B, at more than three quarters of
the pace that the rule allows. This author may have up to all but one charge less than before, and can go on at that
pace all the same.

Bounded: the server forgets authors whose charges are all back, when there are twice as many authors as at the last
look. Past `MAX_AUTHORS` it also forgets the authors whose charges will be back soonest. Pure, and has one writer: the
Trio thread. Times are ms since the epoch.

A host may have given some authors, such as bots, another rule: `rules`. Their own rule then counts for them, and all
else is the same. When an author's rule changes, the author owes for as long as before, and never more than the new
window.
"""

from __future__ import annotations

from itertools import compress, islice
from typing import TYPE_CHECKING, Protocol

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

MAX_AUTHORS = 200_000  # about 25 MB; at 333 edits a second by different authors, 10 minutes of charges to come back
_FEW_AUTHORS = 4_096  # 0.5 MB: with so few, it isn't worth looking for authors to forget
# How far back a replay counts, at least, and in windows of the rule. Each edit counted costs 0.5 us: half an hour of
# 333 edits a second takes 0.3 s. Four windows, so that only an author at over 3/4 of the full pace may lose by it.
_LOOK_BACK_MS = 1_800_000
_LOOK_BACK_WINDOWS = 4
_SAVED_AT_ONCE = 8_192  # authors; 0.6 ms, then others have a turn


@attrs.frozen
class Rule:
    """How often an author may place an edit.

    Attributes:
        charges: how many charges an author may have at once, at least 1.
        charge_ms: how long a charge takes to come back, in ms; 0 switches the cooldown off.
    """

    charges: int = attrs.field(validator=attrs.validators.ge(1))
    charge_ms: int = attrs.field(validator=attrs.validators.ge(0))

    @property
    def window_ms(self) -> int:
        """The time without an edit, in ms, after which an author has all charges back."""
        return self.charges * self.charge_ms


class Rules(Protocol):
    """The rules that some authors have of their own."""

    def of(self, author: int) -> Rule | None:
        """The author's own rule; None if everybody's rule applies."""

    @property
    def longest_ms(self) -> int:
        """The longest window of all rules."""


@attrs.frozen
class Standing:
    """An author's charges at one moment.

    Attributes:
        remaining: how many charges the author has.
        next_ms: ms until one more is back; 0 if all are.
    """

    remaining: int
    next_ms: int


class Cooldowns:
    """Every author's charges.

    Args:
        rule: the rule of all authors without one of their own.
        rules: the rules that some authors have of their own; None if there are none.
        max_authors: how many authors the server remembers, at the most.
        look_back_ms: how far back a replay counts edits, in ms, at least.

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
        self._unknown_until_ms: int | None = None  # edits up to this moment weren't counted; None if all were
        self._counted_ms = 0
        self._logged = _Debts()
        self._admitted = _Debts()

    @property
    def look_back_ms(self) -> int:
        """How far back edits are counted, in ms. Of older edits it matters only whether there were any."""
        return self._look_back_ms

    def rule_of(self, author: int) -> Rule:
        """The rule of `author`: their own, or everybody's."""
        return self.rule if self._rules is None else self._rules.of(author) or self.rule

    def standing(self, author: int, now_ms: int) -> Standing:
        """The charges of `author` at `now_ms`."""
        rule = self.rule_of(author)
        if not rule.charge_ms:
            return Standing(rule.charges, 0)
        owed_ms = max(0, self._full_ms(author, now_ms, rule) - now_ms)
        spent = -(-owed_ms // rule.charge_ms)
        return Standing(rule.charges - spent, owed_ms - (spent - 1) * rule.charge_ms if spent else 0)

    def wait_ms(self, author: int, now_ms: int, count: int) -> int:
        """How many ms after `now_ms` the `author` has `count` charges, which is at most the rule's `charges`."""
        rule = self.rule_of(author)
        owed_ms = max(0, self._full_ms(author, now_ms, rule) - now_ms)
        return max(0, owed_ms + count * rule.charge_ms - rule.window_ms)

    def admit(self, author: int, now_ms: int, count: int = 1) -> bool:
        """Spend `count` charges, and return True; if the author has fewer, return False and change nothing."""
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
        """Undo one admission of `count` edits that are certainly not in the log."""
        if author in self._admitted:
            self._admitted[author] -= count * self.rule_of(author).charge_ms

    def count(self, authors: NDArray[np.uint64], times_ms: NDArray[np.int64], now_ms: int) -> None:
        """Count edits read from the log: n authors, and the log's time of each, ascending, both of shape (n,).

        Edits from more than half an hour and four windows ago are left out, as the module says.
        """
        if not self._longest_ms or not len(times_ms):
            return
        recent = self._leave_out(times_ms, now_ms)
        # The log's time may be ahead: a broker's clock may be, or our own was set back, and the log's time stands still
        # until it has caught up.
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
            # In a replay, a debt that is over by now still counts for the next record, which is from before now.
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
        """How many of the edits are too old to count. If any are, each author may have owed all charges then."""
        begin_ms = now_ms - self._look_back_ms
        old = int(np.searchsorted(times_ms, begin_ms, side="right"))
        if old:
            self._unknown_until_ms = max(self._unknown_until_ms or begin_ms, begin_ms)
        if self._unknown_until_ms is not None:
            # All charges of that time are back by now, unless a clock was set back since.
            self._unknown_until_ms = min(self._unknown_until_ms, now_ms - self._longest_ms)
        return old

    def save(self, now_ms: int) -> Iterator[NDArray[np.void]]:
        """The projection as of this call, for a snapshot: the authors who owe charges, in parts of dtype `SAVED`, shape
        (authors,). The call takes 3 ms for 200,000 authors, and each part under 1 ms: let others have a turn between
        two parts."""
        return _parts(dict(self._logged), min(now_ms, self._counted_ms))

    def load(self, saved: NDArray[np.void], now_ms: int, *, charge_ms: int | None = None) -> None:
        """Begin with the authors that `save` gave.

        Args:
            saved: dtype `SAVED`, shape (authors,).
            now_ms: the wall clock's time.
            charge_ms: the `charge_ms` of the rule at the time of `save`; None if unknown, then this rule's is assumed.
                Authors owe as many charges under this rule as under that one, but nobody waits longer than this rule's
                window.
        """
        owed_ms = np.minimum(saved["full_ms"] - now_ms, np.int64(1) << 52)
        if charge_ms and charge_ms != self.rule.charge_ms:
            owed_ms = np.ceil(owed_ms * (self.rule.charge_ms / charge_ms)).astype(np.int64)
        full_ms = now_ms + np.minimum(owed_ms, self._longest_ms)  # `_full_ms` cuts what a shorter window forbids
        self._logged = _Debts(zip(saved["author"].tolist(), full_ms.tolist(), strict=True))
        self._logged.forget(0, self._max_authors)

    def _full_ms(self, author: int, now_ms: int, rule: Rule) -> int:
        """The moment when all charges are back. A stored moment beyond a window from now comes from a clock that was
        set back since: it is cut down to a window from now, so that it gets nearer."""
        full_ms = max(self._logged.get(author, 0), self._admitted.get(author, 0))
        latest_ms = now_ms + rule.window_ms
        if full_ms <= latest_ms:
            return full_ms
        for debts in (self._logged, self._admitted):
            if debts.get(author, 0) > latest_ms:
                debts[author] = latest_ms
        return latest_ms


class _Debts(dict[int, int]):
    """The `full_ms` of each author who owes charges, or did."""

    _crowd = _FEW_AUTHORS

    def forget(self, now_ms: int, most: int) -> None:
        """If there are many authors, forget those who owe nothing at `now_ms`; past `most` also those who owe least."""
        if len(self) <= min(self._crowd, most):
            return
        full_ms = np.fromiter(self.values(), np.int64, len(self))
        goes = full_ms <= now_ms
        if len(self) > most:
            # Down to three quarters, so that a flood of authors pays for this once in 50,000 edits.
            goes[np.argpartition(full_ms, -(most * 3 // 4))[: -(most * 3 // 4)]] = True
        # One by one: making a new dict of the authors who stay held the loop three times as long, 42 ms for 200,000.
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
