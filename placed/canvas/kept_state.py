"""The part of the state beside the canvas and the charges; a snapshot has all of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import attrs

from placed.canvas.definition import Definition

if TYPE_CHECKING:
    from collections.abc import Mapping


@attrs.frozen
class Kept:
    """What has come of the log's records up to one version.

    Attributes:
        created: what the canvas was at first.
        begun: whether anything but the canvas has been recorded. Servers that start on an empty log at once, with other
            sizes, each write a canvas: until something else comes, the first one counts, and none makes it larger.
        grown: the version since which it has its size and palette; 0 while nobody has made it larger.
        since: the version since which edits mean what they mean now. What is before it can't be folded again with what
            is kept here: a feed begins here at the earliest. Acts leave it: none of them changes what a pixel is.
        unknown: what has been skipped because this server doesn't know it, as `RecordUnknown.what`. A server that does
            know one of them can't go on from here, and reads the log anew. At most 256 formats, 256 types and
            `MOST_KINDS` kinds of acts.
        acts: what acts have set, by the name that their kind gives it; JSON values. Each kind bounds its own.
    """

    created: Definition
    begun: bool = False
    grown: int = 0
    since: int = 0
    unknown: frozenset[str] = frozenset()
    acts: Mapping[str, Any] = attrs.field(factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As a snapshot's header has it."""
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
        """What `as_json` made.

        Raises:
            ValueError, KeyError, TypeError: it didn't make this.
        """
        width, height, palette = found["created"]
        created = Definition(int(str(width)), int(str(height)), bytes.fromhex(palette))
        grown, since = int(str(found["grown"])), int(str(found["since"]))
        if not 0 <= grown <= since:
            raise ValueError(f"a canvas that has grown by version {grown}, and means what it does by {since}")
        unknown = frozenset(map(str, found["unknown"]))
        return cls(created, bool(found["begun"]), grown, since, unknown, dict(found["acts"]))

    def is_of(self, definition: Definition) -> bool:
        """Whether a canvas of which this is kept can be `definition` now."""
        return self.created.can_become(definition) if self.grown else self.created == definition
