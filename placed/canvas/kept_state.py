"""The rest of the state, without the canvas and the charges; a snapshot has all of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import attrs

from placed.canvas.definition import Definition

if TYPE_CHECKING:
    from collections.abc import Mapping


@attrs.frozen
class Kept:
    """Results of the log's records before one version, without the canvas and the charges.

    Attributes:
        created: the canvas's size and palette at first.
        begun: whether the log has any record but canvases. Servers that start on an empty log at once, with different
            sizes, each write a canvas: until another record comes, the first canvas counts, and none makes it larger.
        grown: the version since which the canvas has its size and palette; 0 while nobody has made it larger.
        since: the version since which edits mean the same as now. Earlier records can't be folded again with this
            state, so a feed begins here at the earliest. Acts don't change it, because none changes what a pixel means.
        unknown: the formats, types and kinds of skipped records that this server doesn't know, as
            `RecordUnknown.what`. A server that does know one of them can't go on from here, and reads the log anew. At
            most 256 formats, 256 types and `MOST_KINDS` kinds of acts.
        acts: values that acts have set, by the names that their kinds give them; JSON. Each kind bounds its own.
    """

    created: Definition
    begun: bool = False
    grown: int = 0
    since: int = 0
    unknown: frozenset[str] = frozenset()
    acts: Mapping[str, Any] = attrs.field(factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The JSON value for a snapshot's header."""
        return {
            "created": [self.created.width, self.created.height, self.created.rgb.hex()],
            "begun": self.begun,
            "grown": self.grown,
            "since": self.since,
            "unknown": sorted(self.unknown),
            "acts": dict(self.acts),
        }

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> Self:
        """The state in a JSON value of `as_json`.

        Raises:
            ValueError, KeyError, TypeError: `as_json` didn't make this value.
        """
        width, height, palette = found["created"]
        created = Definition(int(str(width)), int(str(height)), bytes.fromhex(palette))
        grown, since = int(str(found["grown"])), int(str(found["since"]))
        if not 0 <= grown <= since:
            raise ValueError(f"grown at version {grown}, and since is {since}; allowed is 0 <= grown <= since")
        unknown = frozenset(map(str, found["unknown"]))
        return cls(created, bool(found["begun"]), grown, since, unknown, dict(found["acts"]))

    def is_of(self, definition: Definition) -> bool:
        """Whether the canvas of this state can have the size and palette `definition` now."""
        return self.created.can_become(definition) if self.grown else self.created == definition
