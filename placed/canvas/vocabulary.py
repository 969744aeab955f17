"""The vocabulary: which types of records and kinds of acts a server knows. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from placed.canvas.acts import ACTS
from placed.canvas.events import FORMAT, TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placed.canvas.acts import ActChange
    from placed.canvas.events import Event

ANY_KIND: Final = "act *"


@attrs.frozen
class Vocabulary:
    """The types and kinds that a server knows.

    Attributes:
        types: the events, by the second byte of their records.
        acts: the functions that make an act's change, by its kind.
    """

    types: Mapping[int, type[Event]] = TYPES
    acts: Mapping[str, ActChange] = ACTS

    def knows(self, what: str) -> bool:
        """Whether this server knows `what`, a `RecordUnknown.what` that a server has noted."""
        if what == ANY_KIND:  # more kinds than a server remembers by name
            return bool(self.acts)
        names = {
            f"format {FORMAT}",
            *(f"type {number}" for number in self.types),
            *(f"act {kind}" for kind in self.acts),
        }
        return what in names


VOCABULARY: Final = Vocabulary()
