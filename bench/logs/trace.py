"""Traces: the states of a canvas in the course of an event, and edits that lead from each state to the next.

A trace file is an .npz with, for k states,

    seconds   int64 (k)       when each state was seen, in seconds since the epoch
    edits     int64 (k)       edits made by then, in all
    offsets   int64 (k + 1)   pixel[offsets[i]:offsets[i + 1]] changed between state i - 1 and state i
    pixel     uint32 (n)      index y * width + x
    color     uint8 (n)       its new colour; before the first state all is 0
    palette   uint8 (colors, 3)
    size      (2)             width, height

The edits between two states are made up here: each pixel that changed gets its new colour as its last edit of the
interval, and the other edits, up to the interval's count, paint over those pixels before that. So every state and every
count is the trace's own.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.canvas.definition import Definition
from placed.canvas.events import EDIT
from placed.canvas.palette import SEED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

AUTHORS: Final = 1_100_000  # as many as took part in r/place 2017
_STATE_SECONDS: Final = 1800
_GENERATED_BEGIN: Final = 1_490_918_400  # 2017-03-31, when the real one began


class BadTrace(Exception):
    """The file isn't a trace."""


@attrs.frozen(eq=False)
class State:
    """One state, and the edits that led to it.

    Attributes:
        seconds: since the epoch.
        edits: dtype `EDIT`, shape (n,), in order.
        canvas: uint8, shape (height, width), after the edits. Valid until the next state is requested.
    """

    seconds: int
    edits: NDArray[np.void]
    canvas: NDArray[np.uint8]


@attrs.frozen(eq=False)
class Trace:
    """A trace, as its file has it; see the module's docstring."""

    definition: Definition
    seconds: NDArray[np.int64]
    edits: NDArray[np.int64]
    offsets: NDArray[np.int64]
    pixel: NDArray[np.uint32]
    color: NDArray[np.uint8]

    @property
    def total_edits(self) -> int:
        """How many edits `states` gives in all."""
        return int(np.maximum(np.diff(self.edits, prepend=0), np.diff(self.offsets)).sum())

    def states(self, seed: int = 2017) -> Iterator[State]:
        """All states in order; the same seed always gives the same edits."""
        definition = self.definition
        canvas = np.zeros(definition.width * definition.height, np.uint8)
        for index, total in enumerate(np.diff(self.edits, prepend=0).tolist()):
            changed = slice(int(self.offsets[index]), int(self.offsets[index + 1]))
            rng = np.random.default_rng([seed, index])
            edits = _fill_in(definition, canvas, self.pixel[changed], self.color[changed], total, rng)
            canvas[self.pixel[changed]] = self.color[changed]
            yield State(int(self.seconds[index]), edits, canvas.reshape(definition.height, definition.width))


def _fill_in(
    definition: Definition,
    canvas: NDArray[np.uint8],
    pixel: NDArray[np.uint32],
    color: NDArray[np.uint8],
    total: int,
    rng: np.random.Generator,
) -> NDArray[np.void]:
    if not len(pixel):  # nothing changed: some pixels are painted over, and repaired
        pixel = rng.choice(canvas.size, total // 2, replace=False).astype(np.uint32)
        color = canvas[pixel]
        total = 2 * len(pixel)
    extra = rng.integers(0, max(1, len(pixel)), max(0, total - len(pixel)))
    last_at = rng.random(len(pixel)) ** 0.25  # most of a drawing is finished late in its half hour
    at = np.concatenate([rng.random(len(extra)) * last_at[extra], last_at])
    # Overdraws come first, and the sort is stable, so that a tie can't put one after its pixel's last edit.
    order = np.argsort(at, kind="stable")
    edits = np.empty(len(at), EDIT)
    pixels = np.concatenate([pixel[extra], pixel])[order]
    edits["x"], edits["y"] = pixels % definition.width, pixels // definition.width
    edits["color"] = np.concatenate([rng.integers(0, definition.colors, len(extra), np.uint8), color])[order]
    edits["author"] = rng.integers(1, AUTHORS + 1, len(at), np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return edits


def load(path: Path) -> Trace:
    """Load the trace in a file.

    Raises:
        BadTrace: the file isn't one.
        OSError: the file can't be read.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            width, height = (int(side) for side in np.broadcast_to(data["size"], 2))
            definition = Definition(width, height, data["palette"].astype(np.uint8).tobytes())
            arrays = [data[name] for name in ("seconds", "edits", "offsets", "pixel", "color")]
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BadTrace(f"{path} is no trace: {error}") from error
    return Trace(definition, *arrays)


def generate(*, states: int, edits: int, width: int = 1000, height: int = 1000, seed: int = 1) -> Trace:
    """A made-up event: rectangles, each with a picture of few colours, overlap more and more as time goes on.

    Args:
        states: at least 1.
        edits: number of all edits; edits that the changed pixels of a half hour don't need paint over pixels.
    """
    rng = np.random.default_rng(seed)
    canvas = np.zeros((height, width), np.uint8)
    pixels, colors = [], []
    for _ in range(states):
        before = canvas.copy()
        for _ in range(rng.integers(3, 12)):
            _draw(canvas, rng)
        changed = np.flatnonzero(canvas.reshape(-1) != before.reshape(-1))
        pixels.append(changed.astype(np.uint32))
        colors.append(canvas.reshape(-1)[changed])
    counts = np.array([len(changed) for changed in pixels])
    per_state = np.maximum(np.diff(np.linspace(0, edits, states + 1).astype(np.int64)), counts)
    return Trace(
        Definition(width, height, SEED.rgb),
        _GENERATED_BEGIN + _STATE_SECONDS * np.arange(states),
        np.cumsum(per_state),
        np.concatenate([[0], np.cumsum(counts)]),
        np.concatenate(pixels),
        np.concatenate(colors),
    )


def _draw(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Paint one rectangle with stripes of up to 4 colours, in place."""
    height, width = canvas.shape
    sides = rng.integers(1, max(2, min(width, height) // 8), 2)
    top, left = rng.integers(0, height), rng.integers(0, width)
    patch = canvas[top : top + sides[0], left : left + sides[1]]
    colors = rng.integers(0, len(SEED.rgb) // 3, 4).astype(np.uint8)
    rows, columns = np.indices(patch.shape)
    patch[...] = colors[(rows // 3 + columns // 5) % 4]
