"""Logs with all kinds of records, and a model of history that replays them one by one, slowly and plainly."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import attrs
import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from placed.canvas.definition import Definition
from placed.canvas.events import EDIT, Canvas, Edits
from placed.history.builder import Builder
from placed.history.folder import SegmentFile, write_segment
from placed.history.ground import Ground
from placed.history.overview_files import OverviewFile, make_overview, next_group
from placed.history.past import Past
from placed.history.sealing import encode
from tests.support.records import SMALL, any_edit, batch_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hypothesis.strategies import SearchStrategy
    from numpy.typing import NDArray

    from placed.canvas.batch import Batch

LOG_ID = "0123456789abcdef"
# Each example writes files, so to shrink a failing example would take minutes.
SETTINGS = settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
LARGER = Definition(7, 3, SMALL.rgb + bytes([99, 99, 99]))
OTHER = Definition(2, 2, SMALL.rgb)


@attrs.frozen
class Entry:
    """One record of a log."""

    offset: int
    ms: int
    value: bytes


def correction(act: int, pixels: Sequence[tuple[int, int, int]]) -> bytes:
    """A record of type 4."""
    return bytes([1, 4]) + struct.pack("<Q", act) + b"".join(struct.pack("<HHB", *pixel) for pixel in pixels)


def any_value() -> SearchStrategy[bytes]:
    """A record: mostly edits; also a larger canvas, corrections, acts, and unknown records."""
    several = st.lists(any_edit(), min_size=1, max_size=5)
    edits = several.map(lambda them: Edits(np.array(them, EDIT)).encode())
    outside = st.just(Edits(np.array([(200, 0, 0, 1)], EDIT)).encode())
    pixels = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 2), st.integers(0, 4)), min_size=1, max_size=6)
    corrections = st.builds(correction, st.integers(0, 50), pixels)
    canvases = st.sampled_from(
        [Canvas(SMALL).encode(), Canvas(LARGER).encode(), Canvas(Definition(2, 2, SMALL.rgb)).encode()]
    )
    others = st.sampled_from(
        [bytes([1, 3]) + b'{"kind":"nod","by":"0123456789abcdef"}', b"\x02\x01", b"x", b"\x01\x63hm"]
    )
    return st.one_of(edits, edits, edits, corrections, canvases, others, outside)


@st.composite
def any_log(draw: st.DrawFn, *, most: int = 40) -> list[Entry]:
    """The records of a log; offsets may have gaps, and times may go back."""
    offset, entries = 0, [Entry(0, 1_000, Canvas(SMALL).encode())]
    for value in draw(st.lists(any_value(), max_size=most)):
        offset += draw(st.sampled_from([1, 1, 1, 3]))
        entries.append(Entry(offset, 1_000 + draw(st.integers(0, 60)), value))
    return entries


def batches(entries: Sequence[Entry], size: int) -> list[Batch]:
    """The records in batches of `size`."""
    parts = [entries[at : at + size] for at in range(0, len(entries), size)]
    return [batch_at([e.offset for e in part], [e.value for e in part], [e.ms for e in part]) for part in parts]


@attrs.frozen
class Placed:
    """One pixel set by one record."""

    offset: int
    ms: int
    x: int
    y: int
    color: int
    author: int
    act: int


class Model:
    """The meaning of a log, record by record."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.definition = SMALL
        self.begun = False
        self.placed: list[Placed] = []
        self.moments: list[tuple[int, int]] = []  # offset, running highest time
        self.canvases: dict[int, tuple[Definition, NDArray[np.uint8]]] = {}
        self.entries = list(entries)
        self.version = entries[-1].offset + 1
        canvas = np.zeros((SMALL.height, SMALL.width), np.uint8)
        at = highest = 0
        for entry in entries:
            for version in range(at, entry.offset + 1):
                self.canvases[version] = (self.definition, canvas.copy())
            at = entry.offset + 1
            highest = max(highest, entry.ms)
            self.moments.append((entry.offset, highest))
            canvas = self._apply(entry, canvas)
        self.canvases[at] = (self.definition, canvas)

    def _apply(self, entry: Entry, canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
        for x, y, color, author, act in self._pixels(entry.value):
            canvas[y, x] = color
            self.placed.append(Placed(entry.offset, entry.ms, x, y, color, author, act))
        canvases = (Canvas(it).encode() for it in (SMALL, LARGER, OTHER))
        self.begun = self.begun or entry.value not in canvases
        if entry.value == Canvas(LARGER).encode() and self.definition == SMALL and self.begun:
            self.definition = LARGER
            larger = np.zeros((LARGER.height, LARGER.width), np.uint8)
            larger[: SMALL.height, : SMALL.width] = canvas
            return larger
        return canvas

    def _pixels(self, value: bytes) -> list[tuple[int, int, int, int, int]]:
        if value[:2] == b"\x01\x01":
            found = [(*struct.unpack_from("<HHBQ", value, at), -1) for at in range(2, len(value), 13)]
        elif value[:2] == b"\x01\x04":
            act = struct.unpack_from("<Q", value, 2)[0]
            found = [(*struct.unpack_from("<HHB", value, at), 0, act) for at in range(10, len(value), 5)]
        else:
            return []
        of = self.definition
        fit = all(x < of.width and y < of.height and color < of.colors for x, y, color, _, _ in found)
        return found if fit else []


def build(entries: Sequence[Entry], folder: Path, *, size: int = 7) -> Past:
    """The history of a log, as the indexer would make it."""
    builder = Builder(Ground(SMALL, 0))
    kept: list[SegmentFile] = []
    for batch in batches(entries, size):
        builder.add(batch)
        while (view := builder.full()) is not None:
            data = encode(view.stretch, LOG_ID, view.definition, view.ground)
            kept.append(write_segment(folder, data, view.stretch.start, view.stretch.end))
            with kept[-1].open() as segment:
                builder.sealed(segment.end_ground())
    return Past(LOG_ID, tuple(kept), builder.tail.view(), tuple(_overviews(kept, builder.tail.definition, folder)))


def _overviews(kept: Sequence[SegmentFile], now: Definition, folder: Path) -> list[OverviewFile]:
    found: list[OverviewFile] = []
    while (group := next_group(kept, found, now)) is not None:
        made = make_overview(folder, group, now)
        found = sorted([*found, made], key=lambda each: each.header.start)
    return found
