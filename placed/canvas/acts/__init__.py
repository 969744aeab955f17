"""Acts: what each kind of act does when the fold comes to its record.

A kind is a file here, with a function that gives the act's change, and a line in `ACTS`. The function changes nothing
by itself: it reads the state, and returns a `Change`, or raises `RecordRefused`. What has to be known later of an act,
such as who is banned until when, goes into `Change.acts` under a name of the kind's own, and is read from
`state.kept.acts`: snapshots have it. The pixels that an act changes aren't its change: they come as corrections.

No kind is known yet: the fold counts each, and skips it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from placed.canvas.change import Change
    from placed.canvas.events.act import Act
    from placed.canvas.state import State

# Of the state before the act, the act, and its id.
ActChange = Callable[["State", "Act", int], "Change"]

ACTS: Final[Mapping[str, ActChange]] = MappingProxyType({})
