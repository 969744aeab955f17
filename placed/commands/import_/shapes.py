"""Turns the shapes of Reddit's moderators, rectangles (2022, 2023) and circles (2023), into pixels. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from placed.canvas.events import EDIT
from placed.commands.import_.rows import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.canvas.definition import Definition


def pixels_of(row: np.void, definition: Definition) -> NDArray[np.void]:
    """The edits, dtype `EDIT`, of one row with the canvas's coordinates; pixels outside the canvas are left out."""
    x, y, x2, y2 = (int(row[name]) for name in ("x", "y", "x2", "y2"))
    if row["kind"] == Kind.CIRCLE:
        radius = x2
        box = (x - radius, y - radius, x + radius, y + radius)
    else:
        radius = None
        box = (min(x, x2), min(y, y2), max(x, x2), max(y, y2))
    columns = np.arange(max(0, box[0]), min(definition.width, box[2] + 1))
    lines = np.arange(max(0, box[1]), min(definition.height, box[3] + 1))
    ys, xs = (part.reshape(-1) for part in np.meshgrid(lines, columns, indexing="ij"))
    if radius is not None:
        inside = (xs - x) ** 2 + (ys - y) ** 2 <= radius**2
        xs, ys = xs[inside], ys[inside]
    edits = np.empty(len(xs), EDIT)
    edits["x"], edits["y"], edits["color"], edits["author"] = xs, ys, row["color"], row["author"]
    return edits
