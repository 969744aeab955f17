"""The definition of a canvas: its size and palette. Pure: imports attrs only."""

from __future__ import annotations

import attrs

from placed.canvas.limits import MAX_COLORS, MAX_SIDE_PX


@attrs.frozen
class Definition:
    """A canvas's size and palette at one version; they can only grow.

    Attributes:
        width: 1 to 4096 pixels.
        height: 1 to 4096 pixels.
        rgb: the palette, 3 bytes a colour, 2 to 256 colours; index 0 is the blank colour.
    """

    width: int = attrs.field(validator=[attrs.validators.ge(1), attrs.validators.le(MAX_SIDE_PX)])
    height: int = attrs.field(validator=[attrs.validators.ge(1), attrs.validators.le(MAX_SIDE_PX)])
    rgb: bytes = attrs.field()

    @rgb.validator
    def _check_rgb(self, _attribute: object, rgb: bytes) -> None:
        if len(rgb) % 3 or not 2 <= len(rgb) // 3 <= MAX_COLORS:
            raise ValueError(
                f"a palette of {len(rgb)} bytes; allowed are 3 bytes for each of 2 to {MAX_COLORS} colours"
            )

    @property
    def colors(self) -> int:
        """How many colours the palette has."""
        return len(self.rgb) // 3

    @property
    def size(self) -> str:
        """Its size in words, for messages."""
        return f"{self.width} x {self.height} pixels and {self.colors} colours"

    def can_become(self, other: Definition) -> bool:
        """Whether `other` is this canvas or a larger one: no side is shorter, and its palette begins with this one's.
        It may not add a colour that the palette has already, because nobody could tell the two apart."""
        is_as_large = other.width >= self.width and other.height >= self.height
        added = [other.rgb[at : at + 3] for at in range(len(self.rgb), len(other.rgb), 3)]
        known = {self.rgb[at : at + 3] for at in range(0, len(self.rgb), 3)}
        is_new = len(known.union(added)) == len(known) + len(added)
        return is_as_large and other.rgb.startswith(self.rgb) and is_new
