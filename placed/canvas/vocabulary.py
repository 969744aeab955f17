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
    """What a fold knows.

    Attributes:
        types: by the second byte of their records.
        acts: by their kind.
    """

    types: Mapping[int, type[Event]] = TYPES
    acts: Mapping[str, ActChange] = ACTS

    def knows(self, what: str) -> bool:
        """Whether it knows what another one didn't, in the words of `RecordUnknown.what`."""
        if what == ANY_KIND:  # more kinds than are kept by name
            return bool(self.acts)
        names = {
            f"format {FORMAT}",
            *(f"type {number}" for number in self.types),
            *(f"act {kind}" for kind in self.acts),
        }
        return what in names


VOCABULARY: Final = Vocabulary()
