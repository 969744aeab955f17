"""The schedule: the faults that a server meets, drawn from a seed. Pure.

A round is one life of the server. Its faults may overlap. Then the server ends, and while it is down its files may be
damaged. Kinds are dealt from shuffled decks, so that a short run has some of each. The same seed gives the same
schedule, but the exact moment when a fault hits depends on the machine.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Number = int | float

PAUSE: Final = "SIGSTOP, SIGCONT"
CLOCK: Final = "clock step"
DISK: Final = "full disk"
CUT: Final = "cut connections"
SLOW: Final = "slow network"
STALLED: Final = "readers that stall"
BURST: Final = "burst of edits"
GARBAGE: Final = "garbage requests"
LIVE: Final = (PAUSE, CLOCK, DISK, CUT, SLOW, STALLED, BURST, GARBAGE)

KILL: Final = "kill -9"
TERM: Final = "SIGTERM"
TERM_KILL: Final = "kill -9 after SIGTERM"
ENDS: Final = (KILL, TERM, TERM_KILL)
KILL_START: Final = "kill -9 while starting"

SNAPSHOT: Final = "damaged snapshot"
LOG: Final = "damaged log"
DAMAGES: Final = (SNAPSHOT, LOG)
KINDS: Final = (*LIVE, *ENDS, KILL_START, *DAMAGES)

HOW: Final = ("flip bits", "zero a sector", "overwrite a sector", "cut short", "add a tail", "cut to nothing")
_STEPS_SECONDS: Final = (1, 5, 60, 3_600, 86_400, 30 * 86_400)


@attrs.frozen
class Fault:
    """One fault.

    Attributes:
        kind: one of `KINDS`.
        at_seconds: seconds after the server got ready, started or ended, depending on the kind.
        amounts: further numbers that the kind needs.
        how: one of `HOW`, for damage.
    """

    kind: str
    at_seconds: float = 0.0
    amounts: dict[str, Number] = attrs.field(factory=dict)
    how: str = ""

    def __str__(self) -> str:
        parts = [self.how] if self.how else []
        parts += [f"{name} {value:g}" for name, value in self.amounts.items()]
        return f"{self.kind} at {self.at_seconds:.2f} s" + (f" ({', '.join(parts)})" if parts else "")


@attrs.frozen
class Round:
    """One life of the server.

    Attributes:
        starts: kills during starts, before a start that may complete.
        live: faults while it serves.
        settles: whether the server ends only after all faults have passed and everybody has caught up; otherwise it
            ends in the middle of them.
        end: how the server ends.
        damages: damage to copies of its files, one after the other.
    """

    number: int
    starts: tuple[Fault, ...]
    live: tuple[Fault, ...]
    settles: bool
    end: Fault
    damages: tuple[Fault, ...]

    def __str__(self) -> str:
        faults = [*self.starts, *self.live, self.end, *self.damages]
        settled = "settled" if self.settles else "in the thick of it"
        return f"round {self.number}, ended {settled}: " + "; ".join(map(str, faults))


class _Deck:
    """Deals kinds in random order, each as often as the others."""

    def __init__(self, chance: random.Random, kinds: Sequence[str]) -> None:
        self._chance = chance
        self._kinds = kinds
        self._left: list[str] = []

    def deal(self) -> str:
        if not self._left:
            self._left = list(self._kinds)
            self._chance.shuffle(self._left)
        return self._left.pop()


def rounds(seed: int, *, without: frozenset[str] = frozenset()) -> Iterator[Round]:
    """All rounds of a seed, without end.

    Args:
        seed: any integer.
        without: kinds that this machine can't cause; others are dealt in their place.
    """
    chance = random.Random(seed)
    live, ends, damages, how = (
        _Deck(chance, [kind for kind in kinds if kind not in without]) for kinds in (LIVE, ENDS, DAMAGES, HOW)
    )
    number = 0
    while True:
        number += 1
        yield Round(
            number,
            tuple(_start(chance) for _ in range(1 if number % 3 == 2 else 0)),
            tuple(_fault(chance, live.deal()) for _ in range(chance.randint(2, 4))),
            chance.random() < 0.5,
            Fault(ends.deal(), round(chance.uniform(0.5, 3.0), 2), {"then": round(chance.uniform(0, 0.2), 3)}),
            tuple(_damage(chance, damages.deal(), how.deal()) for _ in range(chance.randint(1, 2))),
        )


def _start(chance: random.Random) -> Fault:
    return Fault(KILL_START, round(chance.uniform(0.05, 1.2), 2))


def _damage(chance: random.Random, kind: str, how: str) -> Fault:
    return Fault(kind, 0.0, {"seed": chance.randrange(1 << 32), "places": chance.choice([1, 1, 3, 20])}, how)


def _fault(chance: random.Random, kind: str) -> Fault:
    return Fault(kind, round(chance.uniform(0.1, 2.0), 2), _AMOUNTS[kind](chance))


def _seconds(chance: random.Random, low: float, high: float) -> dict[str, Number]:
    return {"seconds": round(chance.uniform(low, high), 2)}


_AMOUNTS: Final[dict[str, Callable[[random.Random], dict[str, Number]]]] = {
    PAUSE: lambda chance: _seconds(chance, 0.05, 2.0),
    CLOCK: lambda chance: {"step": chance.choice([-1, 1]) * chance.choice(_STEPS_SECONDS)},
    DISK: lambda chance: _seconds(chance, 0.2, 1.5),
    CUT: lambda chance: {**_seconds(chance, 0.5, 1.5), "bytes": chance.randint(0, 4_000)},
    SLOW: lambda chance: {**_seconds(chance, 0.5, 1.5), "delay": round(chance.uniform(0.01, 0.1), 3)},
    STALLED: lambda chance: {"readers": chance.randint(5, 60)},
    BURST: lambda chance: {"edits": chance.randint(50, 400)},
    GARBAGE: lambda chance: {"requests": chance.randint(10, 60), "seed": chance.randrange(1 << 32)},
}
