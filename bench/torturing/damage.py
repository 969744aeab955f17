"""Damage to a file, as disks and people cause it: at random places, from a seed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_SECTORS: Final = (512, 4_096)
_TAIL_BYTES: Final = 20_000


def damage(path: Path, how: str, *, seed: int, places: int) -> None:
    """Damage the file `path`.

    Args:
        how: one of `bench.torturing.schedule.HOW`.
        seed: decides the places and the new bytes.
        places: number of bits or sectors; not used where the file's length changes.
    """
    chance = random.Random(seed)
    data = bytearray(path.read_bytes())
    if how == "cut to nothing":
        data.clear()
    elif how == "cut short":
        del data[chance.randrange(len(data)) :]
    elif how == "add a tail":
        data += chance.randbytes(chance.randint(1, _TAIL_BYTES))
    else:
        for _ in range(places):
            _strike(data, how, chance)
    path.write_bytes(data)


def _strike(data: bytearray, how: str, chance: random.Random) -> None:
    # Half of the damage goes to the first pages, which describe the file: random places would rarely hit them.
    reach = len(data) if chance.random() < 0.5 else min(len(data), 5 * 4_096)
    if how == "flip bits":
        data[chance.randrange(reach)] ^= 1 << chance.randrange(8)
        return
    size = chance.choice(_SECTORS)
    begin = chance.randrange(reach) // size * size
    size = min(size, len(data) - begin)
    data[begin : begin + size] = bytes(size) if how == "zero a sector" else chance.randbytes(size)
