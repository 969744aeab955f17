"""Acts: what each kind of act does when the fold comes to its record.

Each file here covers one thing that acts set, such as the bans: it has the functions that make the changes of its kinds
of act, each with a line in `ACTS`, and the functions that read the result. A kind's function changes nothing by itself:
it reads the state, and returns a `Change`, or raises `RecordRefused`. Facts that are needed later, such as who is
banned until when, go into `Change.acts` under a name of the kind's own, and are read from `state.kept.acts`: snapshots
have them. The pixels that an act changes aren't part of its change: they come as corrections.

    kept.acts    "bans", "areas", "plans", "gate", "announcement"    tables of `entries.py`, for undoing
                 "record", "told"                                     the last acts, see `record.py`

All of it is JSON, and bounded: the fold refuses an act if there is no more room for it. It counts a kind that it
doesn't know, and skips it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from placed.canvas.acts.announcement import announce
from placed.canvas.acts.bans import ban, unban
from placed.canvas.acts.done import done
from placed.canvas.acts.gate import open_or_close
from placed.canvas.acts.growth import grow
from placed.canvas.acts.painting import paint
from placed.canvas.acts.protections import protect, unprotect
from placed.canvas.acts.undo import undo

if TYPE_CHECKING:
    from placed.canvas.change import Change
    from placed.canvas.events.act import Act
    from placed.canvas.state import State

# Takes the state before the act, the act, its id, and the time of its record in ms since the epoch.
ActChange = Callable[["State", "Act", int, int], "Change"]

ACTS: Final[Mapping[str, ActChange]] = MappingProxyType(
    {
        "ban": ban,
        "unban": unban,
        "protect": protect,
        "unprotect": unprotect,
        "open": open_or_close,
        "close": open_or_close,
        "announce": announce,
        "wipe": paint,
        "stamp": paint,
        "restore": paint,
        "undo": undo,
        "grow": grow,
        "done": done,
    }
)
