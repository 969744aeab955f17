"""Plays the log's rows in order, and yields the canvas at each frame of a film. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from placed.canvas.definition import Definition

Even = Literal["time", "edits"]


@attrs.frozen
class Area:
    """A part of a canvas, in pixels."""

    x: int
    y: int
    width: int
    height: int

    def of(self, rows: NDArray[np.void], definition: Definition) -> NDArray[np.void]:
        """The rows, of a canvas of this size, whose pixels lie in this area."""
        # Most films show the whole canvas; then all rows are inside.
        if not self.x and not self.y and definition.width <= self.width and definition.height <= self.height:
            return rows
        x, y = rows["x"], rows["y"]
        inside = (x >= self.x) & (x < self.x + self.width) & (y >= self.y) & (y < self.y + self.height)
        return rows if inside.all() else rows[inside]

    def cut(self, canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A copy of the area's pixels, shape (height, width); pixels outside the canvas are blank."""
        found = canvas[self.y : self.y + self.height, self.x : self.x + self.width]
        pixels = np.zeros((self.height, self.width), np.uint8)
        pixels[: found.shape[0], : found.shape[1]] = found
        return pixels


def marks(begin: int, end: int, frames: int) -> NDArray[np.int64]:
    """The last moment or edit of each frame, evenly from `begin` to `end`: int64, shape (frames,). A single frame gets
    the end."""
    return np.linspace(begin, end, frames).round().astype(np.int64) if frames > 1 else np.array([end], np.int64)


def play(
    pixels: NDArray[np.uint8], area: Area, rows: Iterable[NDArray[np.void]], up_to: NDArray[np.int64], even: Even
) -> Iterator[NDArray[np.uint8]]:
    """Yield the area at each frame, uint8, shape (height, width). It is the same array each time, painted on.

    Args:
        pixels: the area before the first row; `play` paints on it.
        area: its place on the canvas.
        rows: all later rows of the area, in the log's order, dtype `placed.history.stretch.ROW`.
        up_to: for each frame, rising: the last moment in ms that it shows, or the number of the area's edits.
        even: whether `up_to` holds times or numbers of edits.
    """
    frame, seen, latest = 0, 0, 0
    for inside in rows:
        if not len(inside):
            continue
        if even == "time":
            # A log's times may go back a little when brokers change; the film doesn't go back.
            keys = np.maximum(np.maximum.accumulate(inside["ms"]), latest)
            latest = int(keys[-1])
        else:
            keys = np.arange(seen + 1, seen + len(inside) + 1)
            seen += len(inside)
        done = 0
        while frame < len(up_to) and keys[-1] > up_to[frame]:
            end = int(np.searchsorted(keys, up_to[frame], "right"))
            _paint(pixels, area, inside[done:end])
            done = end
            yield pixels
            frame += 1
        _paint(pixels, area, inside[done:])
    for _ in range(frame, len(up_to)):
        yield pixels


def _paint(pixels: NDArray[np.uint8], area: Area, rows: NDArray[np.void]) -> None:
    at = (rows["y"].astype(np.intp) - area.y) * area.width + (rows["x"].astype(np.intp) - area.x)
    pixels.reshape(-1)[at] = rows["color"]  # numpy assigns in order: the last one of a pixel wins
