"""An area: a rectangle of pixels, as acts name it. Pure: imports attrs and numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

import attrs

from placed.canvas.limits import MAX_SIDE_PX

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from placed.canvas.definition import Definition

    Scalar = TypeVar("Scalar", bound=np.generic)


@attrs.frozen
class Area:
    """A rectangle of pixels.

    Attributes:
        x: its left column.
        y: its top row.
        width: its width in pixels, 1 or more; the area ends before the column `x + width`.
        height: the same for rows.

    Raises:
        ValueError: no canvas is large enough for it.
    """

    x: int
    y: int
    width: int
    height: int

    def __attrs_post_init__(self) -> None:
        is_one = self.x >= 0 and self.y >= 0 and self.width >= 1 and self.height >= 1
        if not is_one or self.x + self.width > MAX_SIDE_PX or self.y + self.height > MAX_SIDE_PX:
            raise ValueError(
                f"the area {self.as_json()!r}; allowed are [x, y, width, height] of pixels from 0 to {MAX_SIDE_PX - 1}"
            )

    @classmethod
    def of(cls, definition: Definition) -> Self:
        """All of a canvas."""
        return cls(0, 0, definition.width, definition.height)

    def as_json(self) -> list[int]:
        """The area as acts write it: x, y, width and height."""
        return [self.x, self.y, self.width, self.height]

    def is_on(self, definition: Definition) -> bool:
        """Whether the whole area is on a canvas."""
        return self.x + self.width <= definition.width and self.y + self.height <= definition.height

    def check_on(self, definition: Definition) -> None:
        """Refuse an area that isn't all on a canvas.

        Raises:
            ValueError: a part of it isn't.
        """
        if not self.is_on(definition):
            raise ValueError(
                f"the area {self.as_json()!r} reaches beyond the canvas of {definition.width} x {definition.height}"
            )

    def has(self, x: int, y: int) -> bool:
        """Whether a pixel is in the area."""
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height

    def part_of(self, canvas: NDArray[Scalar]) -> NDArray[Scalar]:
        """The area's part of an array of shape (height, width, ...): a view."""
        part: NDArray[Scalar] = canvas[self.y : self.y + self.height, self.x : self.x + self.width]
        return part
